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


def at_least(name: str, array: Array, minimum: int) -> None:
    """Raise unless the array has this many rows."""
    if len(array) < minimum:
        raise ValueError(f"{name}: expected at least {minimum} rows, got {len(array)}")
