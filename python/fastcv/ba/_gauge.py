# SPDX-License-Identifier: Apache-2.0
"""What reprojection errors do not see: where the world is, how turned and how large; how a rig lies in its frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import projection_centers
from ._values import count_rows

if TYPE_CHECKING:
    from .problem import Problem
    from .rigs import Rigs

GAUGES = ("two_cameras", "fixed_camera", "free")
_POINTS_FOR_A_POSE = 3


class Free(NamedTuple):
    """Which degrees of freedom (w, v) of each pose ``x_cam = exp(w) R (X - C - v)`` may change."""

    poses: NDArray[np.bool_]  # (F, 6), of the frames: an image that is in no rig is one
    sensors: NDArray[np.bool_]  # (S, 6), poses on the rig


def fixed_frames(problem: Problem) -> NDArray[np.bool_]:
    """Whose rotation and whose centre the problem fixes, (F, 2): a frame's, where any of its images' is."""
    frames = problem.image_frames
    masks = (problem.fixed_images | problem.fixed_rotations, problem.fixed_images | problem.fixed_centers)
    return np.column_stack([np.bincount(frames, mask) > 0 for mask in masks])


def free_poses(problem: Problem, gauge: str) -> Free:
    """What may change of the poses of frames and sensors.

    With ``gauge="two_cameras"`` as much is held as the problem itself leaves open: the first frame, and of the frame
    farthest from it the coordinate in which their centres differ most, unless sensors that are fixed on their rig tell
    the scale. Frames that see fewer than three points are passed over: such a frame can move although a coordinate is
    held, and the scene's size with it. Priors on poses, positions or points place the scene, and nothing is held: what
    a single one or those on a line leave open stays to the damping, for a scene that they move elsewhere may not hang
    on a coordinate of where it was.
    """
    return free_poses_of_items(problem, gauge, np.zeros(problem.num_images, np.int32))


def free_poses_of_items(problem: Problem, gauge: str, items: NDArray[np.int32]) -> Free:
    """The same for each item, whose images are those with its number in ``items`` (I,)."""
    fixed = fixed_frames(problem)
    sensors = np.empty((0, 6), bool) if problem.rigs is None else _free_sensors(problem, problem.rigs, fixed)
    free = Free(np.repeat(~fixed, 3, axis=1), sensors)
    if gauge != "free":
        _hold(problem, items, fixed, free, scale=gauge == "two_cameras")
    return free


def _hold(problem: Problem, items: NDArray[np.int32], fixed: NDArray[np.bool_], free: Free, scale: bool) -> None:
    """Hold of each item what nothing else does; the scale only on demand."""
    count, frames = int(items.max()) + 1, problem.image_frames
    of_frame, centers = np.empty(len(fixed), np.int32), np.empty((len(fixed), 3))
    of_frame[frames] = items
    centers[frames] = _frame_centers(problem)
    rotations = np.bincount(of_frame, fixed[:, 0], count) > 0
    held = _observations_of_fixed_points(problem)
    pairs = np.unique(np.stack([items[problem.image_indices[held]], problem.point_indices[held]]), axis=1)
    places = np.bincount(of_frame, fixed[:, 1], count) + np.bincount(pairs[0], minlength=count)
    # Three places hold everything, and two with a rotation; two on their own leave a turn to the damping.
    placed = _placed(problem, items, count)
    loose = np.bincount(frames, count_rows(problem.image_indices, problem.num_images)) < _POINTS_FOR_A_POSE
    first = _first_of_each(of_frame, count, np.where(fixed.any(axis=1), -1 - fixed[:, 1], np.where(loose, 1.0, 0.0)))
    free.poses[first[~placed & (places == 0)], 3:] = False
    free.poses[first[~placed & (places <= 1) & ~rotations], :3] = False
    if not scale:
        return
    origins = centers[first]
    by_point = np.setdiff1d(pairs[0], of_frame[fixed[:, 1]])
    origins[by_point] = problem.points[pairs[1, np.searchsorted(pairs[0], by_point)]]
    baselines = np.abs(centers - origins[of_frame])
    second = _first_of_each(of_frame, count, np.where(loose, 1.0, -np.linalg.norm(baselines, axis=1)))
    open_scale = ~placed & (places <= 1) & ~_metric(problem, items, count)
    second = second[open_scale & baselines[second].any(axis=1)]
    free.poses[second, 3 + np.argmax(baselines[second], axis=1)] = False
    if len(fixed) == 1 and open_scale[0]:  # all images are of one moment: one of the rig's sensors has the scale
        _hold_sensor(problem.rigs, free.sensors)


def _observations_of_fixed_points(problem: Problem) -> NDArray[np.int64]:
    """Their rows; without looking at them all where no point is fixed."""
    if not problem.fixed_points.any():
        return np.empty(0, np.int64)
    return np.flatnonzero(problem.fixed_points[problem.point_indices])


def _hold_sensor(rigs: Rigs | None, free: NDArray[np.bool_]) -> None:
    """Hold a coordinate of the centre of the sensor that is farthest from one that is held."""
    if rigs is None or not free[:, 3:].any():
        return
    centers = projection_centers(rigs.sensor_from_rig)
    held = np.flatnonzero(~free[:, 3:].any(axis=1))
    origin = np.zeros(3) if (rigs.image_sensors < 0).any() or not len(held) else centers[held[0]]
    baselines = np.where(free[:, 3:], np.abs(centers - origin), 0)
    sensor = np.argmax(np.linalg.norm(baselines, axis=1))
    free[sensor, 3 + np.argmax(baselines[sensor])] = False


def _free_sensors(problem: Problem, rigs: Rigs, fixed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What may change of each sensor's pose, (S, 6).

    Frames and sensors that images connect have no frame of reference of their own where none of the sensors is fixed:
    there the first is held, as far as fixed frames do not tell how the rig is turned and where its origin is. So a
    frame of one image is not two poses. A sensor whose images see nothing keeps its pose.
    """
    free = np.repeat(~rigs.fixed_sensors[:, None], 6, axis=1)
    used = np.bincount(problem.image_indices, minlength=problem.num_images) > 0
    if problem.pose_priors is not None:
        used[problem.pose_priors.rows] = True
    used &= rigs.image_frames >= 0
    frames, sensors = rigs.image_frames[used], rigs.image_sensors[used]
    free[np.setdiff1d(np.arange(rigs.num_sensors), sensors)] = False
    parts = _parts(frames, sensors, rigs.num_frames)
    anchored = (sensors < 0) | (rigs.fixed_sensors[sensors] if rigs.num_sensors else False)
    known = np.zeros((rigs.num_frames, 2), bool)  # rotation and origin of the rig, by part
    np.logical_or.at(known, parts[frames], anchored[:, None] | fixed[frames])
    for part in np.unique(parts[frames]):
        first = sensors[parts[frames] == part].min()
        if first >= 0:
            free[first] &= np.repeat(known[part], 3)
    return free


