# SPDX-License-Identifier: Apache-2.0
"""What is held of poses: gauges by name, and rotations or projection centres alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fastcv.ba import Problem, Result
from fastcv.ba._gauge import free_poses
from fastcv.scene import projection_centers as centers

# Convergence to the last digits.
TIGHT = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 200}


def held_coordinates(solve: Callable[..., Result], problem: Problem, gauge: str = "two_cameras") -> np.ndarray:
    """(I, 3): which coordinates of the projection centres a solve leaves where they were."""
    moved = centers(solve(problem, gauge=gauge).cam_from_world) - centers(problem.cam_from_world)
    return np.abs(moved) < 1e-12


def test_two_cameras_hold_seven_degrees_of_freedom(solve, make_problem, perturb):
    problem = perturb(make_problem(num_images=8, num_points=100, noise_px=1))
    result = solve(problem)
    np.testing.assert_array_equal(result.cam_from_world[0], problem.cam_from_world[0])
    held = held_coordinates(solve, problem)
    farthest = np.argmax(np.linalg.norm(centers(problem.cam_from_world) - centers(problem.cam_from_world)[0], axis=1))
    assert held[0].all()
    assert held[farthest].sum() == held[1:].sum() == 1
    assert not held_coordinates(solve, problem, "free").any()
    np.testing.assert_allclose(solve(problem, gauge="free").final_cost, result.final_cost, rtol=1e-5)


def test_gauge_asks_for_no_more_than_is_open(solve, make_problem, perturb):
    """One fixed image leaves the scale; two, or three points, leave nothing."""
    truth = make_problem(num_images=8, num_points=100, noise_px=1)
    held = held_coordinates(solve, perturb(replace(truth, fixed_images=np.arange(8) == 3)))
    assert held[3].all()
    assert np.delete(held, 3, axis=0).sum() == 1
    for fixed in ({"fixed_images": np.arange(8) < 2}, {"fixed_points": np.arange(100) < 3}):
        problem = perturb(replace(truth, **fixed))
        held = held_coordinates(solve, problem)
        np.testing.assert_array_equal(held.any(axis=1), problem.fixed_images)


def test_a_fixed_camera_leaves_the_scale(solve, make_problem, perturb):
    problem = perturb(make_problem(num_images=8, num_points=100, noise_px=1))
    held = held_coordinates(solve, problem, "fixed_camera")
    assert held[0].all()
    assert held.sum() == 3
    expected = solve(problem, **TIGHT).final_cost
    np.testing.assert_allclose(solve(problem, gauge="fixed_camera", **TIGHT).final_cost, expected, rtol=1e-9)


@pytest.mark.parametrize("gauge", ["two_cameras", "free"])
def test_rotations_or_centers_alone(solve, make_problem, perturb, gauge):
    """Every image's rotation known, or its centre, as by an IMU or GPS without errors: to the last digit."""
    truth = make_problem(num_images=8, num_points=100, noise_px=0.5)
    every = np.ones(8, bool)
    for name in ("fixed_rotations", "fixed_centers"):
        start = perturb(replace(truth, **{name: every}))
        result = solve(start, gauge=gauge)
        turned = (result.cam_from_world[:, :, :3] != start.cam_from_world[:, :, :3]).any(axis=(1, 2))
        moved = np.linalg.norm(centers(result.cam_from_world) - centers(start.cam_from_world), axis=1) > 1e-12
        held = np.arange(8) == 0 if gauge == "two_cameras" and name == "fixed_rotations" else np.zeros(8, bool)
        np.testing.assert_array_equal(turned, every if name == "fixed_centers" else ~every)
        np.testing.assert_array_equal(moved, ~held if name == "fixed_rotations" else ~every)
        assert result.final_cost < 0.5 * result.initial_cost


def test_both_alone_are_the_image(solve, make_problem, perturb):
    """Fixed as a whole, or by halves: the same bits."""
    truth = make_problem(num_images=6, num_points=60, noise_px=1)
    mask = np.isin(np.arange(6), [1, 4])
    whole = perturb(replace(truth, fixed_images=mask))
    halves = replace(whole, fixed_images=~mask & mask, fixed_rotations=mask, fixed_centers=mask)
    np.testing.assert_array_equal(solve(halves).cam_from_world, solve(whole).cam_from_world)


def test_the_gauge_asks_for_what_halves_leave_open(make_problem):
    """A place, a turn and a size, each held once where nothing else does."""
    problem = make_problem(num_images=6, num_points=60)
    one, two, three = (np.arange(6) < count for count in (1, 2, 3))
    point = np.arange(60) < 1

    def held(gauge: str = "two_cameras", **fixed: np.ndarray) -> int:
        part = replace(problem, **fixed)
        own = 6 * part.fixed_images.sum() + 3 * part.fixed_rotations.sum() + 3 * part.fixed_centers.sum()
        return (~free_poses(part, gauge).poses).sum() - own

    assert held() == 7
    assert held("fixed_camera") == 6
    assert held("free") == 0
    assert held(fixed_rotations=one) == held(fixed_rotations=three) == 4
    assert held(fixed_centers=one) == 4
    assert held(fixed_centers=two) == held(fixed_centers=three) == 0
    assert held(fixed_centers=two, fixed_rotations=one) == 0
    assert held(fixed_points=point) == 4
    assert held(fixed_points=point, fixed_centers=one) == 0
    assert held(fixed_images=one) == 1
    assert held("fixed_camera", fixed_images=one) == 0
    # A size about a fixed point shows in the coordinate that is farthest from it.
    free = free_poses(replace(problem, fixed_points=point), "two_cameras").poses
    away = np.abs(centers(problem.cam_from_world) - problem.points[0])
    farthest = np.argmax(np.linalg.norm(away, axis=1))
    assert np.argwhere(~free[:, 3:]).tolist() == [[farthest, np.argmax(away[farthest])]]
