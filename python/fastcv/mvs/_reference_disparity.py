# SPDX-License-Identifier: Apache-2.0
"""Rectified stereo in numpy integers: slow, readable, and what the kernels are tested against, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .disparity import DisparityMap

OUTSIDE_COST = 16  # of a partner that the right image does not have, unless all inside are alike
RADIUS = 6
PATHS = ((0, 1), (0, -1), (1, 0), (1, 1), (1, -1))  # (dy, dx) of a step along each


def luma(image: NDArray) -> NDArray[np.int64]:
    """16-bit luma by ITU-R BT.601."""
    if image.dtype == np.float32:
        levels = np.floor(image * np.float32(65535) + np.float32(0.5)).astype(np.int64)
    else:
        levels = image.astype(np.int64) << (8 if image.dtype == np.uint8 else 0)
    return levels if image.ndim == 2 else (levels @ [77, 150, 29]) >> 8


def census(image: NDArray) -> NDArray[np.bool_]:
    """Which pixels of the pattern are brighter, (H, W, 48); the border is repeated (Zabih & Woodfill 1994)."""
    height, width = image.shape[:2]
    padded = np.pad(luma(image), RADIUS, mode="edge")
    offsets = np.arange(-RADIUS, RADIUS + 1)
    y, x = np.meshgrid(offsets, offsets, indexing="ij")
    chosen = ((abs(y) <= 2) & (abs(x) <= 2)) | ((y % 3 == 0) & (x % 3 == 0))
    chosen[RADIUS, RADIUS] = False
    shifted = [padded[j : j + height, i : i + width] for j, i in np.argwhere(chosen)]
    return np.stack(shifted, -1) > padded[RADIUS : RADIUS + height, RADIUS : RADIUS + width, None]


def partners_inside(width: int, num_disparities: int, min_disparity: int) -> NDArray[np.bool_]:
    """Which partners of a left column lie in the right image, (W, D)."""
    partner = np.arange(width)[:, None] - (min_disparity + np.arange(num_disparities))
    return (partner >= 0) & (partner < width)


def matching_costs(left: NDArray, right: NDArray, num_disparities: int, min_disparity: int) -> NDArray[np.int64]:
    """Bits that differ, (H, W, D)."""
    bits = census(left), census(right)
    inside = partners_inside(left.shape[1], num_disparities, min_disparity)
    costs = np.full((*left.shape[:2], num_disparities), -1)
    for k in range(num_disparities):
        x = np.flatnonzero(inside[:, k])
        costs[:, x, k] = (bits[0][:, x] != bits[1][:, x - (min_disparity + k)]).sum(-1)
    least, most = (pick(costs, -1, where=inside, initial=i, keepdims=True) for pick, i in ((np.min, 99), (np.max, -1)))
    return np.where(inside, costs, np.where(least == most, least, OUTSIDE_COST))


def sum_of_paths(costs: NDArray[np.int64], p1: int, p2: int) -> NDArray[np.int64]:
    """Sums over the five paths of eq. 13 of Hirschmüller 2008, (H, W, D)."""
    height, width, _ = costs.shape
    total = np.zeros_like(costs)
    for dy, dx in PATHS:
        path = np.zeros_like(costs)
        for y in range(height):
            for x in range(width) if dx >= 0 else reversed(range(width)):
                path[y, x] = costs[y, x]
                if y - dy >= 0 and 0 <= x - dx < width:
                    before = path[y - dy, x - dx]
                    beside = np.pad(before, 1, constant_values=10_000)
                    options = [before, beside[:-2] + p1, beside[2:] + p1, np.full_like(before, before.min() + p2)]
                    path[y, x] += np.min(options, axis=0) - before.min()
        total += path
    return total


def estimate_disparity(
    left: NDArray,
    right: NDArray,
    num_disparities: int,
    *,
    min_disparity: int = 0,
    p1: int = 16,
    p2: int = 51,
    max_difference: int | None = 1,
    min_confidence: float = 0.0,
) -> DisparityMap:
    """As ``mvs.estimate_disparity`` with ``min_pixels=0``, pixel by pixel."""
    costs = matching_costs(left, right, num_disparities, min_disparity)
    total = sum_of_paths(costs, p1, p2).astype(np.float64)
    total[:, ~partners_inside(left.shape[1], num_disparities, min_disparity)] = np.inf
    height, width, _ = total.shape
    disparity, confidence = np.full((2, height, width), np.float32(np.nan))
    for y, x in np.argwhere(np.isfinite(total).any(-1)):
        sums = np.pad(total[y, x], 1, constant_values=np.inf)
        k = int(np.argmin(sums)) - 1
        below, best, above = sums[k : k + 3]
        rival = total[y, x][np.abs(np.arange(num_disparities) - k) > 1].min()
        sure = np.float32(rival - best) / np.float32(rival) if best < rival < np.inf else np.float32(0)
        if sure == 0 or sure < np.float32(min_confidence) or not _agrees(total[y], x, k, min_disparity, max_difference):
            continue
        a, b = below - best, above - best
        vertex = np.float32(a - b) / np.float32(2 * (a + b)) if np.isfinite(a + b) and a + b > 0 else np.float32(0)
        disparity[y, x], confidence[y, x] = np.float32(min_disparity + k) + vertex, sure
    return DisparityMap(median_disparity(disparity), np.where(np.isnan(disparity), np.float32(0), confidence))


def _agrees(row: NDArray[np.float64], x: int, k: int, min_disparity: int, max_difference: int | None) -> bool:
    """Whether the partner of pixel x chooses a disparity near index k, from the same sums."""
    partner = x - (min_disparity + k)
    candidates = np.arange(row.shape[1])
    from_left = partner + min_disparity + candidates
    seen = (from_left >= 0) & (from_left < len(row))
    sums = np.where(seen, row[np.clip(from_left, 0, len(row) - 1), candidates], np.inf)
    return max_difference is None or abs(int(np.argmin(sums)) - k) <= max_difference


def median_disparity(disparity: NDArray) -> NDArray:
    """As ``mvs.median_disparity``."""
    result = disparity.copy()
    for y, x in np.argwhere(~np.isnan(disparity)):
        around = disparity[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        known = np.sort(around[~np.isnan(around)])
        result[y, x] = known[(len(known) - 1) // 2]
    return result


def remove_speckles(disparity: NDArray, min_pixels: int, max_step: float = 1.0) -> NDArray:
    """As ``mvs.remove_speckles``, by growing one region after the other."""
    height, width = disparity.shape
    result, seen = disparity.copy(), np.isnan(disparity)
    for start in np.argwhere(~seen):
        region: list[Any] = []
        queue = [] if seen[tuple(start)] else [tuple(start)]
        seen[tuple(start)] = True
        while queue:
            y, x = queue.pop()
            region.append((y, x))
            for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                near = 0 <= j < height and 0 <= i < width and abs(disparity[j, i] - disparity[y, x]) <= max_step
                if near and not seen[j, i]:
                    seen[j, i] = True
                    queue.append((j, i))
        if 0 < len(region) < min_pixels:
            result[tuple(np.transpose(region))] = np.nan
    return result


def fill_disparity(disparity: NDArray) -> NDArray:
    """As ``mvs.fill_disparity``."""
    result = disparity.copy()
    for y, x in np.argwhere(np.isnan(disparity)):
        left, right = (side[~np.isnan(side)] for side in (disparity[y, :x], disparity[y, x + 1 :]))
        nearest = [*left[-1:], *right[:1]]
        result[y, x] = min(nearest) if nearest else np.nan
    return result
