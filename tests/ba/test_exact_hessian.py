# SPDX-License-Identifier: Apache-2.0
"""The exact Hessian times a vector against second differences of the reference's cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv._backend import backend
from fastcv.ba import ParamsPriors, Priors, Problem, _reference
from fastcv.ba._arrays import ProblemArrays
from fastcv.ba._gauge import free_poses

from .conftest import PARAMS


def direction(problem: Problem) -> list[np.ndarray]:
    """Any, of steps that change pixels by hundreds."""
    random = np.random.default_rng(3)
    params = np.concatenate([camera.params for camera in problem.cameras])
    poses, points = random.standard_normal((problem.num_images, 6)), random.standard_normal(problem.points.shape)
    return [poses, random.standard_normal(len(params)) * np.where(np.abs(params) > 10, 100, 0.1), points]


def product(problem: Problem, x: list[np.ndarray], loss: str = "none", loss_scale: float = 1, threads: int = 0):
    native, y = backend("cpu").ba, [part.copy() for part in x]
    arrays = ProblemArrays.from_problem(problem, free_poses(problem, "free"))
    native.hessian_product(arrays, getattr(native.Loss, loss), loss_scale, *y, threads)
    return y


def assert_agrees(problem: Problem, tolerance: float, loss: str = "none", step: float = 1e-4) -> None:
    x = direction(problem)
    expected = _reference.hessian_product(problem, x, loss, 1.5, step)
    for ours, theirs in zip(product(problem, x, loss, 1.5), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


# Costs of some tens to 1e-16, divided by the square of the step; and its square times higher derivatives.
@pytest.mark.parametrize("model", sorted(set(PARAMS) - {"EQUIRECTANGULAR"}))
def test_models(make_problem, model):
    assert_agrees(make_problem((model,), num_images=3, num_points=5, noise_px=2), 2e-5)


# A step of 1e-4 moves pixels by 0.05, which bends a loss of scale 1.5 by its square, 1e-3.
@pytest.mark.parametrize("loss", ["huber", "soft_l1", "cauchy"])
def test_losses(make_problem, loss):
    problem = make_problem(("SIMPLE_RADIAL", "PINHOLE"), num_images=4, num_points=5, noise_px=4)
    assert_agrees(problem, 2e-4, loss, step=1e-5)


def test_covariances_and_weights(make_problem):
    problem = make_problem(num_images=3, num_points=6, noise_px=2)
    random = np.random.default_rng(0)
    roots = random.uniform(-1, 1, (problem.num_observations, 2, 2)) + 2 * np.eye(2)
    problem.covariances = roots @ roots.transpose(0, 2, 1)
    problem.weights = random.uniform(0.5, 2, problem.num_observations)
    assert_agrees(problem, 2e-5)


def test_points_behind_and_panoramas(make_problem):
    behind = make_problem(num_images=3, num_points=5, noise_px=2)
    behind.cam_from_world[1, 2, 3] -= 8  # all points behind this camera
    assert (behind.points @ behind.cam_from_world[1, 2, :3] + behind.cam_from_world[1, 2, 3] < 0).all()
    behind.observations[behind.image_indices == 1] *= [1, -1]
    assert_agrees(behind, 2e-5)

    pixels = make_problem(("PINHOLE",), num_images=3, num_points=5)
    panorama = replace(pixels.cameras[0], model="EQUIRECTANGULAR", params=np.array([640.0, 480]))
    problem = replace(pixels, cameras=[panorama], fixed_params=[np.ones(2, bool)])
    assert_agrees(problem, 2e-5)


@pytest.mark.parametrize("loss", ["none", "cauchy"])
def test_priors(make_problem, loss):
    problem = make_problem(num_images=4, num_points=6, noise_px=1)
    random = np.random.default_rng(0)
    poses = problem.cam_from_world[[0, 2, 2]] + random.normal(0, 0.1, (3, 3, 4))
    u, _, v = np.linalg.svd(poses[:, :, :3])
    poses[:, :, :3] = u @ v
    roots = random.uniform(-0.1, 0.1, (3, 6, 6)) + 0.3 * np.eye(6)
    options = {"loss": loss, "loss_scale": 2}
    problem.pose_priors = Priors([0, 2, 2], poses, roots @ roots.transpose(0, 2, 1), **options)
    problem.position_priors = Priors([3, 1], random.standard_normal((2, 3)), 0.1 * np.eye(3), **options)
    problem.point_priors = Priors([5, 0, 5], random.standard_normal((3, 3)), 0.2 * np.eye(3), **options)
    problem.params_priors = ParamsPriors([0], [[510, 300, 240, 0]], [[5, np.inf, 2, 0.01]])
    # On their own: observations weigh ten thousand times as much.
    problem.weights[:] = 1e-3
    assert_agrees(problem, 1e-6 if loss == "none" else 1e-5, step=1e-4)


def test_no_number_of_threads_changes_it(make_problem):
    problem = make_problem(num_images=8, num_points=600, noise_px=1)  # four chunks
    x = direction(problem)
    for one, many in zip(product(problem, x, threads=1), product(problem, x, threads=5), strict=True):
        np.testing.assert_array_equal(one, many)
