# SPDX-License-Identifier: Apache-2.0
"""Volumes of features in numpy float64: slow, readable, and what the kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .feature_volume import FeatureVolume
from .views import View, camera_of, source_from_reference

Array = NDArray[np.float64]

BORDER = 1 / 1024  # pixels


def sample(features: Array, u: Array, v: Array) -> Array:
    """Bilinear samples of (C, H, W) at positions that count from the first pixel's centre; NaN outside.

    Positions outside by less than 1/1024 pixel are on the border: by definition, for it decides what lies outside.
    """
    height, width = features.shape[1:]
    inside = (abs(u - (width - 1) / 2) <= (width - 1) / 2 + BORDER) & (
        abs(v - (height - 1) / 2) <= (height - 1) / 2 + BORDER
    )
    u = np.clip(np.where(inside, u, 0), 0, width - 1)
    v = np.clip(np.where(inside, v, 0), 0, height - 1)
    x, y = np.floor(u).astype(int), np.floor(v).astype(int)
    x1, y1 = np.minimum(x + 1, width - 1), np.minimum(y + 1, height - 1)
    top = features[:, y, x] * (1 - (u - x)) + features[:, y, x1] * (u - x)
    bottom = features[:, y1, x] * (1 - (u - x)) + features[:, y1, x1] * (u - x)
    return np.where(inside, top * (1 - (v - y)) + bottom * (v - y), np.nan)


def warp(reference: View, source: View, depth: Array) -> Array:
    """What the source shows of every reference pixel at its depth, (C, H, W); NaN where it does not see it."""
    A, b = source_from_reference(camera_of("reference", reference), camera_of("source", source))
    x, y = np.meshgrid(*(np.arange(n) + 0.5 for n in depth.shape[::-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.stack([x, y, np.ones_like(x)], -1) @ A.T + b / depth[..., None]
        u, v = p[..., 0] / p[..., 2] - 0.5, p[..., 1] / p[..., 2] - 0.5
    in_front = (p[..., 2] > 0) & (depth > 0)
    return sample(source.image.astype(np.float64), np.where(in_front, u, -1), v)


def feature_volume(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    *,
    reduce: str = "variance",
    num_groups: int | None = None,
) -> FeatureVolume:
    """As ``mvs.feature_volume``."""
    r = reference.image.astype(np.float64)
    volume, num_seen = [], []
    for depth in np.asarray(depths, np.float64):
        depth_map = np.broadcast_to(depth, r.shape[1:])
        samples = np.array([warp(reference, source, depth_map) for source in sources])  # (S, C, H, W)
        seen = np.isfinite(samples[:, 0]).sum(0)
        if reduce == "variance":
            value = np.nanvar([r, *samples], axis=0)
        else:
            value = r * np.nansum(samples, axis=0) / np.maximum(seen, 1)
        grouped = value.reshape(num_groups or 1, -1, *seen.shape).mean(1)
        volume.append(np.where(seen > 0, grouped, 0))
        num_seen.append(seen)
    values = np.moveaxis(np.array(volume), 1, -1)
    return FeatureVolume(values[..., 0] if num_groups is None else values, np.array(num_seen))
