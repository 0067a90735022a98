# SPDX-License-Identifier: Apache-2.0
"""Winners, consistency and fusion in numpy float64: slow, readable, and what the kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .views import DepthMap, View, camera_of, source_from_reference

Array = NDArray[np.float64]


def winner_take_all(costs: Array, depths: ArrayLike) -> DepthMap:
    """As ``mvs.winner_take_all``, pixel by pixel."""
    w = 1 / np.asarray(depths, np.float64)
    num, height, width = costs.shape
    depth, confidence, winner = np.zeros((height, width)), np.zeros((height, width)), np.full((height, width), np.nan)
    for y, x in np.ndindex(height, width):
        c = np.concatenate([[np.inf], np.where(np.isnan(costs[:, y, x]), np.inf, costs[:, y, x]), [np.inf]])
        minima = np.flatnonzero((c[:-2] > c[1:-1]) & (c[1:-1] <= c[2:]))
        if not len(minima):
            continue
        order = minima[np.argsort(c[minima + 1], kind="stable")]
        k, best = order[0], c[order[0] + 1]
        winner[y, x] = best
        rival = min(c[order[1] + 1] if len(order) > 1 else np.inf, c[np.isfinite(c)].max())
        if not rival > best:
            continue
        confidence[y, x] = 1 - best / rival
        inverse_depth = w[k]
        if 0 < k < num - 1 and np.isfinite(c[[k, k + 2]]).all():
            a, b, _ = np.polyfit(w[k - 1 : k + 2] - w[k], c[k : k + 3], 2)
            inverse_depth = w[k] - b / (2 * a)
        depth[y, x] = 1 / inverse_depth
    return DepthMap(depth, confidence, winner)


def transfer(cameras: tuple, x: Array, y: Array, depth: Array) -> tuple[Array, Array, Array]:
    """Position and depth in a second camera of pixels of the first with these depths."""
    A, b = source_from_reference(*cameras)
    p = np.stack([x, y, np.ones_like(x)], -1) @ A.T * depth[..., None] + b
    with np.errstate(divide="ignore", invalid="ignore"):
        return p[..., 0] / p[..., 2], p[..., 1] / p[..., 2], p[..., 2]


def consistent(views: Sequence[View], depths: Sequence[Array], i: int, j: int, px: float, relative: float) -> Array:
    """Flat index of the pixel of view j that agrees with each pixel of view i, -1 for none (``consistent_pixel``)."""
    (height, width), (other_height, other_width) = depths[i].shape, depths[j].shape
    cameras = camera_of("i", views[i]), camera_of("j", views[j])
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    u, v, z = transfer(cameras, x, y, depths[i])
    seen = (depths[i] > 0) & (z > 0) & (u >= 0) & (v >= 0) & (u < other_width) & (v < other_height)
    u, v = np.where(seen, u, 0), np.where(seen, v, 0)
    index = np.floor(v).astype(int) * other_width + np.floor(u).astype(int)
    other = np.asarray(depths[j], np.float64).ravel()[index]
    back_x, back_y, back_z = transfer(cameras[::-1], u, v, other)
    close = (np.hypot(back_x - x, back_y - y) <= px) & (np.abs(back_z - depths[i]) <= relative * depths[i])
    return np.where(seen & (other > 0) & (back_z > 0) & close, index, -1)


def filter_depths(
    views: Sequence[View],
    depths: Sequence[Array],
    *,
    min_consistent: int = 2,
    max_reprojection_px: float = 1.0,
    max_relative_depth: float = 0.01,
) -> list[Array]:
    """As ``mvs.filter_depths``, every view confirmed by all others."""
    n, limits = len(views), (max_reprojection_px, max_relative_depth)
    kept = []
    for i in range(n):
        confirmed = sum(((consistent(views, depths, i, j, *limits) >= 0) for j in range(n) if j != i), np.zeros(1))
        kept.append(np.where(confirmed >= min_consistent, depths[i], 0))
    return kept


def fuse(
    views: Sequence[View],
    depths: Sequence[Array],
    *,
    min_consistent: int = 1,
    max_reprojection_px: float = 1.0,
    max_relative_depth: float = 0.01,
) -> tuple[Array, Array]:
    """Positions and colours as ``mvs.fuse``, pixel by pixel."""
    n = len(views)
    used = [np.zeros(depth.size, bool) for depth in depths]
    xyz, rgb = [], []
    for i in range(n):
        limits = (max_reprojection_px, max_relative_depth)
        partners = {j: consistent(views, depths, i, j, *limits).ravel() for j in range(n) if j != i}
        for pixel in np.flatnonzero(depths[i] > 0):
            members = [(j, p[pixel]) for j, p in partners.items() if p[pixel] >= 0 and not used[j][p[pixel]]]
            if used[i][pixel] or len(members) < min_consistent:
                continue
            members = [(i, pixel), *members]
            xyz.append(np.mean([_world_point(views[j], depths[j], p) for j, p in members], axis=0))
            rgb.append(np.mean([views[j].image.reshape(-1, 3)[p] for j, p in members], axis=0))
            for j, p in members:
                used[j][p] = True
    return np.array(xyz).reshape(-1, 3), np.array(rgb).reshape(-1, 3)


def _world_point(view: View, depth: Array, pixel: int) -> Array:
    K, pose = camera_of("view", view)
    y, x = np.unravel_index(pixel, depth.shape)
    point = np.linalg.solve(K, [x + 0.5, y + 0.5, 1]) * depth[y, x]
    return pose[:, :3].T @ (point - pose[:, 3])
