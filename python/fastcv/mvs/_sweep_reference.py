# SPDX-License-Identifier: Apache-2.0
"""The plane sweep in numpy float64: slow, readable, and what the kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .planes import DepthRange, SlantedPlanes
from .views import Array, View, camera_of, source_from_reference

Surfaces = ArrayLike | SlantedPlanes | DepthRange


def levels(view: View, channels: int) -> Array:
    """Intensities as 8-bit levels, (H, W, channels), NaN where masked; luma by ITU-R BT.601 for grey."""
    image = np.asarray(view.image)
    image = image if image.ndim == 3 else image[..., None]
    white = {"uint8": 255, "uint16": 65535}.get(image.dtype.name, 1)
    level = np.floor(image.astype(np.float64) * (255 / white) + 0.5)
    if image.shape[2] == 3 and channels == 1:
        level = np.floor((level @ [77, 150, 29] + 128) / 256)[..., None]
    if view.mask is None:
        return level
    # One of the 256 values means masked, so that black counts as the next one.
    return np.where(np.asarray(view.mask)[..., None] != 0, np.maximum(level, 1), np.nan)


def sample(image: Array, u: Array, v: Array) -> Array:
    """Bilinear samples of (H, W, C) at positions that count from the first pixel's centre; NaN outside.

    Positions are rounded to 1/128 pixel: by definition, for it decides what lies outside. A sample is NaN too where one
    of its four pixels is, whatever its weight.
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


def warp(reference: View, source: View, inverse_depth: ArrayLike, channels: int) -> Array:
    """What the source shows of each reference pixel on one surface, (H, W, channels); NaN where it does not see it."""
    height, width = reference.image.shape[:2]
    A, b = source_from_reference(camera_of("reference", reference), camera_of("source", source))
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    w = np.broadcast_to(inverse_depth, x.shape)[..., None]
    p = np.stack([x, y, np.ones_like(x)], -1) @ A.T + b * w
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = p[..., 0] / p[..., 2] - 0.5, p[..., 1] / p[..., 2] - 0.5
    hidden = ~((p[..., 2] > 0) & (w[..., 0] > 0))
    return sample(levels(source, channels), np.where(hidden, -1, u), np.where(hidden, -1, v))


def window_sum(image: Array, window: int) -> Array:
    """Sum over a square window clipped to the image, through a summed-area table (Crow 1984)."""
    radius = window // 2
    table = np.pad(np.pad(image, radius).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return table[window:, window:] - table[:-window, window:] - table[window:, :-window] + table[:-window, :-window]


def neighbors(image: Array, window: int) -> Array:
    """(window^2, H, W): what lies around each pixel, NaN outside of the image."""
    radius, (height, width) = window // 2, image.shape
    padded = np.pad(image, radius, constant_values=np.nan)
    return np.array([padded[v : v + height, u : u + width] for v in range(window) for u in range(window)])


def gradient_difference(r: Array, s: Array) -> tuple[Array, NDArray]:
    """Half of what central differences differ by, (H, W) levels, and whether the source sees what they need."""
    total, seen = np.zeros(r.shape), ~np.isnan(s)
    for axis in ([3, 5], [1, 7]):
        around_r, around_s = (neighbors(x, 3)[axis] for x in (r, s))
        seen &= (np.isnan(around_r) | ~np.isnan(around_s)).all(0)
        difference = np.abs((around_s[1] - around_s[0]) - (around_r[1] - around_r[0])) / 2
        total += np.where(np.isnan(around_r).any(0), 0, np.nan_to_num(difference)) / 2
    return total, seen


def source_cost(r: Array, s: Array, cost: str, window: int, truncation: float) -> Array:
    """Cost of one source on one surface from (H, W, C) levels; inf where a sample of the window is out of view."""
    inside = ~np.isnan(r[..., 0])
    n = np.where(inside, window_sum(inside.astype(float), window), 1)

    def unseen(samples: NDArray) -> NDArray:
        return ~inside | (window_sum((inside & ~samples).astype(float), window) > 0.5)

    def total(x: Array) -> Array:
        return window_sum(np.where(inside, np.nan_to_num(x), 0), window)

    if cost == "sad":
        difference = np.minimum(np.abs(r - s).sum(2), truncation * 255 * r.shape[2])
        return np.where(unseen(~np.isnan(s[..., 0])), np.inf, total(difference) / (n * 255 * r.shape[2]))
    r, s = r[..., 0] - 128, s[..., 0] - 128
    seen = ~np.isnan(s)
    if cost == "census":
        darker_r, darker_s = (neighbors(np.where(inside, x, np.nan), window) < x for x in (r, s))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (darker_r != darker_s).sum(0) / (n - 1)
        return np.where(unseen(seen) | (n < 2), np.inf, share)
    if cost == "gradient":
        difference, seen = gradient_difference(r, np.where(inside, s, 0))
        difference = np.minimum(difference, truncation * 255)
        return np.where(unseen(seen), np.inf, total(difference) / (n * 255))
    sum_r, sum_s = total(r), total(s)
    # n^2 times the (co)variances. No texture is below a grey level of deviation: no cost for such a reference window.
    var_r = n * total(r * r) - sum_r**2
    var_s = np.maximum(n * total(s * s) - sum_s**2, n**2)
    ncc = (n * total(r * s) - sum_r * sum_s) / np.sqrt(np.maximum(var_r, n**2) * var_s)
    return np.where(unseen(seen) | (var_r < n**2), np.inf, 1 - ncc)


def inverse_depths(reference: View, depths: Surfaces) -> list[Array]:
    """Of every pixel on every surface, NaN or not positive where there is none."""
    height, width = reference.image.shape[:2]
    if isinstance(depths, SlantedPlanes):
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(np.asarray(reference.K, np.float64)).T
        return [rays @ np.asarray(depths.normal, np.float64) / offset for offset in np.asarray(depths.offsets)]
    if isinstance(depths, DepthRange):
        near, far = (1 / np.asarray(bound, np.float64) for bound in (depths.near, depths.far))
        return [near + (far - near) * t for t in np.linspace(0, 1, depths.num)]
    return [np.full((height, width), 1 / depth) for depth in np.asarray(depths, np.float64)]


def plane_sweep(
    reference: View,
    sources: Sequence[View],
    depths: Surfaces,
    *,
    cost: str = "ncc",
    window: int = 7,
    num_best: int | None = None,
    weights: ArrayLike | None = None,
    truncation: float = 0.25,
) -> tuple[Array, NDArray]:
    """As ``mvs.plane_sweep``, with exact intensities: costs, and how many sources see each pixel."""
    num_best = (len(sources) + 1) // 2 if num_best is None else num_best
    channels = 3 if cost == "sad" and all(v.image.ndim == 3 for v in [reference, *sources]) else 1
    weight = np.ones(len(sources)) if weights is None else np.asarray(weights, np.float64)
    r = levels(reference, channels)
    volume, seen = [], []
    for w in inverse_depths(reference, depths):
        warped = [warp(reference, source, w, channels) for source in sources]
        costs = np.array([source_cost(r, s, cost, window, truncation) for s in warped])
        order = np.argsort(costs, axis=0, kind="stable")[:num_best]
        best = np.take_along_axis(costs, order, 0)
        of_best = np.where(np.isfinite(best), weight[order], 0)
        total = of_best.sum(0)
        mean = (np.where(np.isfinite(best), best, 0) * of_best).sum(0) / np.where(total > 0, total, 1)
        volume.append(np.where(total > 0, mean, np.nan))
        seen.append(np.isfinite(costs).sum(0))
    return np.array(volume), np.array(seen)
