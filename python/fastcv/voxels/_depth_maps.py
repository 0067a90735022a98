# SPDX-License-Identifier: Apache-2.0
"""Depth maps and cameras of a carving, checked, and their ranges as the kernels want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, handle
from ._cameras import Projection, image_from_voxel, image_of, nearest, starts_of
from ._silhouettes import TILE
from .grid import VoxelGrid

_OUTSIDE = -1  # stands for a pixel that is not of the image


class DepthView(NamedTuple):
    """One depth map and its projection."""

    depth: Any
    projection: Projection


def depth_view_of(call: Call, i: int, depth: Any, camera: Any, grid: VoxelGrid) -> DepthView:
    """A depth map and its camera, which is a (3, 4) matrix or a pair of Camera and pose."""
    depth, projection = image_of(call, "depth", i, depth, camera, grid, ("float32",))
    if projection.positions is None:
        return DepthView(depth, projection)
    values, inside = nearest(depth, projection.positions)
    if (values < 0).any():
        raise _negative(i, values)
    return DepthView(call.place(np.where(inside, values, np.float32(_OUTSIDE))), projection)


def pack_depths(
    call: Call, views: Sequence[DepthView], grid: VoxelGrid, margin: float, num_threads: int
) -> tuple[Any, ...]:
    """The arguments of a native carving up to the shape of the grid (cpp/voxels/depth_maps.h).

    They refer to the views' arrays, which must live as long as they are used.
    """
    sizes = np.array([view.depth.shape for view in views])
    tiles = -(-sizes // TILE)
    num_ranges = np.array([_num_ranges(*map(int, size)) for size in tiles])
    layout = np.stack([sizes[:, 1], sizes[:, 0], np.zeros_like(num_ranges), starts_of(num_ranges)], axis=1)
    layout = np.ascontiguousarray(layout, np.int64)
    ranges = call.empty((int(num_ranges.sum()),), "float32")
    maps, execution = [handle(view.depth) for view in views], call.execution(num_threads)
    call.backend.voxels.pack_depths(maps, layout, handle(ranges), execution)
    least = call.fetch(ranges[(starts_of(num_ranges) + num_ranges - 2).tolist()])
    for i in np.flatnonzero(least < 0).tolist():
        if views[i].projection.positions is None:  # else its own pixels have been looked at
            raise _negative(i, call.fetch(views[i].depth))
    matrices = image_from_voxel([view.projection for view in views], grid)
    return call.place(matrices), call.place(layout), ranges, margin, np.array(grid.shape, np.int64)


def _negative(i: int, depth: NDArray[np.float32]) -> ValueError:
    got = depth[depth < 0][0]
    return ValueError(f"depths[{i}]: expected no negative depth (0 and NaN are none), got {got}")


def _num_ranges(rows: int, columns: int) -> int:
    """Numbers in the ranges of a map of so many tiles: two for each square of 1, 2, 4 … tiles a side."""
    count = 2 * rows * columns
    while rows * columns > 1:
        rows, columns = -(-rows // 2), -(-columns // 2)
        count += 2 * rows * columns
    return count
