# SPDX-License-Identifier: Apache-2.0
"""Covariances against the inverse of the whole Hessian, from the numpy reference's Jacobian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv.ba import Problem, _reference, covariance, solve
from fastcv.ba._gauge import free_poses
from fastcv.synthetic import make_tracks

# Jacobians by images are kept in single precision: 6e-8 relative, times what the inversion makes of it.
TOLERANCE = 2e-5


def dense_inverse(problem: Problem, gauge: str = "two_cameras") -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Blocks (I, 6, 6), (N, 3, 3) and of each camera, from one inverse."""
    _, d_pose, d_params, d_point = _reference.linearize(problem)
    sizes = [len(camera.params) for camera in problem.cameras]
    offsets = 6 * problem.num_images + np.cumsum([0, *sizes])
    first_point = offsets[-1]
    jacobian = np.zeros((problem.num_observations, 2, first_point + 3 * problem.num_points))
    for k in range(problem.num_observations):
        image, point = problem.image_indices[k], problem.point_indices[k]
        camera = problem.image_cameras[image]
        jacobian[k, :, 6 * image : 6 * image + 6] = d_pose[k]
        jacobian[k, :, offsets[camera] : offsets[camera + 1]] = d_params[k, :, : sizes[camera]]
        jacobian[k, :, first_point + 3 * point :][:, :3] = d_point[k]
    free_params = ~np.concatenate(problem.fixed_params)
    free = np.concatenate([free_poses(problem, gauge).poses.ravel(), free_params, np.repeat(~problem.fixed_points, 3)])
    columns = jacobian.reshape(-1, len(free))[:, free]
    inverse = np.zeros((len(free), len(free)))
    inverse[np.ix_(free, free)] = np.linalg.inv(columns.T @ columns)
    block = lambda first, size: inverse[first : first + size, first : first + size]  # noqa: E731
    return (
        np.array([block(6 * i, 6) for i in range(problem.num_images)]),
        np.array([block(first_point + 3 * p, 3) for p in range(problem.num_points)]),
        [block(first, size) for first, size in zip(offsets[:-1], sizes, strict=True)],
    )


def assert_blocks_close(got: np.ndarray, expected: np.ndarray) -> None:
    """Each block relative to its own standard deviations: entries of a block differ by many orders of magnitude."""
    sigma = np.sqrt(np.maximum(np.diagonal(expected, axis1=-2, axis2=-1), 0))
    scale = sigma[..., :, None] * sigma[..., None, :]
    np.testing.assert_array_equal(got[scale == 0], 0)
    assert (np.abs(got - expected) <= TOLERANCE * scale).all()


def check(problem: Problem) -> None:
    got = covariance(problem)
    poses, points, params = dense_inverse(problem)
    assert_blocks_close(got.poses, poses)
    assert_blocks_close(got.points, points)
    for mine, expected in zip(got.params, params, strict=True):
        assert_blocks_close(mine, expected)


def test_shared_intrinsics_and_weights(make_problem):
    problem = make_problem(("SIMPLE_RADIAL", "PINHOLE"), num_images=6, num_points=40, noise_px=1)
    weights = np.random.default_rng(0).uniform(0.5, 2, problem.num_observations)
    check(replace(problem, weights=weights))


def test_fixed_things_are_certain(make_problem):
    problem = make_problem(("OPENCV",), num_images=6, num_points=40, noise_px=1)
    problem = replace(problem, fixed_images=np.arange(6) % 4 == 0, fixed_points=np.arange(40) % 5 == 0)
    check(problem)
    check(replace(problem, fixed_params=[np.ones(8, bool)]))


def test_only_points_or_only_poses(make_problem):
    truth = make_problem(("PINHOLE",), num_images=5, num_points=30)
    intrinsics = [np.ones(4, bool)]
    check(replace(truth, fixed_images=np.ones(5, bool), fixed_params=intrinsics))
    check(replace(truth, fixed_points=np.ones(30, bool), fixed_params=intrinsics))


