# SPDX-License-Identifier: Apache-2.0
"""Masks and cameras of a carving, checked, and packed as the kernels want them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._arrays import Call, dtype_name, handle, is_torch
from ._cameras import Projection, image_from_voxel, image_of, nearest, starts_of
from .grid import VoxelGrid

TILE = 4  # kTile of cpp/voxels/carving.h
_BACKGROUND, _FOREGROUND, _OUTSIDE = 0, 1, 2  # of a mask that was undistorted
_NONE = -1  # no byte stands for a pixel that is not of the image


class View(NamedTuple):
    """One silhouette: its mask as bytes, the byte of pixels that are not of the image, and the projection."""

    mask: Any
    outside: int
    projection: Projection


def view_of(call: Call, i: int, mask: Any, camera: Any, grid: VoxelGrid) -> View:
    """A mask and its camera, which is a (3, 4) matrix or a pair of Camera and pose."""
    name = f"masks[{i}]"
    mask = call.input(name, mask, (None, None), ("bool", "uint8"))
    height, width = mask.shape
    if height == 0 or width == 0:
        raise ValueError(f"{name}: expected at least one pixel, got shape {tuple(mask.shape)}")
    if not _is_pair(camera):
        return View(as_bytes(mask), _NONE, _oriented(f"cameras[{i}]", camera, grid))
    if not is_pair(camera):
        return View(_as_bytes(mask), _NONE, _oriented(f"cameras[{i}]", camera, grid))
    intrinsics, pose = camera[0], _pose(f"cameras[{i}]", camera[1])
    if (height, width) != (intrinsics.height, intrinsics.width):
        size = (intrinsics.height, intrinsics.width)
        raise ValueError(f"{name}: expected its camera's size {size}, got shape {(height, width)}")
    if intrinsics.model in _PINHOLES:
        return View(as_bytes(mask), _NONE, intrinsics.matrix @ pose)
    if is_pinhole(intrinsics):
        return View(_as_bytes(mask), _NONE, intrinsics.matrix @ pose)
    mask, pinhole = _undistorted(mask, intrinsics)
    return View(call.place(mask), _OUTSIDE, pinhole.matrix @ pose)
    mask, projection = image_of(call, "mask", i, mask, camera, grid, ("bool", "uint8"))
    if projection.positions is None:
        return View(_as_bytes(mask), _NONE, projection)
    values, inside = nearest(mask, projection.positions)
    kind = np.where(inside, np.where(values != 0, _FOREGROUND, _BACKGROUND), _OUTSIDE)
    return View(call.place(kind.astype(np.uint8)), _OUTSIDE, projection)


def pack(call: Call, views: Sequence[View], grid: VoxelGrid, num_threads: int) -> tuple[Any, ...]:
    """The arguments of a native carving up to the shape of the grid (cpp/voxels/carving.h)."""
    sizes = np.array([view.mask.shape for view in views])
    tiles = -(-sizes // TILE)
    num_words, num_sums = 1 + tiles.prod(1), (tiles + 1).prod(1)
    layout = np.stack([sizes[:, 1], sizes[:, 0], starts_of(num_words), starts_of(num_sums)], axis=1)
    layout = np.ascontiguousarray(layout, np.int64)
    words = call.empty((int(num_words.sum()),), "int32")
    sums = call.empty((int(num_sums.sum()),), "int64")
    masks, outside = [handle(view.mask) for view in views], [view.outside for view in views]
    execution = call.execution(num_threads)
    call.backend.voxels.pack_masks(masks, outside, layout, handle(words), handle(sums), execution)
    matrices = image_from_voxel([view.projection for view in views], grid)
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


def as_bytes(mask: Any) -> Any:
    """Bools as the bytes that they are, other arrays as they come."""
def _as_bytes(mask: Any) -> Any:
    if dtype_name(mask) != "bool":
        return mask
    return mask.view(sys.modules["torch"].uint8) if is_torch(mask) else mask.view(np.uint8)
