# SPDX-License-Identifier: Apache-2.0
"""A smooth surface around binary voxels, made in a narrow band of blocks."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ..mesh import Mesh
from ._slabs import mesh_in_slabs
from .occupancy import BLOCK, EMPTY, FULL, MIXED, Occupancy

_ALL_EMPTY, _ALL_FULL, _MOST_PASSES = -1, -2, 4  # cpp/voxels/smooth_occupancy.h


def mesh_occupancy(occupancy: Occupancy, *, smooth: int = 2, num_threads: int = 0) -> Mesh:
    """Triangles around the occupied voxels.

    The part of occupied voxels around each, by binomial weights, is a field whose level one half is the surface: a wall
    stays where it is, steps of single voxels become slopes. Beyond the grid nothing is occupied, so the mesh is closed.
    The field exists in blocks of 8³ voxels around the surface only, of which no more layers at a time than fit into
    256 MB: a ball in a grid of 1024³, 10 million triangles of 240 MB, takes 470 MB at most.

    Parameters
    ----------
    occupancy : Occupancy
    smooth : int
        0 to 4: how often the weights (1, 2, 1) / 4 run along each axis, to a standard deviation of √(smooth / 2)
        voxels. 0 leaves a surface of steps; what is thinner than 2 voxels vanishes from 2 on.
    num_threads : int
        0 for the default.

    Returns
    -------
    Mesh
        With normals, as from ``marching_cubes``.

    Raises
    ------
    ValueError
        ``smooth`` out of its range; a mesh that does not fit into memory.

    Examples
    --------
    >>> from fastcv.voxels import Occupancy, VoxelGrid, mesh_occupancy
    >>> grid = VoxelGrid([-1, -1, -1], 2 / 32, (32, 32, 32))
    >>> ball = np.stack([np.linalg.norm(grid.centers(z), axis=-1) < 0.8 for z in range(32)])
    >>> mesh = mesh_occupancy(Occupancy.from_dense(ball, grid))
    >>> bool(np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.8).max() < grid.voxel_size)
    True
    """
    if not 0 <= operator.index(smooth) <= _MOST_PASSES:
        raise ValueError(f"smooth: expected 0 to {_MOST_PASSES}, got {smooth}")
    ranks = np.where(occupancy.states == FULL, _ALL_FULL, _ALL_EMPTY).astype(np.int32)
    ranks[occupancy.states == MIXED] = np.arange(len(occupancy.bits), dtype=np.int32)
    shape, bits = np.array(occupancy.shape, np.int64), np.ascontiguousarray(occupancy.bits)

    def smoothed(blocks: NDArray[np.int32]) -> NDArray[np.float32]:
        values = np.empty((len(blocks), BLOCK, BLOCK, BLOCK), np.float32)
        backend("cpu").voxels.smooth_occupancy(ranks, bits, shape, blocks, int(smooth), values, num_threads)
        return values

    return mesh_in_slabs(_band(occupancy), smoothed, occupancy.grid, 0.0, num_threads)


def _band(occupancy: Occupancy) -> NDArray[np.int32]:
    """(K, 3) blocks, some beyond the grid, with occupied and empty voxels in them or in the blocks around."""
    states = occupancy.states
    occupied, empty = states != EMPTY, states != FULL
    for axis, size in enumerate(occupancy.shape):
        if size % BLOCK:  # a full block is so only as far as it lies in the grid
            empty[(slice(None),) * axis + (-1,)] = True
    near_occupied, near_empty = _spread(np.pad(occupied, 1)), _spread(np.pad(empty, 1, constant_values=True))
    return np.ascontiguousarray(np.argwhere(near_occupied & near_empty) - 1, np.int32)


def _spread(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a cell or one of the 26 around it is set."""
    for axis in range(3):
        low = (slice(None),) * axis + (slice(None, -1),)
        high = (slice(None),) * axis + (slice(1, None),)
        before = mask
        mask = before.copy()
        mask[low] |= before[high]
        mask[high] |= before[low]
    return mask
