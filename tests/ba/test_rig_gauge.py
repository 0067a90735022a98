# SPDX-License-Identifier: Apache-2.0
"""Rigs: what is held of frames and sensors, what reprojection errors leave open, and what covariances say of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fastcv.ba import Problem, Rigs, _reference, covariance, solve
from fastcv.ba._gauge import free_poses
from fastcv.scene import projection_centers as centers

TIGHT: dict[str, Any] = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 300}


def frames_of(problem: Problem) -> np.ndarray:
    return problem.rigs.rig_from_world(problem.cam_from_world)


def with_rigs(problem: Problem, **changes: Any) -> Problem:
    return replace(problem, rigs=replace(problem.rigs, **changes))


def rows(problem: Problem, images: np.ndarray) -> Problem:
    """The problem of some of its images, a mask, with the points that two of them or more see."""
    keep = images[problem.image_indices]
    counts = np.bincount(problem.point_indices[keep], minlength=problem.num_points)
    keep &= counts[problem.point_indices] >= 2
    points = np.unique(problem.point_indices[keep])
    frames = problem.rigs.image_frames[images]
    frames[frames >= 0] = np.unique(frames[frames >= 0], return_inverse=True)[1]
    return Problem(
        cameras=problem.cameras,
        image_cameras=problem.image_cameras[images],
        cam_from_world=problem.cam_from_world[images],
        points=problem.points[points],
        image_indices=(np.cumsum(images) - 1)[problem.image_indices[keep]],
        point_indices=np.searchsorted(points, problem.point_indices[keep]),
        observations=problem.observations[keep],
        rigs=replace(problem.rigs, image_frames=frames, image_sensors=problem.rigs.image_sensors[images]),
    )


def test_two_cameras_hold_a_frame_and_a_coordinate(make_rig_problem):
    problem = make_rig_problem(num_frames=5, num_alone=2)
    free = free_poses(problem, "two_cameras")
    assert free.poses.shape == (7, 6)
    assert not free.poses[0].any()
    assert (~free.poses[1:]).sum() == 1
    assert free.sensors.all()
    assert (~free_poses(problem, "fixed_camera").poses).sum() == 6
    assert free_poses(problem, "free").poses.all()


def test_known_baselines_leave_no_scale(make_rig_problem, perturb):
    """A coordinate held besides would keep the cost from its minimum."""
    problem = with_rigs(make_rig_problem(noise_px=0.5), fixed_sensors=[True, False])
    assert (~free_poses(problem, "two_cameras").poses).sum() == 6
    start = perturb(problem, 0.01)
    costs = [solve(start, gauge=gauge, **TIGHT).final_cost for gauge in ("two_cameras", "free")]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-9)
    same_place = problem.rigs.sensor_from_rig.copy()
    same_place[:, :, 3] = 0
    turned = Rigs(problem.rigs.image_frames, problem.rigs.image_sensors, same_place, [True, True])
    poses = turned.cam_from_world(frames_of(problem), problem.cam_from_world)
    assert (~free_poses(replace(problem, rigs=turned, cam_from_world=poses), "two_cameras").poses).sum() == 7


def test_a_rig_without_a_reference(make_rig_problem, perturb):
    """All three sensors are free: the first is held, which costs nothing."""
    truth = make_rig_problem(noise_px=0.5)
    start = perturb(truth, 0.01)
    expected = solve(start, **TIGHT)
    sensors = np.concatenate([[np.eye(3, 4)], start.rigs.sensor_from_rig])
    in_rig = start.rigs.image_frames >= 0
    none = replace(
        start, rigs=Rigs(start.rigs.image_frames, np.where(in_rig, start.rigs.image_sensors + 1, -1), sensors)
    )
    held = free_poses(none, "two_cameras").sensors
    assert not held[0].any()
    assert held[1:].all()
    result = solve(none, **TIGHT)
    np.testing.assert_allclose(result.final_cost, expected.final_cost, rtol=1e-10)
    np.testing.assert_array_equal(result.sensor_from_rig[0], np.eye(3, 4))
    # Known frames tell how the mount lies in them: nothing is held, as far as they are known.
    for name, columns in (("fixed_images", slice(6)), ("fixed_rotations", slice(3)), ("fixed_centers", slice(3, 6))):
        known = replace(none, **{name: none.image_frames == 3})
        free = free_poses(known, "two_cameras").sensors[0]
        assert free[columns].all()
        assert free.sum() == len(free[columns])


def test_a_frame_and_a_sensor_with_one_image(make_rig_problem, perturb):
    """Both poses are behind that image alone: the sensor's stays, and the optimum is that of an image in no rig."""
    problem = perturb(make_rig_problem(noise_px=0.5), 0.01)
    last = problem.num_images - 1  # in no rig so far
    sensors = np.concatenate([problem.rigs.sensor_from_rig, problem.rigs.sensor_from_rig[:1]])
    frames, on_rig = problem.rigs.image_frames.copy(), problem.rigs.image_sensors.copy()
    frames[last], on_rig[last] = problem.rigs.num_frames, 2
    lonely = replace(problem, rigs=Rigs(frames, on_rig, sensors))
    free = free_poses(lonely, "two_cameras")
    assert free.sensors[:2].all()
    assert not free.sensors[2].any()
    assert free.poses[frames[last]].any()
    for solver in ("native", "ceres"):
        result = solve(lonely, solver=solver, **TIGHT)
        np.testing.assert_array_equal(result.sensor_from_rig[2], sensors[2])
        np.testing.assert_allclose(result.final_cost, solve(problem, **TIGHT).final_cost, rtol=1e-9)
        assert "sensors 2 keep their pose: their images do not tell where they are on the rig" in result.notes
    uncertain = covariance(lonely)
    assert (uncertain.poses[last].diagonal() > 0).all()
    np.testing.assert_array_equal(uncertain.sensors[2], 0)


