# SPDX-License-Identifier: Apache-2.0
"""Checks of single arrays: each message names the row at fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._backend import backend

# How far R Rᵀ may be from the identity: poses that went through six printed digits pass, a scaled rotation does not.
_ROTATION_TOLERANCE = 1e-5
# Rows that are looked at together. Masks of all rows at once would be fresh memory, which costs more than the checks.
_ROWS_AT_ONCE = 1 << 14


def as_dtype(name: str, values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """The values as a C-contiguous array of this dtype. Floats are not cut to integers, nor numbers to bool."""
    array = np.asarray(values)
    if array.size and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"{name}: expected dtype {np.dtype(dtype)}, got {array.dtype}")
    if array.size and array.dtype != dtype and dtype is np.int32 and not -(2**31) <= array.min() <= array.max() < 2**31:
        raise ValueError(f"{name}: expected values in [-2^31, 2^31), got {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype)


def raise_first(
    name: str, wrong: NDArray[np.bool_], expected: str, got: NDArray[Any], note: str = "", begin: int = 0
) -> None:
    """Raise for the first row of ``wrong`` that has a True; it tells of the rows of ``got`` from ``begin`` on."""
    if not wrong.any():  # reducing rows of two takes numpy 50 ns a row
        return
    row = begin + np.flatnonzero(wrong.any(axis=tuple(range(1, wrong.ndim))))[0]
    raise ValueError(f"{name}[{row}]: expected {expected}, got {got[row].tolist()}{note}")


def raise_first_where(
    name: str, values: NDArray[Any], is_wrong: Callable[[NDArray[Any]], NDArray[np.bool_]], expected: str
) -> None:
    """The same for a mask that is computed part by part."""
    for begin in range(0, len(values), _ROWS_AT_ONCE):
        raise_first(name, is_wrong(values[begin : begin + _ROWS_AT_ONCE]), expected, values, begin=begin)


def check_finite(name: str, values: NDArray[np.float64]) -> None:
    raise_first_where(name, values, lambda part: ~np.isfinite(part), "finite values")


def count_rows(indices: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """How often each of ``count`` rows is meant. (``np.bincount`` copies the indices.)"""
    counts = np.zeros(count, np.int32)
    backend("cpu").ba.count_rows(indices, counts)
    return counts


def check_indices(name: str, indices: NDArray[np.int32], count: int, lowest: int = 0) -> None:
    """Raise for an index outside [lowest, count)."""
    expected = f"a row below {count}" + (f" or {lowest}" if lowest < 0 else "")
    raise_first_where(name, indices, lambda part: (part < lowest) | (part >= count), expected)


def check_rotations(name: str, cam_from_world: NDArray[np.float64]) -> None:
    rotations = cam_from_world[:, :, :3]
    skew = np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    wrong = (skew > _ROTATION_TOLERANCE) | (np.linalg.det(rotations) < 0)
    raise_first(name, wrong, "a rotation in its first three columns", rotations)
