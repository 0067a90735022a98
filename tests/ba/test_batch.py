# SPDX-License-Identifier: Apache-2.0
"""solve_batch against solve, item by item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv.ba import Problem, solve, solve_batch
from fastcv.ba._gauge import free_poses, free_poses_of_items


def join(problems: list[Problem], order: np.ndarray | None = None) -> tuple[Problem, np.ndarray]:
    """The problems as one, observations in another order, and the item of each image."""

    def shifted(name: str, counts: list[int]) -> np.ndarray:
        shifts = np.cumsum([0, *counts[:-1]])
        return np.concatenate([getattr(p, name) + shift for p, shift in zip(problems, shifts, strict=True)])

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(p, name) for p in problems])

    image_counts = [p.num_images for p in problems]
    order = np.arange(sum(p.num_observations for p in problems)) if order is None else order
    whole = Problem(
        cameras=[camera for p in problems for camera in p.cameras],
        image_cameras=shifted("image_cameras", [len(p.cameras) for p in problems]),
        cam_from_world=joined("cam_from_world"),
        points=joined("points"),
        image_indices=shifted("image_indices", image_counts)[order],
        point_indices=shifted("point_indices", [p.num_points for p in problems])[order],
        observations=joined("observations")[order],
        weights=joined("weights")[order],
        fixed_images=joined("fixed_images"),
        fixed_points=joined("fixed_points"),
        fixed_params=[mask for p in problems for mask in p.fixed_params],
    )
    return whole, np.repeat(np.arange(len(problems)), image_counts)


@pytest.fixture
def problems(make_problem, perturb) -> list[Problem]:
    """Items of different size, models and fixed parts."""
    first = make_problem(("SIMPLE_RADIAL",), num_images=5, num_points=40, noise_px=1)
    second = make_problem(("PINHOLE", "OPENCV_FISHEYE"), num_images=8, num_points=90, noise_px=0.5)
    third = make_problem(("RADIAL",), num_images=4, num_points=30, noise_px=1)
    poses = replace(third, fixed_points=np.ones(30, bool), fixed_params=[np.ones(5, bool)])
    held = replace(second, fixed_images=np.arange(8) < 2)
    return [perturb(problem, 0.02, seed) for seed, problem in enumerate([first, second, poses, held])]


@pytest.mark.parametrize("loss", ["none", "cauchy"])
def test_every_item_is_solved_as_if_alone(problems, loss):
    whole, items = join(problems)
    result = solve_batch(whole, items, loss=loss)
    image = point = camera = 0
    for i, problem in enumerate(problems):
        alone = solve(problem, loss=loss)
        np.testing.assert_array_equal(result.cam_from_world[image : image + problem.num_images], alone.cam_from_world)
        np.testing.assert_array_equal(result.points[point : point + problem.num_points], alone.points)
        for got, expected in zip(result.cameras[camera : camera + len(problem.cameras)], alone.cameras, strict=True):
            np.testing.assert_array_equal(got.params, expected.params)
        assert (result.initial_costs[i], result.final_costs[i]) == (alone.initial_cost, alone.final_cost)
        assert (result.iterations[i], result.terminations[i]) == (len(alone.iterations) - 1, alone.termination)
        mine = items[whole.image_indices] == i
        np.testing.assert_array_equal(result.residuals[mine], alone.residuals)
        image, point, camera = image + problem.num_images, point + problem.num_points, camera + len(problem.cameras)


def test_does_not_depend_on_threads_or_the_order_of_items(problems):
    whole, items = join(problems * 10)
    one, three = (solve_batch(whole, items, num_threads=count) for count in (1, 3))
    np.testing.assert_array_equal(one.cam_from_world, three.cam_from_world)
    np.testing.assert_array_equal(one.final_costs, three.final_costs)
    assert len(set(one.final_costs)) == len(problems)
    backwards = solve_batch(whole, items.max() - items)
    np.testing.assert_array_equal(backwards.final_costs[::-1], one.final_costs)
    np.testing.assert_array_equal(backwards.points, one.points)


def test_observations_in_any_order(problems):
    order = np.random.default_rng(0).permutation(sum(p.num_observations for p in problems))
    whole, items = join(problems, order)
    np.testing.assert_allclose(
        solve_batch(whole, items).final_costs, [solve(p).final_cost for p in problems], rtol=1e-9
    )


def test_fixed_points_and_cameras_serve_many_items(make_problem, perturb):
    """Poses under known points: every image an item, all with the same points and camera."""
    truth = make_problem(("PINHOLE",), num_images=12, num_points=60)
    fixed = replace(truth, fixed_points=np.ones(60, bool), fixed_params=[np.ones(4, bool)])
    result = solve_batch(perturb(fixed), np.arange(12), function_tolerance=0)
    np.testing.assert_allclose(result.cam_from_world, truth.cam_from_world, atol=1e-9)
    np.testing.assert_array_equal(result.points, truth.points)


def test_time_limit_leaves_items_out(problems):
    whole, items = join(problems)
    result = solve_batch(whole, items, time_limit=1e-9)
    assert set(result.terminations) == {"time_limit"}
    np.testing.assert_array_equal(result.points, whole.points)


def test_gauge_of_each_item(problems):
    whole, items = join(problems)
    for gauge in ("two_cameras", "fixed_camera", "free"):
        np.testing.assert_array_equal(
            free_poses_of_items(whole, gauge, items).poses,
            np.concatenate([free_poses(p, gauge).poses for p in problems]),
        )


def test_bad_items(problems):
    whole, items = join(problems)
    cases = [
        (items.astype(float), TypeError, "image_items: expected integers, got float64"),
        (items[:-1], ValueError, r"image_items: expected shape \(25,\), got \(24,\)"),
        (items - 1, ValueError, "image_items: expected 0 or more, got -1 to 2"),
        (items * 2, ValueError, "image_items: expected observations in every item, got none in item 1"),
        (np.arange(25), ValueError, r"points\[0\]: expected one item to use it, or it to be fixed, got items 0 and 4"),
    ]
    for wrong, error, message in cases:
        with pytest.raises(error, match=message):
            solve_batch(whole, wrong)
    fixed = replace(whole, fixed_points=np.ones(whole.num_points, bool))
    with pytest.raises(
        ValueError, match=r"cameras\[0\]: expected one item to use it, or it to be fixed, got items 0 and 4"
    ):
        solve_batch(fixed, np.arange(25))