def test_a_sensor_in_one_frame(make_rig_problem, perturb):
    """With another sensor's image there it is an image of its own, as if in no rig."""
    problem = perturb(make_rig_problem(noise_px=0.5), 0.01)
    rigs = problem.rigs
    sensors = np.concatenate([rigs.sensor_from_rig, rigs.sensor_from_rig[1:]])
    on_rig, frames = rigs.image_sensors.copy(), rigs.image_frames.copy()
    on_rig[2] = 2
    once = replace(problem, rigs=Rigs(frames, on_rig, sensors))
    frames = frames.copy()
    frames[2], on_rig = -1, np.where(np.arange(len(on_rig)) == 2, -1, on_rig)
    never = replace(problem, rigs=Rigs(frames, on_rig, rigs.sensor_from_rig))
    assert free_poses(once, "two_cameras").sensors.all()
    costs = [solve(p, **TIGHT).final_cost for p in (once, never)]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-9)


def test_a_sensor_that_sees_nothing_keeps_its_pose(make_rig_problem, perturb):
    """Its images are where the frames are; they need no mask."""
    whole = make_rig_problem(noise_px=0.5)
    seen = whole.rigs.image_sensors[whole.image_indices] != 1
    counts = np.bincount(whole.point_indices[seen], minlength=whole.num_points)
    assert (counts >= 2).all()
    fields = ("image_indices", "point_indices", "observations", "weights")
    problem = perturb(replace(whole, **{name: getattr(whole, name)[seen] for name in fields}), 0.01)
    result = solve(problem, **TIGHT)
    assert result.termination == "converged"
    np.testing.assert_array_equal(result.sensor_from_rig[1], problem.rigs.sensor_from_rig[1])
    assert (result.cam_from_world != problem.cam_from_world).any(axis=(1, 2))[whole.rigs.image_sensors == 1][1:].all()


@pytest.mark.parametrize("solver", ["native", "ceres"])
def test_one_moment_of_a_rig(make_rig_problem, perturb, solver):
    """The frame is held, and of the farthest sensor one coordinate, for the scale."""
    whole = make_rig_problem(noise_px=0.5, num_frames=2, num_alone=0)
    problem = perturb(rows(whole, np.arange(6) < 3), 0.005)
    free = free_poses(problem, "two_cameras")
    assert not free.poses.any()
    assert (~free.sensors).sum() == 1
    costs = [
        solve(problem, solver=solver, gauge=gauge, **TIGHT).final_cost for gauge in ("two_cameras", "fixed_camera")
    ]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-9)
    assert (covariance(problem).poses[1:].diagonal(axis1=1, axis2=2) > 0).all()


@pytest.mark.parametrize("solver", ["native", "ceres"])
@pytest.mark.parametrize("image", [3, 4])  # of the reference, and another
def test_what_is_fixed_of_an_image_is_its_frame(make_rig_problem, perturb, solver, image):
    truth = make_rig_problem(noise_px=0.5)
    mask = np.arange(truth.num_images) == image
    for name in ("fixed_images", "fixed_rotations", "fixed_centers"):
        start = perturb(replace(truth, **{name: mask}), 0.01)
        before, after = frames_of(start), solve(start, solver=solver, gauge="free", max_iterations=5).rig_from_world
        kept_turn = (before[1, :, :3] == after[1, :, :3]).all()
        kept_place = np.allclose(centers(before)[1], centers(after)[1], atol=1e-13)
        assert (kept_turn, kept_place) == (name != "fixed_centers", name != "fixed_rotations")


