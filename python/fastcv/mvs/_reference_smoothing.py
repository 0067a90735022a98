# SPDX-License-Identifier: Apache-2.0
"""Semi-global smoothing in numpy integers: slow, readable, and what the kernels are tested against, bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .smoothing import COST_LEVELS, SemiGlobal

FROM_ABOVE = ((0, 1), (1, 0), (1, 1), (1, -1))  # (dy, dx) of a step along each; the others go the other way
MOST = 255  # that four paths add


def levels(costs: NDArray[np.float32], max_cost: float) -> NDArray[np.int64]:
    """Of costs (D, H, W), as (H, W, D); what is missing counts as the worst."""
    with np.errstate(invalid="ignore"):
        scaled = costs * (np.float32(COST_LEVELS) / np.float32(max_cost)) + np.float32(0.5)
    level = np.where(scaled < COST_LEVELS, np.maximum(np.nan_to_num(scaled), 0), COST_LEVELS)
    return level.astype(np.int64).transpose(1, 2, 0)


def added(cost: NDArray[np.int64], step: tuple[int, int], p1: int, p2: int) -> NDArray[np.int64]:
    """What one path adds to the costs of each pixel: eq. 13 of Hirschmüller 2008 without the cost, (H, W, D)."""
    (dy, dx), (height, width, _) = step, cost.shape
    result, path = np.zeros_like(cost), np.zeros_like(cost)
    for y in range(height)[:: dy or 1]:
        for x in range(width)[:: dx or 1]:
            if 0 <= y - dy < height and 0 <= x - dx < width:
                before = path[y - dy, x - dx]
                beside = np.pad(before, 1, constant_values=10_000)
                options = [before, beside[:-2] + p1, beside[2:] + p1, np.full_like(before, before.min() + p2)]
                result[y, x] = np.min(options, axis=0) - before.min()
            path[y, x] = cost[y, x] + result[y, x]
    return result


def smooth_costs(costs: NDArray[np.float32], smoothing: SemiGlobal) -> NDArray[np.float32]:
    """As ``mvs.smooth_costs``."""
    max_cost = 1.0 if smoothing.max_cost is None else smoothing.max_cost
    p1, p2 = (max(round(p * COST_LEVELS), 1) for p in smoothing[:2])
    cost = levels(costs, max_cost)
    total = 2 * len(FROM_ABOVE) * cost
    for sign in (1, -1):
        from_one_side = [added(cost, (sign * dy, sign * dx), p1, p2) for dy, dx in FROM_ABOVE]
        total += np.minimum(np.sum(from_one_side, axis=0), MOST)
    unit = np.float32(max_cost) / np.float32(2 * len(FROM_ABOVE) * COST_LEVELS)
    return (total.astype(np.float32) * unit).transpose(2, 0, 1)
