# SPDX-License-Identifier: Apache-2.0
"""Volume rendering in numpy float64, sample after sample: slow, readable, and with derivatives by complex steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_OPACITY = 2.0**-23


def render(
    densities: NDArray,
    starts: NDArray,
    ends: NDArray,
    offsets: NDArray,
    colors: NDArray,
    background: NDArray | None = None,
    early_stop: float = 0.0,
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Colours (R, C), depths, opacities (R,) and weights (S,); the background is (R, C). Max 1995, eq. 6 and 7."""
    rays = len(offsets) - 1
    kind = np.result_type(densities, starts, ends, colors, 0.0 if background is None else background)
    color, depth = np.zeros((rays, colors.shape[1]), kind), np.zeros(rays, kind)
    opacity, weights = np.zeros(rays, kind), np.zeros(len(densities), kind)
    for ray in range(rays):
        optical_depth: Any = 0.0
        for i in range(offsets[ray], offsets[ray + 1]):
            light = np.exp(-optical_depth)
            if light.real < early_stop:
                break
            own = densities[i] * (ends[i] - starts[i])
            own = own if densities[i].real > 0 and ends[i].real > starts[i].real else 0 * own
            weights[i] = light * -np.expm1(-own)
            optical_depth = optical_depth + own
            color[ray] += weights[i] * colors[i]
            depth[ray] += weights[i] * (starts[i] + ends[i]) / 2
        opacity[ray] = -np.expm1(-optical_depth)
        depth[ray] /= opacity[ray] if opacity[ray].real > LEAST_OPACITY else LEAST_OPACITY
        if background is not None:
            color[ray] += np.exp(-optical_depth) * background[ray]
    return color, depth, opacity, weights


def distortion_loss(weights: NDArray, starts: NDArray, ends: NDArray, offsets: NDArray) -> NDArray:
    """For each ray. Barron et al. 2022, eq. 15, in quadratic time as it stands there."""
    result = []
    for ray in range(len(offsets) - 1):
        own = slice(offsets[ray], offsets[ray + 1])
        w, middle, length = weights[own], (starts[own] + ends[own]) / 2, ends[own] - starts[own]
        distances = middle[:, None] - middle
        distances = np.where(distances.real < 0, -distances, distances)
        result.append(w @ distances @ w + (w * w * length).sum() / 3)
    return np.array(result)