def by_unknowns(problem: Problem, step: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
    """Central differences of the residuals (2 K, U), and of the images' (w, v) (6 I, U), by all that is free.

    The unknowns: poses of frames and of sensors, moved one at a time and composed; focal lengths and so on; points.
    """
    rigs, frames = problem.rigs, frames_of(problem)
    alone = problem.cam_from_world.copy()
    free = free_poses(problem, "two_cameras")
    residual_columns, pose_columns = [], []

    def add(move: Any) -> None:
        ends = [move(sign * step) for sign in (1, -1)]
        values = [_reference.residuals(end).ravel() for end in ends]
        residual_columns.append((values[0] - values[1]) / (2 * step))
        turns = ends[0].cam_from_world[:, :, :3] @ ends[1].cam_from_world[:, :, :3].transpose(0, 2, 1)
        w = np.stack(
            [turns[:, 2, 1] - turns[:, 1, 2], turns[:, 0, 2] - turns[:, 2, 0], turns[:, 1, 0] - turns[:, 0, 1]]
        )
        v = centers(ends[0].cam_from_world) - centers(ends[1].cam_from_world)
        pose_columns.append(np.hstack([0.5 * w.T, v]).ravel() / (2 * step))

    def composed(new_frames: np.ndarray, new_sensors: np.ndarray) -> Problem:
        new = replace(rigs, sensor_from_rig=new_sensors)
        return replace(problem, rigs=new, cam_from_world=new.cam_from_world(new_frames, alone))

    def moved(poses: np.ndarray, row: int, column: int, size: float) -> np.ndarray:
        result = poses.copy()
        result[row : row + 1] = _reference._moved(poses[row : row + 1], column, size)
        return result

    for f, c in np.argwhere(free.poses):
        add(lambda size, f=f, c=c: composed(moved(frames, f, c, size), rigs.sensor_from_rig))
    for s, c in np.argwhere(free.sensors):
        add(lambda size, s=s, c=c: composed(frames, moved(rigs.sensor_from_rig, s, c, size)))
    for row in np.unique(problem.image_cameras):
        mask = problem.fixed_params[row]
        for c in np.flatnonzero(~mask):
            unit = np.eye(len(mask))[c]
            camera = problem.cameras[row]
            change = lambda size, row=row, camera=camera, unit=unit: [  # noqa: E731
                camera.with_params(camera.params + size * unit) if k == row else other
                for k, other in enumerate(problem.cameras)
            ]
            add(lambda size, change=change: replace(problem, cameras=change(size)))
    for p, c in np.ndindex(problem.points.shape):
        unit = np.zeros_like(problem.points)
        unit[p, c] = 1
        add(lambda size, unit=unit: replace(problem, points=problem.points + size * unit))
    return np.array(residual_columns).T, np.array(pose_columns).T


def test_covariances_are_those_of_the_dense_inverse(make_rig_problem):
    """Of all images, which share frames and sensors, and of points; by differences, without a formula for rigs."""
    problem = make_rig_problem(num_frames=3, num_alone=0, num_points=25, noise_px=0.3)
    jacobian, poses = by_unknowns(problem)
    inverse = np.linalg.inv(jacobian.T @ jacobian)
    of_images = poses @ inverse @ poses.T
    got = covariance(problem)
    for image in range(problem.num_images):
        at = slice(6 * image, 6 * image + 6)
        sigma = np.sqrt(of_images[at, at].diagonal())
        # Jacobians are kept in single precision: 6e-8, times what the inversion makes of it.
        np.testing.assert_allclose(got.poses[image], of_images[at, at], atol=2e-5 * np.outer(sigma, sigma).max())
        assert (sigma[3:] > 0).all() == (problem.image_frames[image] > 0 or problem.rigs.image_sensors[image] >= 0)
    first = free_poses(problem, "two_cameras").poses.sum()
    for sensor in range(2):
        block = inverse[first + 6 * sensor : first + 6 * sensor + 6, first + 6 * sensor : first + 6 * sensor + 6]
        np.testing.assert_allclose(got.sensors[sensor], block, atol=2e-5 * block.max())
    points = inverse[-3 * problem.num_points :, -3 * problem.num_points :]
    for p in range(problem.num_points):
        block = points[3 * p : 3 * p + 3, 3 * p : 3 * p + 3]
        np.testing.assert_allclose(got.points[p], block, atol=2e-5 * block.max())
