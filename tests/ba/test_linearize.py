# SPDX-License-Identifier: Apache-2.0
"""Residuals against pycolmap, derivatives against central differences, for every camera model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.ba import Problem, _reference, linearize
from fastcv.scene import CAMERA_MODELS


def assert_blocks_agree(problem: Problem) -> None:
    got, expected = linearize(problem), _reference.linearize(problem)
    np.testing.assert_allclose(got.residuals, expected.residuals, atol=1e-9)
    # Central differences with a relative step h = 1e-5 err by h² times the third derivative (relative 1e-8 here) and by
    # eps / h times the pixel (1e-11 × 500 px).
    for name in ("d_pose", "d_params", "d_point"):
        block = getattr(expected, name)
        np.testing.assert_allclose(getattr(got, name), block, rtol=1e-6, atol=1e-7 * np.abs(block).max(), err_msg=name)


@pytest.mark.parametrize("model", CAMERA_MODELS)
def test_residuals_are_zero_at_pycolmaps_projections(make_problem, model):
    residuals = linearize(make_problem((model,))).residuals
    assert len(residuals) > 200
    # A few roundings of pixels up to 640, and 1e-9 of the series that COLMAP takes near the axis of FOV.
    np.testing.assert_allclose(residuals, 0, atol=2e-9)


@pytest.mark.parametrize("model", CAMERA_MODELS)
def test_derivatives(make_problem, model):
    assert_blocks_agree(make_problem((model,), noise_px=2))


def test_derivatives_of_mixed_models_and_weights(make_problem):
    problem = make_problem(("PINHOLE", "OPENCV_FISHEYE", "BAL"), noise_px=2)
    weights = np.random.default_rng(0).uniform(0.2, 3, problem.num_observations)
    assert_blocks_agree(replace(problem, weights=weights))
    plain = linearize(problem)
    np.testing.assert_allclose(
        linearize(replace(problem, weights=weights)).d_point, weights[:, None, None] * plain.d_point, rtol=1e-12
    )


@pytest.mark.parametrize("model", ["SIMPLE_RADIAL", "RADIAL_FISHEYE"])
def test_derivatives_behind_the_camera(make_problem, model):
    problem = make_problem((model,), noise_px=2)
    poses = problem.cam_from_world.copy()
    poses[0, 2, 3] = -5  # every point of the first image lies behind it
    behind = replace(problem, cam_from_world=poses)
    assert np.isfinite(linearize(behind).residuals).all()
    assert_blocks_agree(behind)


def panorama_problem(noise_px: float = 0.0) -> Problem:
    """Panoramas in the middle of a cloud: points on all sides, and some at both sides of the seam behind."""
    random = np.random.default_rng(3)
    directions = random.standard_normal((200, 3))
    points = 3 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    points[:8] = [[0.01 * (i - 3.5), 0.2 * i - 0.7, -3] for i in range(8)]
    poses = np.array([np.eye(3, 4)] * 4)
    poses[1:, :, 3] = 0.3 * random.standard_normal((3, 3))
    oracle = pycolmap.Camera(model="EQUIRECTANGULAR", width=640, height=320, params=[640, 320])
    pixels = np.concatenate([oracle.img_from_cam(points + pose[:, 3]) for pose in poses])
    pixels += noise_px * random.standard_normal(pixels.shape)
    pixels[:, 0] %= 640
    return Problem(
        cameras=[Camera("EQUIRECTANGULAR", 640, 320, [640, 320])],
        image_cameras=np.zeros(4, int),
        cam_from_world=poses,
        points=points,
        image_indices=np.repeat(np.arange(4), 200),
        point_indices=np.tile(np.arange(200), 4),
        observations=pixels,
    )


def test_a_panorama_sees_behind_and_closes_on_itself():
    problem = panorama_problem(noise_px=1.0)
    linearization = linearize(problem)
    # Without the turn, noise that pushes an observation over the seam would be a residual of 640 px.
    assert np.abs(linearization.residuals).max() < 6
    assert np.abs(problem.observations[:8, 0] - 320).min() > 315
    # Close to the poles a central difference of the longitude errs more; these points keep 5 degrees away from them.
    flat = np.abs(problem.observations[:, 1] - 160) < 150
    keep = np.isin(problem.point_indices, problem.point_indices[~flat], invert=True)
    names = ("image_indices", "point_indices", "observations", "weights")
    kept = {name: getattr(problem, name)[keep] for name in names}
    fixed = np.bincount(kept["point_indices"], minlength=200) == 0
    assert_blocks_agree(replace(problem, **kept, fixed_points=fixed))


def test_a_point_behind_is_seen_where_bal_puts_it():
    f, k1, k2 = 500.0, -0.1, 0.05
    problem = Problem(
        cameras=[Camera("BAL", 640, 480, [f, k1, k2])],
        image_cameras=[0, 0],
        cam_from_world=np.stack([np.eye(3, 4)] * 2),
        points=[[0.3, 0.4, -2.0]],
        image_indices=[0, 1],
        point_indices=[0, 0],
        observations=np.zeros((2, 2)),
    )
    x, y = 0.3 / -2, 0.4 / -2
    r2 = x * x + y * y
    scale = f * (1 + k1 * r2 + k2 * r2 * r2)
    np.testing.assert_allclose(linearize(problem).residuals, [[scale * x, scale * y]] * 2, rtol=1e-14)


def test_on_the_camera_plane_it_is_nan(make_problem):
    problem = make_problem(("PINHOLE",))
    problem.points[7] = [1, 1, 0]
    problem.cam_from_world[2] = np.eye(3, 4)
    rows = (problem.image_indices == 2) & (problem.point_indices == 7)
    assert rows.sum() == 1
    np.testing.assert_array_equal(np.isnan(linearize(problem).residuals).all(axis=1), rows)


def test_is_the_same_for_every_thread_count(make_problem):
    problem = make_problem(("OPENCV",), num_images=20, num_points=2000)
    assert problem.num_observations > 2**14  # more than one chunk
    one, three = linearize(problem, num_threads=1), linearize(problem, num_threads=3)
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_threads(make_problem):
    with pytest.raises(ValueError, match="num_threads: expected 0"):
        linearize(make_problem(), num_threads=-1)
