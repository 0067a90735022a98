# SPDX-License-Identifier: Apache-2.0
"""The room's ops in numpy float64: slow, readable, and what the kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .views import DepthMap, View, camera_of, source_from_reference

Array = NDArray[np.float64]


def levels(image: NDArray, channels: int) -> Array:
    """Intensities as 8-bit levels, (H, W, channels); luma by ITU-R BT.601 where colour becomes grey."""
    image = image if image.ndim == 3 else image[..., None]
    level = image.astype(np.float64) if image.dtype == np.uint8 else np.floor(image.astype(np.float64) * 255 + 0.5)
    if image.shape[2] == 3 and channels == 1:
        level = np.floor((level @ [77, 150, 29] + 128) / 256)[..., None]
    return level


def sample(image: Array, u: Array, v: Array) -> Array:
    """Bilinear samples of (H, W, C) at positions that count from the first pixel's centre; NaN outside.

    Positions are rounded to 1/128 pixel: by definition, for it decides what lies outside.
    """
    height, width = image.shape[:2]
    u, v = np.floor(u * 128 + 0.5) / 128, np.floor(v * 128 + 0.5) / 128
    inside = (u >= 0) & (u <= width - 1) & (v >= 0) & (v <= height - 1)
    u, v = np.where(inside, u, 0), np.where(inside, v, 0)
    x, y = np.floor(u).astype(int), np.floor(v).astype(int)
    x1, y1 = np.minimum(x + 1, width - 1), np.minimum(y + 1, height - 1)
    fx, fy = (u - x)[..., None], (v - y)[..., None]
    top = image[y, x] * (1 - fx) + image[y, x1] * fx
    bottom = image[y1, x] * (1 - fx) + image[y1, x1] * fx
    return np.where(inside[..., None], top * (1 - fy) + bottom * fy, np.nan)


def warp(reference: View, source: View, depth: float, channels: int) -> Array:
    """What the source shows of each reference pixel on one plane, (H, W, channels); NaN where it does not see it."""
    height, width = reference.image.shape[:2]
    A, b = source_from_reference(camera_of("reference", reference), camera_of("source", source))
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    p = np.stack([x, y, np.ones_like(x)], -1) @ A.T + b / depth
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = p[..., 0] / p[..., 2] - 0.5, p[..., 1] / p[..., 2] - 0.5
    behind = p[..., 2] <= 0
    return sample(levels(source.image, channels), np.where(behind, -1, u), v)


def window_sum(image: Array, window: int) -> Array:
    """Sum over a square window clipped to the image, through a summed-area table (Crow 1984)."""
    radius = window // 2
    table = np.pad(np.pad(image, radius).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return table[window:, window:] - table[:-window, window:] - table[window:, :-window] + table[:-window, :-window]


def source_cost(r: Array, s: Array, cost: str, window: int, truncation: float) -> Array:
    """Cost of one source on one plane from (H, W, C) levels; inf where a sample of the window is out of view."""
    unseen = window_sum(np.isnan(s[..., 0]).astype(float), window) > 0.5
    n = window_sum(np.ones(r.shape[:2]), window)
    s = np.nan_to_num(s)
    if cost == "sad":
        difference = np.minimum(np.abs(r - s).sum(2), truncation * 255 * r.shape[2])
        value = window_sum(difference, window) / (n * 255 * r.shape[2])
        return np.where(unseen, np.inf, value)
    r, s = r[..., 0] - 128, s[..., 0] - 128
    sum_r, sum_s = window_sum(r, window), window_sum(s, window)
    # n^2 times the (co)variances. No texture is below a grey level of deviation: no cost for such a reference window.
    var_r = n * window_sum(r * r, window) - sum_r**2
    var_s = np.maximum(n * window_sum(s * s, window) - sum_s**2, n**2)
    ncc = (n * window_sum(r * s, window) - sum_r * sum_s) / np.sqrt(np.maximum(var_r, n**2) * var_s)
    return np.where(unseen | (var_r < n**2), np.inf, 1 - ncc)


def plane_sweep(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    *,
    cost: str = "ncc",
    window: int = 7,
    num_best: int | None = None,
    truncation: float = 0.25,
) -> Array:
    """As ``mvs.plane_sweep``, with exact intensities."""
    num_best = (len(sources) + 1) // 2 if num_best is None else num_best
    channels = 3 if cost == "sad" and all(v.image.ndim == 3 for v in [reference, *sources]) else 1
    r = levels(reference.image, channels)
    volume = []
    for depth in np.asarray(depths, np.float64):
        costs = [source_cost(r, warp(reference, s, depth, channels), cost, window, truncation) for s in sources]
        best = np.sort(costs, axis=0)[:num_best]
        count = np.isfinite(best).sum(0)
        volume.append(np.where(count > 0, np.where(np.isfinite(best), best, 0).sum(0) / np.maximum(count, 1), np.nan))
    return np.array(volume)


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
