# SPDX-License-Identifier: Apache-2.0
"""What a result says of a problem that was solved although something about it is odd."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv import Camera, ba
from fastcv.synthetic import make_tracks


def test_nothing_odd(make_problem, solve):
    result = solve(make_problem())
    assert result.notes == []
    assert len(result.outliers) == 0


def test_components(make_problem, perturb, solve):
    visible = np.zeros((9, 90), bool)
    for part in range(3):
        visible[3 * part : 3 * part + 3, 30 * part : 30 * part + 30] = True
    result = solve(perturb(make_problem(num_images=9, num_points=90, visible=visible), 0.005))
    assert result.notes == ["3 components share no point: solved together, each may drift"]
    assert result.final_cost < 1e-9


def test_points_behind(make_problem, solve):
    problem = make_problem()
    mirrored = problem.points.copy()
    # Beyond the first image's centre, on the line of sight of the point: only this image, which is held, sees it so.
    rotation, translation = problem.cam_from_world[0, :, :3], problem.cam_from_world[0, :, 3]
    mirrored[0] = -rotation.T @ (rotation @ mirrored[0] + 2 * translation)
    others = problem.image_indices[problem.point_indices == 0] != 0
    in_front = problem.cam_from_world[problem.image_indices[problem.point_indices == 0]][others]
    behind = 1 + int(((in_front[:, 2, :3] @ mirrored[0] + in_front[:, 2, 3]) < 0).sum())
    result = solve(replace(problem, points=mirrored), max_iterations=0)
    note = f"{behind} observations of points behind their camera: projected as their opposite in front"
    assert result.notes == [note]


def test_images_with_few_points(make_problem, solve):
    visible = np.ones((8, 40), bool)
    visible[2:, :] = False
    visible[2, :10], visible[3:, :2] = True, True
    result = solve(make_problem(num_images=8, num_points=40, visible=visible))
    assert result.notes == ["images 3, 4, 5, 6, 7 see fewer than 3 points: what these leave open stays"]


def test_camera_without_images(make_problem, solve):
    problem = make_problem()
    spare = Camera("PINHOLE", 640, 480, np.array([500.0, 500, 320, 240]))
    fixed = [*problem.fixed_params, np.ones(4, bool)]
    result = solve(replace(problem, cameras=[*problem.cameras, spare], fixed_params=fixed))
    assert result.notes == ["cameras 1 took no image: they keep their parameters"]
    assert result.cameras[1] == spare


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_outliers(weight, solve):
    truth, _ = make_tracks("ring", num_images=8, num_points=200, noise_px=0.2, outlier_ratio=0.1)
    problem = ba.Problem.from_reconstruction(truth)
    problem.weights = np.full(problem.num_observations, weight)
    result = solve(problem, loss="cauchy", loss_scale=2 * weight)
    beyond = np.linalg.norm(result.residuals, axis=1) > 2
    np.testing.assert_array_equal(result.outliers, np.flatnonzero(beyond))
    assert 0.08 * problem.num_observations < len(result.outliers) < 0.12 * problem.num_observations


def test_prior_residuals_are_in_standard_deviations(make_problem, solve):
    problem = make_problem()
    centers = -np.einsum("iba,ib->ia", problem.cam_from_world[:, :, :3], problem.cam_from_world[:, :, 3])
    away = centers + [0.1, 0.2, -0.3]  # all images alike, so that they move and nothing is bent
    covariance = np.diag([0.01, 0.04, 0.09])
    problem.position_priors = ba.Priors([*range(6), 0], np.vstack([away, centers[:1]]), covariance)
    result = solve(problem, max_iterations=0)
    assert list(result.prior_residuals) == ["position_priors"]
    expected = np.vstack([np.tile([-1, -1, 1], (6, 1)), np.zeros((1, 3))])
    np.testing.assert_allclose(result.prior_residuals["position_priors"], expected, atol=1e-9)
