# SPDX-License-Identifier: Apache-2.0
"""Rays of a camera through a volume, and the view that they see."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from .._arrays import handle
from ..scene import Camera
from ._block_store import BlockStore
from ._cameras import is_pinhole, rigid_pose
from .grid import VoxelGrid

_CELL = 8  # pixels along the side of a cell of rays that share their ends
_FARTHEST = 2.0**40  # voxels from the volume to a camera: beyond, places along a ray are no longer told apart


class RenderedView(NamedTuple):
    """A view of a surface: (H, W) depth, (H, W, 3) normals and (H, W, 3) colors or None; zeros where there is none."""

    depth: Any
    normals: Any
    colors: Any


def render(
    store: BlockStore,
    space: VoxelGrid,
    camera: Camera,
    cam_from_world: ArrayLike,
    min_weight: float,
    max_depth: float,
    num_threads: int,
) -> RenderedView:
    """As ``TsdfVolume.render``."""
    pose = rigid_pose("cam_from_world", cam_from_world)
    if not (min_weight >= 0 and math.isfinite(min_weight)):
        raise ValueError(f"min_weight: expected a finite number from 0 on, got {min_weight}")
    if not max_depth > 0:
        raise ValueError(f"max_depth: expected a positive number, got {max_depth}")
    call, size = store.call, (camera.height, camera.width)
    slopes = _slopes(camera)
    cells = (-(-size[0] // _CELL), -(-size[1] // _CELL))
    ranges, occupied = call.empty((*cells, 2), "float32"), call.empty(cells, "int32")
    geometry, cam_from_voxel = _geometry(space, pose, _ends(camera, slopes), cells, max_depth)
    depth, normals = call.empty(size, "float32"), call.empty((*size, 3), "float32")
    colors = None if store.colors is None else call.empty((*size, 3), "uint8")
    arrays = [store.keys, store.slots, store.values, store.weights, store.colors]
    surface = [None if a is None else handle(a) for a in arrays]
    least = max(min_weight, float(np.finfo(np.float32).tiny))
    depths = (handle(ranges), handle(occupied))
    rays = (handle(store.blocks), geometry, cam_from_voxel, handle(call.place(slopes)), *depths)
    out = (handle(depth), handle(normals), None if colors is None else handle(colors))
    call.backend.voxels.raycast(*surface, least, *rays, *out, call.execution(num_threads))
    return RenderedView(depth, normals, colors)


def _slopes(camera: Camera) -> NDArray[np.float32]:
    """x / z and y / z of the rays through pixels' centres, (H, W, 2); NaN where they do not point forward."""
    x, y = np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5
    if is_pinhole(camera):
        K = camera.matrix
        slopes = np.empty((camera.height, camera.width, 2), np.float32)
        slopes[..., 0], slopes[..., 1] = (x - K[0, 2]) / K[0, 0], ((y - K[1, 2]) / K[1, 1])[:, None]
        return slopes
    pixels = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    rays = camera_room.unproject(pixels, camera)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.where(rays[:, 2:] > 0, rays[:, :2] / rays[:, 2:], np.nan).astype(np.float32)
    return slopes.reshape(camera.height, camera.width, 2)


def _ends(camera: Camera, slopes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest slopes along x and y."""
    known = slopes[[0, -1], [0, -1]] if is_pinhole(camera) else slopes[np.isfinite(slopes).all(-1)]
    known = known.astype(np.float64)
    return known.min(0, initial=0.0), known.max(0, initial=0.0)


def _geometry(
    space: VoxelGrid, pose: NDArray[np.float64], ends: tuple[Any, Any], cells: tuple[int, int], max_depth: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the kernel is told of rays (cpp/bindings/voxels_tsdf.h), and the (12,) matrix from voxels to the camera."""
    voxel_size, R, t = space.voxel_size, pose[:, :3], pose[:, 3]
    center = (-R.T @ t - np.asarray(space.origin)) / voxel_size
    if not (np.abs(center) < _FARTHEST).all():
        raise ValueError(f"cam_from_world: expected a camera within 2**40 voxels of the volume, got one at {center}")
    voxel_from_cam = np.c_[R.T / voxel_size, center]
    cam_from_voxel = np.c_[R * voxel_size, -voxel_size * (R @ center)]
    low, high = ends
    per_slope = np.array(cells[::-1]) / np.maximum(high - low, 1e-12)
    far = min(max_depth, float(np.finfo(np.float32).max))
    geometry = np.concatenate([voxel_from_cam.ravel(), [voxel_size, 0.0, far], low, per_slope])
    return geometry, np.ascontiguousarray(cam_from_voxel.ravel())
