# SPDX-License-Identifier: Apache-2.0
"""Fusion in numpy float64, every voxel in every frame: slow, readable, and what the kernels are tested against."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .grid import VoxelGrid

Array = NDArray[np.float64]


class Sighting(NamedTuple):
    """What a frame shows at points: whether it updates them, the pixel, the distance, and how far from undecided."""

    updates: NDArray[np.bool_]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    distance: Array
    doubt: Array  # how near rounding comes to another decision: pixels to a border, or scene units to the truncation


def look(depth: NDArray, K: Array, pose: Array, points: Array, truncation: float) -> Sighting:
    """Newcombe et al. 2011, eqs. 6 and 9, with distances along z."""
    height, width = depth.shape
    in_cam = points @ pose[:, :3].T + pose[:, 3]
    z = in_cam[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = (in_cam @ K.T)[..., :2] / z[..., None]
    u, v = pixels[..., 0], pixels[..., 1]
    inside = (z > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
    column, row = (np.where(inside, p, 0).astype(np.int64) for p in (u, v))
    shown = depth[row, column].astype(np.float64)
    says = inside & np.isfinite(shown) & (shown > 0)
    distance = np.where(says, shown - z, np.nan)
    with np.errstate(invalid="ignore"):
        borders = np.abs(pixels - np.round(pixels)).min(-1)
        doubt = np.fmin(np.fmin(borders, np.abs(np.abs(distance) - truncation)), np.abs(z))
        return Sighting(says & (distance >= -truncation), row, column, distance, doubt)


class DenseVolume:
    """As ``TsdfVolume`` on a grid, with (Z, Y, X) values, weights and colors (Z, Y, X, 3)."""

    def __init__(self, grid: VoxelGrid, truncation: float, max_weight: float = np.inf) -> None:
        self.truncation, self.max_weight = truncation, max_weight
        self.points = np.stack([grid.centers(z) for z in range(grid.shape[0])])
        self.values, self.weights = np.zeros(grid.shape), np.zeros(grid.shape)
        self.colors = np.zeros((*grid.shape, 3))
        self.doubt = np.full(grid.shape, np.inf)

    def integrate(self, depth: NDArray, K: Array, pose: Array, color: NDArray, weight: float = 1.0) -> Sighting:
        """Curless & Levoy 1996, eqs. 3 and 4, frame by frame."""
        seen = look(depth, K, pose, self.points, self.truncation)
        u = seen.updates
        old, new = self.weights[u], self.weights[u] + weight
        distance = np.minimum(seen.distance[u], self.truncation)
        self.values[u] = (old * self.values[u] + weight * distance) / new
        rgb = color[seen.row[u], seen.column[u]]
        self.colors[u] = (old[:, None] * self.colors[u] + weight * rgb) / new[:, None]
        self.weights[u] = np.minimum(new, self.max_weight)
        self.doubt = np.fmin(self.doubt, seen.doubt)
        return seen
