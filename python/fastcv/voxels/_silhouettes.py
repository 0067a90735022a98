# SPDX-License-Identifier: Apache-2.0
"""Masks and cameras of a carving, checked, and packed as the kernels want them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from .._arrays import Call, dtype_name, handle, is_torch
from ..scene import Camera
from .grid import VoxelGrid

Array = NDArray[np.float64]

_TILE = 4  # kTile of cpp/voxels/carving.h
_BACKGROUND, _FOREGROUND, _OUTSIDE = 0, 1, 2  # of a mask that was undistorted
_NONE = -1  # no byte stands for a pixel that is not of the image
_PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE")


class View(NamedTuple):
    """One silhouette: its mask as bytes, the byte of pixels that are not of the image, and the projection."""

    mask: Any
    outside: int
    image_from_world: Array


def view_of(call: Call, i: int, mask: Any, camera: Any, grid: VoxelGrid) -> View:
    """A mask and its camera, which is a (3, 4) matrix or a pair of Camera and pose."""
    name = f"masks[{i}]"
    mask = call.input(name, mask, (None, None), ("bool", "uint8"))
    height, width = mask.shape
    if height == 0 or width == 0:
        raise ValueError(f"{name}: expected at least one pixel, got shape {tuple(mask.shape)}")
    if not is_pair(camera):
        return View(_as_bytes(mask), _NONE, _oriented(f"cameras[{i}]", camera, grid))
    intrinsics, pose = camera[0], _pose(f"cameras[{i}]", camera[1])
    if (height, width) != (intrinsics.height, intrinsics.width):
        size = (intrinsics.height, intrinsics.width)
        raise ValueError(f"{name}: expected its camera's size {size}, got shape {(height, width)}")
    if is_pinhole(intrinsics):
        return View(_as_bytes(mask), _NONE, intrinsics.matrix @ pose)
    mask, pinhole = _undistorted(mask, intrinsics)
    return View(call.place(mask), _OUTSIDE, pinhole.matrix @ pose)


def pack(call: Call, views: Sequence[View], grid: VoxelGrid, num_threads: int) -> tuple[Any, ...]:
    """The arguments of a native carving up to the shape of the grid (cpp/voxels/carving.h)."""
    sizes = np.array([view.mask.shape for view in views])
    tiles = -(-sizes // _TILE)
    num_words, num_sums = 1 + tiles.prod(1), (tiles + 1).prod(1)
    starts = [np.concatenate([[0], np.cumsum(counts)[:-1]]) for counts in (num_words, num_sums)]
    layout = np.ascontiguousarray(np.stack([sizes[:, 1], sizes[:, 0], *starts], axis=1), np.int64)
    words = call.empty((int(num_words.sum()),), "int32")
    sums = call.empty((int(num_sums.sum()),), "int64")
    masks, outside = [handle(view.mask) for view in views], [view.outside for view in views]
    execution = call.execution(num_threads)
    call.backend.voxels.pack_masks(masks, outside, layout, handle(words), handle(sums), execution)
    with np.errstate(over="ignore", invalid="ignore"):
        matrices = np.stack([(view.image_from_world @ grid.world_from_voxel).ravel() for view in views])
    if not np.isfinite(matrices).all():
        raise ValueError("cameras: expected projections of the grid that are finite numbers, got one that overflows")
    return call.place(matrices), call.place(layout), words, sums, np.array(grid.shape, np.int64)


def is_pair(camera: Any) -> bool:
    """Whether a camera comes as a Camera and a pose, rather than as a matrix."""
    return isinstance(camera, tuple | list) and len(camera) == 2 and isinstance(camera[0], Camera)


def is_pinhole(camera: Camera) -> bool:
    """Whether a camera's photographs need no resampling."""
    return camera.model in _PINHOLES


def _oriented(name: str, matrix: ArrayLike, grid: VoxelGrid) -> Array:
    """A projection matrix of any scale and sign, scaled so that w is depth and the grid's centre lies in front."""
    P = np.asarray(matrix, np.float64)
    if P.shape != (3, 4):
        raise ValueError(f"{name}: expected shape (3, 4), or a Camera and a pose, got {P.shape}")
    if not np.isfinite(P).all():
        raise ValueError(f"{name}: expected finite values, got {P.tolist()}")
    lengths = np.linalg.norm(P[:, :3], axis=1)
    # The volume of the parallelepiped of unit rows is that of K's: above the square of focal length over image size.
    if not lengths.all() or abs(np.linalg.det(P[:, :3] / lengths[:, None])) < 1e-12:
        raise ValueError(f"{name}: expected a matrix whose left 3x3 part is not singular, got {P.tolist()}")
    P = P / lengths[2]
    depth = P[2] @ grid.world_from_voxel @ [*(0.5 * np.array(grid.shape[::-1])), 1.0]
    if depth == 0:
        raise ValueError(f"{name}: expected a camera that does not stand beside the grid's centre, got depth 0 there")
    return P * np.sign(depth)


def _pose(name: str, pose: ArrayLike) -> Array:
    pose = np.asarray(pose, np.float64)
    if pose.shape != (3, 4):
        raise ValueError(f"{name}: expected a pose of shape (3, 4), got {pose.shape}")
    R = pose[:, :3]
    if not np.isfinite(pose).all() or np.abs(R @ R.T - np.eye(3)).max() > 1e-5 or np.linalg.det(R) < 0:
        raise ValueError(f"{name}: expected a rotation and a translation, got {pose.tolist()}")
    return pose


def _as_bytes(mask: Any) -> Any:
    if dtype_name(mask) != "bool":
        return mask
    return mask.view(sys.modules["torch"].uint8) if is_torch(mask) else mask.view(np.uint8)


def _undistorted(mask: Any, camera: Camera) -> tuple[NDArray[np.uint8], Camera]:
    """The mask of the pinhole camera with the same field of view: each pixel from the one that its centre lies in."""
    mask = np.asarray(mask.cpu() if is_torch(mask) else mask.get() if hasattr(mask, "get") else mask)
    positions, pinhole = camera_room.undistort_map(camera)
    x, y = positions[..., 0], positions[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < camera.width) & (y < camera.height)
    column, row = (np.where(inside, p, 0).astype(np.int64) for p in (x, y))
    kind = np.where(mask[row, column] != 0, _FOREGROUND, _BACKGROUND)
    return np.where(inside, kind, _OUTSIDE).astype(np.uint8), pinhole
