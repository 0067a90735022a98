# SPDX-License-Identifier: Apache-2.0
"""Noise schedules of discrete diffusion, and grids of noise levels and times for sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def linear_betas(num_steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Floats:
    """β from ``beta_start`` to ``beta_end`` in equal steps. Source: Ho et al. 2020, sec. 4."""
    return np.linspace(beta_start, beta_end, _count("num_steps", num_steps))


def scaled_linear_betas(num_steps: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012) -> Floats:
    """β whose square roots go in equal steps. Source: Rombach et al. 2022, "High-resolution image synthesis with latent
    diffusion models", published configurations."""
    return np.linspace(beta_start**0.5, beta_end**0.5, _count("num_steps", num_steps)) ** 2


def cosine_betas(num_steps: int = 1000, offset: float = 0.008, max_beta: float = 0.999) -> Floats:
    """β of ᾱ(t) ~ cos² of a quarter turn. Source: Nichol & Dhariwal 2021, "Improved denoising diffusion probabilistic
    models", eq. 17."""
    t = np.arange(_count("num_steps", num_steps) + 1) / num_steps
    kept = np.cos((t + offset) / (1 + offset) * np.pi / 2) ** 2
    return np.minimum(1 - kept[1:] / kept[:-1], max_beta)


def zero_terminal_snr(betas: ArrayLike) -> Floats:
    """The schedule shifted and scaled so that no signal is left at its last step.

    Source: Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed", algorithm 1.

    Examples
    --------
    >>> from fastcv.generative import Path, linear_betas, zero_terminal_snr
    >>> path = Path.from_betas(zero_terminal_snr(linear_betas()))
    >>> float(path.alpha(999.0)), float(path.sigma(999.0))
    (0.0, 1.0)
    """
    signal = np.sqrt(np.cumprod(1 - np.asarray(betas, np.float64)))
    if signal.ndim != 1 or len(signal) < 2:
        raise ValueError(f"betas: expected two numbers or more in one dimension, got shape {signal.shape}")
    signal = (signal - signal[-1]) * (signal[0] / (signal[0] - signal[-1]))
    kept = signal**2
    return 1 - np.r_[kept[:1], kept[1:] / kept[:-1]]


def karras(num: int, smallest: float, largest: float, rho: float = 7.0) -> Floats:
    """``num`` noise levels from ``largest`` to ``smallest``, even in their 1/rho-th powers, and then 0.

    Source: Karras et al. 2022, eq. 5.

    Examples
    --------
    >>> from fastcv.generative import karras
    >>> karras(4, 0.1, 10.0)
    array([10.      ,  2.93412 ,  0.662886,  0.1     ,  0.      ])
    """
    return _levels(
        num, smallest, largest, lambda u: (largest ** (1 / rho) * (1 - u) + smallest ** (1 / rho) * u) ** rho
    )


def exponential(num: int, smallest: float, largest: float) -> Floats:
    """``num`` noise levels from ``largest`` to ``smallest`` in equal ratios, and then 0."""
    return polyexponential(num, smallest, largest, 1.0)


def polyexponential(num: int, smallest: float, largest: float, rho: float = 1.0) -> Floats:
    """``num`` noise levels whose logarithms go from ``largest`` to ``smallest`` as (1 - u)^rho, and then 0."""
    return _levels(num, smallest, largest, lambda u: smallest * (largest / smallest) ** ((1 - u) ** rho))


def shift_times(t: ArrayLike, shift: float) -> Any:
    """Times of a straight path (noise at 0, data at 1) moved towards noise: 1 - t' = s (1 - t) / (1 + (s - 1)(1 - t)).

    Source: Esser et al. 2024, "Scaling rectified flow transformers for high-resolution image synthesis", eq. 23.

    Examples
    --------
    >>> from fastcv.generative import shift_times
    >>> shift_times(np.linspace(0, 1, 5), 3.0)
    array([0.  , 0.1 , 0.25, 0.5 , 1.  ])
    """
    if not shift > 0:
        raise ValueError(f"shift: expected a positive number, got {shift}")
    noise = 1 - np.asarray(t, np.float64)
    return 1 - shift * noise / (1 + (shift - 1) * noise)


def _count(name: str, number: int) -> int:
    if number < 1:
        raise ValueError(f"{name}: expected 1 or more, got {number}")
    return number


def _levels(num: int, smallest: float, largest: float, level: Any) -> Floats:
    if not 0 < smallest <= largest < np.inf:
        raise ValueError(f"smallest: expected 0 < smallest <= largest, got {smallest} and {largest}")
    return np.r_[level(np.linspace(0, 1, _count("num", num))), 0.0]