@pytest.mark.parametrize("num_threads", [1, 3])
def test_a_chain_with_many_fronts(make_problem, num_threads):
    """Images far apart share no point, but all one camera: the inverse is taken where the factor has entries alone."""
    whole = make_problem(("SIMPLE_RADIAL",), num_images=30, num_points=240, noise_px=0.5)
    near = np.abs(whole.image_indices - whole.point_indices * 30 / 240) < 3
    seen = np.bincount(whole.point_indices[near], minlength=240) >= 2
    keep = near & seen[whole.point_indices]
    points, rows = np.unique(whole.point_indices[keep], return_inverse=True)
    problem = replace(
        whole,
        points=whole.points[points],
        image_indices=whole.image_indices[keep],
        point_indices=rows,
        observations=whole.observations[keep],
        fixed_points=np.zeros(len(points), bool),
        weights=np.ones(keep.sum()),
    )
    got = covariance(problem, num_threads=num_threads)
    poses, points, params = dense_inverse(problem)
    assert_blocks_close(got.poses, poses)
    assert_blocks_close(got.points, points)
    assert_blocks_close(got.params[0], params[0])


def test_is_that_of_repeated_measurements(make_problem):
    """Solutions of the same scene under fresh noise of one pixel scatter as the covariance says."""
    truth = make_problem(("SIMPLE_PINHOLE",), num_images=5, num_points=25)
    expected = covariance(truth)
    random = np.random.default_rng(1)
    solutions = [
        solve(replace(truth, observations=truth.observations + random.normal(0, 1, truth.observations.shape)))
        for _ in range(400)
    ]
    shifts = np.array([s.points - truth.points for s in solutions])
    scatter = np.einsum("spi,spj->pij", shifts, shifts) / len(solutions)
    # The variance of a variance from n samples is 2/n: 7 % of standard deviation; the mean over 75 is far tighter.
    ratio = np.diagonal(scatter, axis1=1, axis2=2) / np.diagonal(expected.points, axis1=1, axis2=2)
    assert abs(ratio.mean() - 1) < 0.1
    focal = np.array([s.cameras[0].params[0] for s in solutions])
    np.testing.assert_allclose(focal.std(), expected.params[0][0, 0] ** 0.5, rtol=0.15)


def test_robust_losses_weigh_observations(make_problem):
    """Huber's rho' is a / |r| beyond its scale: the same as weights of its square root."""
    problem = make_problem(("PINHOLE",), num_images=5, num_points=40, noise_px=2)
    lengths = np.linalg.norm(_reference.residuals(problem), axis=1)
    equivalent = replace(problem, weights=np.sqrt(np.minimum(1, 1.5 / lengths)))
    robust, weighted = covariance(problem, loss="huber", loss_scale=1.5), covariance(equivalent)
    np.testing.assert_allclose(robust.points, weighted.points, rtol=1e-4, atol=1e-12)


def test_what_is_not_determined_is_an_error(make_problem):
    problem = make_problem(("PINHOLE",), num_images=5, num_points=40)
    street = Problem.from_reconstruction(make_tracks("street", num_images=20, num_points=200).reconstruction)
    # Along a straight street the focal length trades against depth: a critical motion (Sturm 1997).
    for wrong, gauge in ((problem, "free"), (street, "two_cameras")):
        with pytest.raises(ValueError, match="problem: expected observations that determine everything that is free"):
            covariance(wrong, gauge=gauge)
    covariance(replace(street, fixed_params=[np.ones(3, bool)]))
    twins = problem.cam_from_world.copy()
    twins[1] = twins[0]
    seen = np.isin(problem.image_indices, [0, 1])
    both = np.bincount(problem.point_indices[seen], minlength=40) == 2
    keep = seen & both[problem.point_indices]
    names, rows = np.unique(problem.point_indices[keep], return_inverse=True)
    pair = Problem(
        problem.cameras,
        problem.image_cameras[:2],
        twins[:2],
        problem.points[names],
        problem.image_indices[keep],
        rows,
        problem.observations[keep],
        fixed_images=np.ones(2, bool),
        fixed_params=[np.ones(4, bool)],
    )
    with pytest.raises(ValueError, match=r"points\[\d+\]: expected observations that determine it"):
        covariance(pair)
