# SPDX-License-Identifier: Apache-2.0
"""Depth maps of a camera with their poses, checked, and packed as the kernels of fusion want them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from .._arrays import Call, handle
from ..scene import Camera
from ._cameras import is_pinhole, on_host, pixels_under, rigid_pose

Array = NDArray[np.float64]


class Frames(NamedTuple):
    """Depth maps (N, H, W) of a pinhole camera, with what comes along with each pixel, and (N, 3, 4) poses."""

    depths: Any
    colors: Any
    weights: Any
    weight: float
    camera: Camera
    poses: Array

    def part(self, begin: int, end: int) -> Frames:
        """Some of the frames."""
        each = [None if a is None else a[begin:end] for a in (self.depths, self.colors, self.weights)]
        return self._replace(depths=each[0], colors=each[1], weights=each[2], poses=self.poses[begin:end])


def frames_of(
    call: Call, depth: Any, camera: Camera, cam_from_world: ArrayLike, color: Any, weight: Any, wants_color: bool
) -> Frames:
    """One depth map (H, W) and its (3, 4) pose, or N of each, checked; seen by a pinhole camera."""
    depths = call.input("depth", depth, _shape(depth, 2), ("float32", "uint16"))
    poses = np.asarray(cam_from_world, np.float64)
    single = len(depths.shape) == 2
    expected = (3, 4) if single else (depths.shape[0], 3, 4)
    if poses.shape != expected:
        raise ValueError(f"cam_from_world: expected shape {expected}, got {poses.shape}")
    size = (camera.height, camera.width)
    if tuple(depths.shape[-2:]) != size:
        raise ValueError(f"depth: expected its camera's size {size}, got shape {tuple(depths.shape)}")
    if wants_color != (color is not None):
        wanted, got = (
            ("an image", "none") if wants_color else ("none, as the volume was made without color=True", "one")
        )
        raise ValueError(f"color: expected {wanted}, got {got}")
    colors = None if color is None else call.input("color", color, (*depths.shape, 3), ("uint8",))
    scalar = isinstance(weight, int | float | np.number)
    weights = None if scalar else call.input("weight", weight, tuple(depths.shape), ("float32",))
    if scalar and not (0 < weight < math.inf):
        raise ValueError(f"weight: expected a positive finite number, or an array, got {weight}")
    if single:
        depths, poses = depths[None], poses[None]
        colors, weights = (None if a is None else a[None] for a in (colors, weights))
    for pose in poses:
        rigid_pose("cam_from_world", pose)
    frames = Frames(depths, colors, weights, float(weight) if scalar else 1.0, camera, poses)
    return frames if is_pinhole(camera) else _undistorted(call, frames)


def pack(
    call: Call,
    frames: Frames,
    world_from_voxel: Array,
    depth_scale: float,
    max_depth: float,
    num_threads: int,
) -> tuple[Any, ...]:
    """The arguments of a fusion up to its rule (cpp/voxels/depth_frames.h)."""
    num, height, width = frames.depths.shape
    with np.errstate(over="ignore", invalid="ignore"):
        matrices = (frames.camera.matrix @ frames.poses @ world_from_voxel).reshape(num, 12)
    if not np.abs(matrices).max(initial=0) < 1e100:  # NaN fails too
        raise ValueError("cam_from_world: expected projections of the volume below 1e100, got one beyond")
    native = call.backend.voxels
    depths = call.empty((num, height, width), "float32")
    ranges = call.empty((num, 2, native.num_depth_windows(height, width)), "float32")
    colors = None if frames.colors is None else call.empty((num, height, width), "int32")
    inputs = (_optional(frames.colors), _optional(frames.weights))
    outputs = (handle(depths), _optional(colors), handle(ranges))
    execution = call.execution(num_threads)
    native.pack_frames(handle(frames.depths), depth_scale, max_depth, *inputs, *outputs, execution)
    return call.place(np.ascontiguousarray(matrices)), depths, ranges, colors, frames.weights


def farthest(call: Call, frames: Frames, ranges: Any, truncation: float) -> Array:
    """World positions between which all of the frames' surfaces and cameras lie, (N, 5, 3)."""
    depth = np.maximum(call.fetch(ranges[:, 1, -1]).astype(np.float64), 0) + truncation
    w, h = frames.camera.width, frames.camera.height
    corners = np.array([[0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1.0]]) @ np.linalg.inv(frames.camera.matrix).T
    in_cam = np.concatenate([np.zeros((len(depth), 1, 3)), depth[:, None, None] * corners], axis=1)
    return (in_cam - frames.poses[:, None, :, 3]) @ frames.poses[:, :, :3]


def _shape(array: Any, rank: int) -> tuple[None, ...]:
    """Any sizes of a rank, or of one more for many."""
    got = len(getattr(array, "shape", np.shape(array)))
    return (None,) * (rank + 1 if got == rank + 1 else rank)


def _optional(array: Any) -> Any:
    return None if array is None else handle(array)


def _undistorted(call: Call, frames: Frames) -> Frames:
    """The frames of the pinhole camera with the same field of view: each pixel from the one that its centre lies in."""
    positions, pinhole = camera_room.undistort_map(frames.camera)
    row, column, inside = pixels_under(positions, frames.camera.height, frames.camera.width)

    def resampled(array: Any) -> Any:
        if array is None:
            return None
        result = on_host(array)[:, row, column]
        result[:, ~inside] = 0
        return call.place(result)

    depths, colors, weights = (resampled(a) for a in (frames.depths, frames.colors, frames.weights))
    return Frames(depths, colors, weights, frames.weight, pinhole, frames.poses)
