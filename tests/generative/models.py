# SPDX-License-Identifier: Apache-2.0
"""Models in closed form: what a perfect network predicts for a Gaussian and a mixture of two, and exact solutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastcv.generative import Path

MEAN, DEVIATION = 0.7, 0.4

PATHS = {"straight": Path.conditional_ot(), "vp": Path.vp(), "ve": Path.ve()}
# From much noise to little, where nothing is singular.
ENDS = {"straight": (0.05, 0.95), "vp": (0.8, 0.05), "ve": (10.0, 0.1)}


def gaussian_data(path: Path, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """E[data | x] for data from N(MEAN, DEVIATION²)."""
    alpha, sigma = path.at(np.asarray(t, np.float64))
    variance = (alpha * DEVIATION) ** 2 + sigma**2
    return MEAN + alpha * DEVIATION**2 / variance * (x - alpha * MEAN)


def mixture_data(path: Path, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """E[data | x] for data from N(1, 0.3²) and N(-1, 0.5²) in equal parts."""
    alpha, sigma = path.at(np.asarray(t, np.float64))
    weights, means = [], []
    for mean, deviation in ((1.0, 0.3), (-1.0, 0.5)):
        variance = (alpha * deviation) ** 2 + sigma**2
        weights.append(np.exp(-((x - alpha * mean) ** 2) / (2 * variance)) / np.sqrt(variance))
        means.append(mean + alpha * deviation**2 / variance * (x - alpha * mean))
    return (weights[0] * means[0] + weights[1] * means[1]) / (weights[0] + weights[1])


def predictor(path: Path, prediction: str, data: Callable[..., np.ndarray] = gaussian_data) -> Callable[..., Any]:
    """A model that predicts this of the closed form: written out for each prediction, on (B, D) arrays."""

    def model(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        t = np.asarray(t, np.float64)[:, None]
        alpha, sigma = path.at(t)
        estimate = data(path, x, t)
        if prediction == "data":
            return estimate
        noise = (x - alpha * estimate) / sigma
        if prediction == "epsilon":
            return noise
        if prediction == "v":
            return alpha * noise - sigma * estimate
        if prediction == "score":
            return -noise / sigma
        alpha_dot, sigma_dot = path.derivatives(t)
        return alpha_dot * estimate + sigma_dot * noise

    return model


def exact(path: Path, x: np.ndarray, start: float, end: float) -> np.ndarray:
    """The Gaussian's probability flow from x at ``start``: (x - α mean) / deviation of x_t does not change."""
    (a0, a1), (s0, s1) = path.at(np.array([start, end]))
    before, after = np.hypot(a0 * DEVIATION, s0), np.hypot(a1 * DEVIATION, s1)
    return a1 * MEAN + after / before * (x - a0 * MEAN)
