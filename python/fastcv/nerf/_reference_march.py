# SPDX-License-Identifier: Apache-2.0
"""Marching, sampling and their loss in numpy float64: slow and plain, every step and every pair looked at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class DenseMarch(NamedTuple):
    """All steps of rays, (R, K): where they begin and end, whether they are samples, and how sure that is.

    ``margin`` is how far, in cells, a step's middle lies from the nearest border between cells, and how far its length
    is, as a ratio, from where another level is asked for.
    """

    starts: Floats
    ends: Floats
    kept: NDArray[np.bool_]
    margin: Floats


def box_interval(origins: Floats, directions: Floats, box: Floats) -> tuple[Floats, Floats]:
    """Where rays enter and leave a box; the first is above the second for a miss. Kay & Kajiya 1986."""
    with np.errstate(divide="ignore", invalid="ignore"):
        planes = (box[:, None] - origins) / directions
    low, high = np.fmin(*planes), np.fmax(*planes)
    beside = ((origins < box[0]) | (origins > box[1])) & (directions == 0)
    low, high = (np.where(directions == 0, np.where(beside, s, -s), v) for s, v in ((np.inf, low), (-np.inf, high)))
    return low.max(1), high.min(1)


def dense_march(
    origins: Floats,
    directions: Floats,
    occupied: NDArray[np.bool_],
    box: Floats,
    step: float,
    cone_angle: float = 0.0,
    max_step: float = np.inf,
    num_steps: int = 2048,
) -> DenseMarch:
    """``march`` from near = 0, through (levels, Z, Y, X) cells, without jitter."""
    levels, resolution = occupied.shape[:2]
    center, size = box.mean(0), box[1] - box[0]
    coarsest = center + (box - center) * 2.0 ** (levels - 1)
    entry, leave = box_interval(origins, directions, coarsest)
    t = [np.maximum(entry, 0)]
    for _ in range(num_steps):
        t.append(t[-1] + np.clip(t[-1] * cone_angle, step, max_step))
    starts, ends = np.stack(t[:-1], 1), np.stack(t[1:], 1)
    middles = (starts + ends) / 2
    at = (origins[:, None] + middles[..., None] * directions[:, None] - center) / size  # the box is [-1/2, 1/2]
    in_two_steps = 2 * (ends - starts) * resolution / size.min()
    by_position = np.floor(np.log2(np.abs(at).max(-1) * 2)) + 1
    by_step = np.floor(np.log2(in_two_steps)) + 1
    level = np.clip(np.maximum(by_position, by_step), 0, levels - 1).astype(int)
    cells = (at / 2.0 ** level[..., None] + 0.5) * resolution
    x, y, z = np.clip(cells.astype(int), 0, resolution - 1).transpose(2, 0, 1)
    kept = occupied[level, z, y, x] & (middles < leave[:, None])
    margin = np.abs(cells - np.round(cells)).min(-1)
    if levels > 1:
        margin = np.minimum(margin, np.abs(np.log2(in_two_steps) - np.round(np.log2(in_two_steps))))
    margin = np.minimum(margin, np.abs(middles - leave[:, None]) / step)
    return DenseMarch(starts, ends, kept, margin)


def sample_pdf(edges: Floats, weights: Floats, places: Floats) -> Floats:
    """Edges at places (R, N + 1) in [0, 1] of the distribution functions of rows (Mildenhall et al. 2020, sec. 5.2)."""
    rows = []
    for edge, weight, place in zip(edges, weights, places, strict=True):
        cdf = np.concatenate([[0], np.cumsum(weight)]) / weight.sum()
        rows.append(np.interp(place, cdf, edge))
    return np.stack(rows)


def interlevel_loss(edges: Floats, weights: Floats, proposal_edges: Floats, proposal_weights: Floats) -> Floats:
    """Barron et al. 2022, eqs. 12 and 13, all pairs of intervals."""
    meet = (proposal_edges[:, None, :-1] < edges[:, 1:, None]) & (proposal_edges[:, None, 1:] > edges[:, :-1, None])
    bounds = (meet * proposal_weights[:, None]).sum(-1)
    return (np.maximum(weights - bounds, 0) ** 2 / (weights + 2.0**-23)).sum(-1)


def contract(points: Floats, norm: str) -> Floats:
    """Barron et al. 2022, eq. 10."""
    size = np.linalg.norm(points, ord=np.inf if norm == "linf" else 2, axis=1, keepdims=True)
    return np.where(size <= 1, points, (2 - 1 / np.maximum(size, 1)) * points / np.maximum(size, 1))
