# SPDX-License-Identifier: Apache-2.0
"""Carving in numpy float64, every voxel in every view: slow, readable, and what the kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .grid import VoxelGrid


def carve(
    masks: Sequence[NDArray],
    image_from_world: NDArray[np.float64],
    grid: VoxelGrid,
    *,
    min_views: int = 1,
    max_violations: int = 0,
    outside: str = "ignore",
) -> NDArray[np.bool_]:
    """As ``voxels.carve``, for (V, 3, 4) matrices with w > 0 in front of the camera; (Z, Y, X)."""
    dense = np.empty(grid.shape, bool)
    for z in range(grid.shape[0]):
        centers = grid.centers(z)
        seen, violations = np.zeros(grid.shape[1:], int), np.zeros(grid.shape[1:], int)
        for mask, P in zip(masks, image_from_world, strict=True):
            sees, shows = look(np.asarray(mask), P, centers)
            seen += sees
            violations += sees & ~shows
            if outside == "carve":
                violations += ~sees
        dense[z] = (seen >= min_views) & (violations <= max_violations)
    return dense


def carve_depths(
    depths: Sequence[NDArray],
    image_from_world: NDArray[np.float64],
    grid: VoxelGrid,
    *,
    margin: float,
    min_views: int = 1,
    max_violations: int = 0,
    outside: str = "ignore",
) -> NDArray[np.bool_]:
    """As ``voxels.carve_depths``, for (V, 3, 4) matrices whose w is depth; (Z, Y, X)."""
    dense = np.empty(grid.shape, bool)
    for z in range(grid.shape[0]):
        centers = grid.centers(z)
        seen, violations = np.zeros(grid.shape[1:], int), np.zeros(grid.shape[1:], int)
        for depth, P in zip(depths, image_from_world, strict=True):
            inside, row, column = pixel_of(depth.shape, P, centers)
            measured = np.where(inside, depth[row, column], 0).astype(np.float64)
            sees = measured > 0
            seen += sees
            violations += sees & (centers @ P[2, :3] + P[2, 3] < measured - margin)
            if outside == "carve":
                violations += ~inside
        dense[z] = (seen >= min_views) & (violations <= max_violations)
    return dense


def carve_soft(
    masks: Sequence[NDArray],
    image_from_world: NDArray[np.float64],
    grid: VoxelGrid,
    *,
    miss_rate: float = 0.001,
    false_alarm_rate: float = 0.9,
    prior: float = 0.5,
    outside: str = "ignore",
) -> NDArray[np.float64]:
    """As ``voxels.carve_soft``, for (V, 3, 4) matrices with w > 0 in front of the camera; (Z, Y, X)."""
    dense = np.empty(grid.shape)
    unseen = np.log(miss_rate / (1 - false_alarm_rate)) if outside == "carve" else 0.0
    for z in range(grid.shape[0]):
        log_odds = np.full(grid.shape[1:], np.log(prior / (1 - prior)))
        for mask, P in zip(masks, image_from_world, strict=True):
            sees, s = bilinear(np.asarray(mask, np.float64), P, grid.centers(z))
            occupied = s * (1 - miss_rate) + (1 - s) * miss_rate
            empty = s * false_alarm_rate + (1 - s) * (1 - false_alarm_rate)
            log_odds += np.where(sees, np.log(occupied / empty), unseen)
        dense[z] = np.exp(-np.logaddexp(0, -log_odds))
    return dense


def bilinear(mask: NDArray, P: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Which world points a view sees, and its mask between the centres of the four nearest pixels, 0 for the others."""
    height, width = mask.shape
    xw, yw, w = np.moveaxis(points @ P[:, :3].T + P[:, 3], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = xw / w, yw / w
    sees = (w > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
    x, y = (np.clip(np.where(sees, p, 0.5) - 0.5, 0, size - 1) for p, size in ((u, width), (v, height)))
    column, row = x.astype(int), y.astype(int)
    right, below = np.minimum(column + 1, width - 1), np.minimum(row + 1, height - 1)
    above = (1 - (x - column)) * mask[row, column] + (x - column) * mask[row, right]
    lower = (1 - (x - column)) * mask[below, column] + (x - column) * mask[below, right]
    return sees, np.where(sees, (1 - (y - row)) * above + (y - row) * lower, 0)


def look(mask: NDArray, P: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Which world points a view sees, and which of them show foreground."""
    sees, row, column = pixel_of(mask.shape, P, points)
    return sees, sees & (mask[row, column] != 0)


def pixel_of(
    size: tuple[int, ...], P: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray, NDArray, NDArray]:
    """Which world points an image sees, and the pixel of each (Hartley & Zisserman 2004, eq. 6.2)."""
    height, width = size
    xw, yw, w = np.moveaxis(points @ P[:, :3].T + P[:, 3], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = xw / w, yw / w
    sees = (w > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
    column, row = (np.where(sees, p, 0).astype(int) for p in (u, v))
    return sees, row, column
