# SPDX-License-Identifier: Apache-2.0
"""Starts that stand far from their priors: the same optimum as from near by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv import ba
from fastcv.geometry import Similarity
from fastcv.scene import projection_centers as centers

FAR = Similarity(40.0, Rotation.from_rotvec([0.4, -2.0, 1.0]).as_matrix(), np.array([4e5, 5e6, 300.0]))  # UTM, metres
# Ceres compares steps with the distance from the world's origin.
TIGHT = {"function_tolerance": 1e-12, "parameter_tolerance": 1e-15}
NOTE = "the start was moved as a whole onto its priors"


@pytest.fixture
def georeferenced(make_problem, perturb):
    """A problem in its own frame, with the GPS positions of all images (0.5 m), and the same problem in their frame."""
    truth = make_problem(num_images=12, num_points=80, noise_px=0.5)
    gps = FAR.points(centers(truth.cam_from_world)) + np.random.default_rng(3).normal(0, 0.5, (12, 3))
    start = perturb(truth, 0.005)
    start.position_priors = ba.Priors(range(12), gps, 0.25 * np.eye(3))
    near = replace(start, cam_from_world=FAR.pose(start.cam_from_world), points=FAR.points(start.points))
    return start, near


def test_gps(georeferenced, solve):
    start, near = georeferenced
    far, expected = solve(start, **TIGHT), solve(near, **TIGHT)
    assert NOTE in far.notes
    assert NOTE not in expected.notes
    assert far.final_cost == pytest.approx(expected.final_cost, rel=1e-6)
    assert np.abs(centers(far.cam_from_world) - start.position_priors.values).max() < 3  # metres


def test_gps_with_outliers(georeferenced, solve):
    start, near = georeferenced
    wrong = start.position_priors.values.copy()
    wrong[[2, 7, 9]] += [200, -300, 100]
    for problem in (start, near):
        problem.position_priors = replace(start.position_priors, values=wrong, loss="cauchy", loss_scale=2)
    far, expected = solve(start, **TIGHT), solve(near, **TIGHT)
    assert NOTE in far.notes
    assert far.final_cost == pytest.approx(expected.final_cost, rel=1e-6)


def test_control_points_and_poses(georeferenced, solve):
    start, near = georeferenced
    start.position_priors = near.position_priors = None
    known = [0, 20, 40, 60]
    start.point_priors = ba.Priors(known, FAR.points(start.points[known]), np.diag([1, 1, 4]))
    start.pose_priors = ba.Priors([5], FAR.pose(start.cam_from_world[5:6]), np.diag([0.01] * 3 + [1.0] * 3))
    near = replace(near, point_priors=start.point_priors, pose_priors=start.pose_priors)
    far, expected = solve(start, **TIGHT), solve(near, **TIGHT)
    assert NOTE in far.notes
    assert far.final_cost == pytest.approx(expected.final_cost, rel=1e-6)


@pytest.mark.parametrize("held", ["image", "point", "two priors", "a line"])
def test_what_cannot_be_moved_stays(georeferenced, solve, held):
    start, _ = georeferenced
    if held == "image":
        start.fixed_images = np.arange(12) == 4
    elif held == "point":
        start.fixed_points = np.arange(80) == 4
    else:
        rows = [0, 1] if held == "two priors" else [0, 0, 1]
        start.position_priors = ba.Priors(rows, start.position_priors.values[rows], np.eye(3))
    assert NOTE not in solve(start, max_iterations=0).notes


def test_a_start_within_the_uncertainty_stays(georeferenced, solve):
    _, near = georeferenced
    shifted = replace(near, position_priors=replace(near.position_priors, values=near.position_priors.values + 0.5))
    assert NOTE not in solve(shifted, max_iterations=0).notes


def test_steps_are_not_held_against_the_distance_of_the_origin(georeferenced):
    _, near = georeferenced
    tolerances = {"function_tolerance": 0, "parameter_tolerance": 1e-8, "max_iterations": 100}
    far, best = ba.solve(near, **tolerances), ba.solve(near, **TIGHT)
    assert far.final_cost == pytest.approx(best.final_cost, rel=1e-9)
