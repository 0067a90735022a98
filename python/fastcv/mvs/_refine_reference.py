# SPDX-License-Identifier: Apache-2.0
"""The cost of slanted planes in numpy float64: slow, readable, and what the refinement is tested against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._reference import transfer
from ._sweep_reference import levels, sample
from .views import Array, View, camera_of, source_from_reference

SAMPLE_STEP = 2
TONAL_DEVIATION = 0.2 * 255
MAX_REPROJECTION = 3.0


def plane_costs(
    reference: View,
    sources: Sequence[View],
    depth: Array,
    normals: Array,
    *,
    window: int = 11,
    num_best: int | None = None,
    weights: ArrayLike | None = None,
    source_depths: Sequence[Array] | None = None,
    geometric_weight: float = 0.2,
) -> Array:
    """The costs that ``mvs.refine_depth`` gives planes, (H, W), with exact intensities; NaN for none."""
    num_best = (len(sources) + 1) // 2 if num_best is None else num_best
    weight = np.ones(len(sources)) if weights is None else np.asarray(weights, np.float64)
    depth = np.where(depth > 0, depth, np.nan).astype(np.float64)
    costs = []
    for k, source in enumerate(sources):
        cost = patch_costs(reference, source, depth, normals, window)
        if source_depths is not None:
            cost = cost + geometric_weight * reprojection_errors(reference, source, depth, source_depths[k])
        costs.append(np.where(np.isnan(cost), np.inf, cost))
    order = np.argsort(costs, axis=0, kind="stable")[:num_best]
    best = np.take_along_axis(np.array(costs), order, 0)
    counts = np.where(np.isfinite(best), weight[order], 0)
    total = counts.sum(0)
    mean = (np.where(counts > 0, best, 0) * counts).sum(0) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, np.nan)


def patch_costs(reference: View, source: View, depth: Array, normals: Array, window: int) -> Array:
    """1 - NCC with bilateral weights (Schönberger et al. 2016, section 4.2), NaN where there is none."""
    r, s = levels(reference, 1)[..., 0], levels(source, 1)
    (height, width), radius = r.shape, window // 2
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    facing = (rays(reference, x, y) * normals).sum(-1)
    total, sums, hidden = np.zeros(r.shape), np.zeros((5, *r.shape)), np.isnan(r)
    for dy in range(-radius, radius + 1, SAMPLE_STEP):
        for dx in range(-radius, radius + 1, SAMPLE_STEP):
            u, v = x + dx, y + dy
            inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
            a = np.where(inside, r[np.where(inside, v, 0), np.where(inside, u, 0)], np.nan)
            weight = np.exp(-0.5 * ((dx * dx + dy * dy) / radius**2 + ((a - r) / TONAL_DEVIATION) ** 2))
            weight = np.nan_to_num(weight)
            # Along the plane n . X = h through the pixel's point, depth is h / (n . ray).
            there = depth * facing / (rays(reference, u, v) * normals).sum(-1)
            b = project(reference, source, s, u, v, there)
            hidden |= (weight > 0) & np.isnan(b)
            a, b = np.nan_to_num(a) - 128, np.nan_to_num(b) - 128
            total += weight
            sums += weight * np.array([a, b, a * a, b * b, a * b])
    mean_a, mean_b, aa, bb, ab = sums / np.where(total > 0, total, 1)
    variance_a, variance_b = aa - mean_a**2, np.maximum(bb - mean_b**2, 1)
    ncc = (ab - mean_a * mean_b) / np.sqrt(np.maximum(variance_a, 1) * variance_b)
    return np.where(hidden | (variance_a < 1), np.nan, 1 - ncc)


def rays(view: View, x: NDArray[Any], y: NDArray[Any]) -> Array:
    """Through pixels that count from the first one's centre, z = 1."""
    return np.stack([x + 0.5, y + 0.5, np.ones(x.shape)], -1) @ np.linalg.inv(camera_of("view", view)[0]).T


def project(reference: View, source: View, s: Array, x: NDArray[Any], y: NDArray[Any], depth: Array) -> Array:
    """What the source shows of points of the reference, NaN where it does not see them."""
    A, b = source_from_reference(camera_of("reference", reference), camera_of("source", source))
    p = np.stack([x + 0.5, y + 0.5, np.ones(x.shape)], -1) @ A.T + b / depth[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = p[..., 0] / p[..., 2] - 0.5, p[..., 1] / p[..., 2] - 0.5
    seen = p[..., 2] > 0
    return sample(s, np.where(seen, u, -1), np.where(seen, v, -1))[..., 0]


def reprojection_errors(reference: View, source: View, depth: Array, source_depth: Array) -> Array:
    """In pixels, forth and back by way of the source's own depth (Schönberger et al. 2016, eq. 10)."""
    height, width = source_depth.shape
    x, y = np.meshgrid(np.arange(depth.shape[1]) + 0.5, np.arange(depth.shape[0]) + 0.5)
    cameras = camera_of("reference", reference), camera_of("source", source)
    u, v, z = transfer(cameras, x, y, depth)
    seen = (z > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
    u, v = np.where(seen, u, 0), np.where(seen, v, 0)
    other = source_depth[np.floor(v).astype(int), np.floor(u).astype(int)].astype(np.float64)
    seen &= other > 0
    back_x, back_y, back_z = transfer(cameras[::-1], u, v, np.where(seen, other, 1))
    error = np.minimum(np.hypot(back_x - x, back_y - y), MAX_REPROJECTION)
    return np.where(seen & (back_z > 0), error, MAX_REPROJECTION)
