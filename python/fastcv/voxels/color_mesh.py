# SPDX-License-Identifier: Apache-2.0
"""Colours for a mesh from the voxels that it was made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..mesh import Mesh
from .space_carve import PhotoHull

_REACH = 2  # voxels: no vertex of a smoothed surface is further from the voxels of the surface
_PART = 1 << 17  # vertices at a time


def color_mesh(mesh: Mesh, hull: PhotoHull) -> Mesh:
    """Give the vertices of a mesh the colours of the surface's voxels around them.

    Parameters
    ----------
    mesh : Mesh
        Made of ``hull.occupancy``, by ``mesh_occupancy``.
    hull : PhotoHull

    Returns
    -------
    Mesh
        Each colour is the mean over the 5³ voxels around a vertex, as far as they are of the surface, by weights
        exp(-2 d²) of their distances d in voxels; the mean of all where there are none.

    Examples
    --------
    >>> from fastcv import voxels
    >>> image = np.zeros((40, 40, 3), np.uint8)
    >>> image[10:30, 10:30] = [200, 0, 0]
    >>> K = np.array([[2000.0, 0, 20], [0, 2000.0, 20], [0, 0, 1]])
    >>> turns = [np.array([[c, 0.0, s], [0, 1, 0], [-s, 0, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    >>> cameras = [K @ np.c_[turn, [0, 0, 100]] for turn in turns]
    >>> grid = voxels.VoxelGrid([-1, -1, -1], 1 / 16, (32, 32, 32))
    >>> hull = voxels.space_carve([image] * 4, cameras, grid, masks=[image.any(-1)] * 4)
    >>> mesh = voxels.color_mesh(voxels.mesh_occupancy(hull.occupancy), hull)
    >>> np.unique(mesh.colors, axis=0)
    array([[200,   0,   0]], dtype=uint8)
    """
    grid = hull.occupancy.grid
    if not len(hull.voxels):
        return replace(mesh, colors=np.zeros((len(mesh.vertices), 3), np.uint8))
    numbers = np.ravel_multi_index(tuple(hull.voxels.T.astype(np.int64)), grid.shape)  # ascending
    mean = hull.colors.mean(axis=0)
    colors = np.empty((len(mesh.vertices), 3), np.uint8)
    for begin in range(0, len(colors), _PART):
        part = slice(begin, begin + _PART)
        at = (mesh.vertices[part] - np.asarray(grid.origin)) / grid.voxel_size - 0.5  # 0 at the centre of voxel 0
        sums, weights = _around(at[:, ::-1], numbers, hull.colors, grid.shape)
        found = weights > 0
        values = np.where(found[:, None], sums / np.where(found, weights, 1)[:, None], mean)
        colors[part] = np.rint(values)
    return replace(mesh, colors=colors)


def _around(
    at: NDArray[np.float64], numbers: NDArray[np.int64], colors: NDArray[np.uint8], shape: tuple[int, int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted sums of the colours of the voxels around places (z, y, x), and the sums of the weights."""
    nearest = np.rint(at).astype(np.int64)
    sums, weights = np.zeros((len(at), 3)), np.zeros(len(at))
    for offset in np.ndindex((2 * _REACH + 1,) * 3):
        voxel = nearest + (np.array(offset) - _REACH)
        inside = ((voxel >= 0) & (voxel < shape)).all(axis=1)
        number = np.ravel_multi_index(tuple(np.where(inside[:, None], voxel, 0).T), shape)
        row = np.minimum(np.searchsorted(numbers, number), len(numbers) - 1)
        known = inside & (numbers[row] == number)
        weight = np.exp(-2 * np.sum((at[known] - voxel[known]) ** 2, axis=1))
        sums[known] += weight[:, None] * colors[row[known]]
        weights[known] += weight
    return sums, weights
