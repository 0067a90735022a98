# SPDX-License-Identifier: Apache-2.0
"""The encodings in numpy float64: slow, readable, and with derivatives by complex steps (Squire & Trapp 1998)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .grid import HashGrid

PRIMES = (1, 2654435761, 805459861, 3674653429)  # tiny-cuda-nn, common_device.h


def _entries(grid: HashGrid, level: int, vertices: NDArray) -> NDArray:
    """Rows of the table for vertices (N, D) of a level."""
    if grid.hashed[level]:
        numbers = np.zeros(len(vertices), np.int64)
        for axis in range(grid.dims):
            numbers ^= vertices[:, axis] * PRIMES[axis] % 2**32
    else:
        numbers = vertices @ [int(grid.resolutions[level]) ** axis for axis in range(grid.dims)]
    return grid.offsets[level] + numbers % grid.sizes[level]


def corners(points: NDArray, grid: HashGrid, level: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Rows of the table and weights of each of the 2^D corners around points (N, D) in the box."""
    at = points * float(grid.scales[level]) + 0.5
    cell = np.floor(at.real).astype(np.int64)
    t = at - cell
    if grid.interpolation == "smoothstep":
        t = t * t * (3 - 2 * t)
    for upper in product((0, 1), repeat=grid.dims):
        weights = np.prod(np.where(upper, t, 1 - t), axis=1)
        yield _entries(grid, level, cell + upper), weights


def hash_grid(points: NDArray, table: NDArray, grid: HashGrid, max_level: int | None = None) -> NDArray:
    """Features (N, levels * features) of points (N, D) in the box."""
    result = np.zeros((len(points), grid.levels, grid.features), points.dtype)
    for level in range(grid.levels if max_level is None else max_level):
        for entries, weights in corners(points, grid, level):
            result[:, level] += weights[:, None] * table[entries]
    return result.reshape(len(points), grid.width)


def hash_grid_jacobian(points: NDArray, table: NDArray, grid: HashGrid) -> NDArray:
    """Derivatives (N, levels * features, D) of the features by the points."""
    step = 1e-100j
    return np.stack(
        [hash_grid(points + step * axis, table, grid).imag / step.imag for axis in np.eye(grid.dims)], axis=-1
    )


def hash_grid_table_vjp(points: NDArray, grid: HashGrid, grad: NDArray, max_level: int | None = None) -> NDArray:
    """The gradient by the table from that by the features, (N, levels * features)."""
    result = np.zeros((grid.num_entries, grid.features))
    grad = grad.reshape(len(points), grid.levels, grid.features)
    for level in range(grid.levels if max_level is None else max_level):
        for entries, weights in corners(points, grid, level):
            np.add.at(result, entries, weights[:, None] * grad[:, level])
    return result
