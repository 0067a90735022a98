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
    mask, projection = image_of(call, "mask", i, mask, camera, grid, ("bool", "uint8"))
    if projection.positions is None:
        return View(as_bytes(mask), _NONE, projection)
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


def as_bytes(mask: Any) -> Any:
    """Bools as the bytes that they are, other arrays as they come."""
    if dtype_name(mask) != "bool":
        return mask
    return mask.view(sys.modules["torch"].uint8) if is_torch(mask) else mask.view(np.uint8)