def _parts(frames: NDArray[np.int32], sensors: NDArray[np.int32], num_frames: int) -> NDArray[np.int64]:
    """Frames with the same number are connected by images of the same sensors; a reference, -1, connects none."""
    parts = np.arange(num_frames)
    mounted = sensors >= 0
    frames, sensors = frames[mounted], sensors[mounted]
    while True:
        lowest = np.full(sensors.max(initial=-1) + 1, num_frames)
        np.minimum.at(lowest, sensors, parts[frames])
        joined = parts.copy()
        np.minimum.at(joined, frames, lowest[sensors])
        if (joined == parts).all():
            return parts
        parts = joined


def _metric(problem: Problem, items: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Which items have a frame with two fixed sensors at different places."""
    metric = np.zeros(count, bool)
    rigs = problem.rigs
    if rigs is None:
        return metric
    places = np.zeros((problem.num_images, 3))
    mounted = rigs.image_sensors >= 0
    sensors = rigs.image_sensors[mounted]
    places[mounted] = projection_centers(rigs.sensor_from_rig)[sensors]
    known = rigs.image_frames >= 0
    known[mounted] &= rigs.fixed_sensors[sensors]
    first = np.zeros((rigs.num_frames, 3))
    first[rigs.image_frames[known][::-1]] = places[known][::-1]
    apart = known.copy()
    apart[known] = (places[known] != first[rigs.image_frames[known]]).any(axis=1)
    metric[items[apart]] = True
    return metric


def _frame_centers(problem: Problem) -> NDArray[np.float64]:
    """Where each image's frame is in the world, (I, 3): the projection centre, or the origin of the rig."""
    poses = problem.cam_from_world
    if problem.rigs is not None:
        framed = problem.rigs.image_frames >= 0
        poses = poses.copy()
        poses[framed] = problem.rigs.rig_from_world(poses)[problem.rigs.image_frames[framed]]
    return projection_centers(poses)


def _first_of_each(items: NDArray[np.int32], count: int, keys: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each item the row with the smallest key, the first where several have it."""
    order = np.lexsort((np.arange(len(items)), keys, items))
    return order[np.searchsorted(items[order], np.arange(count))]


def _placed(problem: Problem, items: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Which items have priors that tell where they are."""
    placed = np.zeros(count, bool)
    for priors in (problem.pose_priors, problem.position_priors):
        if priors is not None:
            placed[items[priors.rows]] = True
    if problem.point_priors is not None:
        known = np.isin(problem.point_indices, problem.point_priors.rows)
        placed[items[problem.image_indices[known]]] = True
    return placed
