# SPDX-License-Identifier: Apache-2.0
"""Charts side by side in one picture: as large as they are in their photographs, or as large as fits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PADDING = 3  # pixels around each chart, so that bilinear sampling and the first smaller levels find no other colours
_BISECTIONS = 12
_CELL = 2  # pixels of the side of a cell for a triangle that no view shows


class Atlas(NamedTuple):
    """``uv`` (F, 3, 2) places in a picture of ``shape`` (H, W); ``scale``: its pixels per pixel of the photographs."""

    uv: NDArray[np.float64]
    shape: tuple[int, int]
    scale: float


def pack_charts(places: NDArray[np.float64], charts: NDArray[np.int64], size: int) -> Atlas:
    """Lay out charts.

    Parameters
    ----------
    places : (F, 3, 2) float64 array
        Where the corners of triangles lie in their photographs.
    charts : (F,) int64 array
        Numbers of charts; -1 for triangles that get a cell of their own.
    size : int
        Sides of the picture, at most.

    Raises
    ------
    ValueError
        Even the smallest charts do not fit.
    """
    count = int(charts.max(initial=-1)) + 1
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    known, unseen = np.flatnonzero(charts >= 0), np.flatnonzero(charts < 0)
    for corner in range(3):
        np.minimum.at(low, charts[known], places[known, corner])
        np.maximum.at(high, charts[known], places[known, corner])
    cells = _cells(len(unseen), size)

    def layout(scale: float) -> tuple[NDArray[np.int64], int]:
        boxes = np.ceil((high - low) * scale).astype(np.int64) + 2 * PADDING
        return _shelves(np.concatenate([boxes, cells[1]]), size)

    scale = _largest_scale(lambda scale: layout(scale)[1] <= size, len(charts), size)
    offsets, height = layout(scale)
    uv = np.empty_like(places)
    uv[known] = (places[known] - low[charts[known], None]) * scale + offsets[charts[known], None] + PADDING
    uv[unseen] = (offsets[count:] + cells[0])[:, None] + [[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]] if len(unseen) else 0
    return Atlas(uv, (max(height, 1), size), scale)


def _cells(count: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where cells lie in a block of them, and the block's (1, 2) size; (0, 2) for none."""
    if count == 0:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
    columns = min(int(np.ceil(np.sqrt(count))), size // _CELL)
    number = np.arange(count)
    at = _CELL * np.stack([number % columns, number // columns], axis=1)
    return at, np.array([[_CELL * columns, at[-1, 1] + _CELL]])


def _largest_scale(fits, num_faces: int, size: int) -> float:
    if fits(1.0):
        return 1.0
    low, high = 0.0, 1.0
    if not fits(low):
        raise ValueError(f"size: expected a picture that holds the charts of {num_faces} triangles, got {size}")
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _shelves(boxes: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], int]:
    """(C, 2) places of (C, 2) boxes, the highest first, row by row; and the height of it all, more than any where a box
    is too wide."""
    offsets = np.zeros_like(boxes)
    if len(boxes) and boxes[:, 0].max() > width:
        return offsets, 2**62
    x = y = shelf = 0
    for number in np.argsort(-boxes[:, 1], kind="stable"):
        across, down = boxes[number]
        if x + across > width:
            x, y, shelf = 0, y + shelf, 0
        offsets[number] = x, y
        x, shelf = x + int(across), max(shelf, int(down))
    return offsets, y + shelf
