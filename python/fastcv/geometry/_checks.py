# SPDX-License-Identifier: Apache-2.0
"""Checks that the solvers of this room share: float64 arrays of finite rows, enough of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import check

Array = NDArray[np.float64]


def finite(name: str, array: Any, shape: tuple[int | str, ...], dims: dict[str, int] | None = None) -> Array:
    """The array as C-contiguous float64, checked for shape and for NaN and infinity."""
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    check(name, array, shape, None, dims)
    result = np.ascontiguousarray(array, np.float64)
    bad = np.argwhere(~np.isfinite(result))
    if len(bad):
        raise ValueError(f"{name}: expected finite values, got {result[tuple(bad[0])]} in row {bad[0][0]}")
    return result


def image_pairs(points1: Any, points2: Any, minimum: int) -> tuple[Array, Array]:
    """Corresponding points of two images, checked: as many here as there, at least ``minimum``."""
    return _corresponding("points1", points1, "points2", points2, 2, minimum)


def image_world_pairs(points2D: Any, points3D: Any, minimum: int = 0) -> tuple[Array, Array]:
    """Corresponding points of an image and of the world, checked alike."""
    return _corresponding("points2D", points2D, "points3D", points3D, 3, minimum)


def _corresponding(
    first: str, points: Any, second: str, others: Any, columns: int, minimum: int
) -> tuple[Array, Array]:
    dims: dict[str, int] = {}
    points, others = finite(first, points, ("N", 2), dims), finite(second, others, ("N", columns), dims)
    if len(points) < minimum:
        raise ValueError(f"{first}: expected at least {minimum} rows, got {len(points)}")
    return points, others
