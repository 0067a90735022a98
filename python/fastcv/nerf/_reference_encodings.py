# SPDX-License-Identifier: Apache-2.0
"""The frequency encoding and spherical harmonics in numpy float64: slow, readable, straight from the definitions."""

from __future__ import annotations

from math import factorial, pi, sqrt

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray


def frequency_encoding(points: NDArray, weights: NDArray, include_input: bool = False) -> NDArray:
    """Features of points (N, D); octave k with weights[k] (Mildenhall et al. 2020, eq. 4)."""
    half_turns = np.mod(points[:, :, None] * 2.0 ** np.arange(len(weights)), 2)  # exact
    waves = np.stack([np.sin(pi * half_turns), np.cos(pi * half_turns)], -1) * np.asarray(weights)[:, None]
    waves = waves.reshape(len(points), points.shape[1] * 2 * len(weights))
    return np.concatenate([points, waves], 1) if include_input else waves


def frequency_encoding_vjp(points: NDArray, weights: NDArray, grad: NDArray, include_input: bool = False) -> NDArray:
    """The gradient by the points: that of sin(a x) is a cos(a x), that of cos(a x) is -a sin(a x)."""
    n, dims = points.shape
    by_input, by_waves = (grad[:, :dims], grad[:, dims:]) if include_input else (0.0, grad)
    waves = frequency_encoding(points, weights).reshape(n, dims, len(weights), 2)
    by_waves = by_waves.reshape(waves.shape)
    slopes = by_waves[..., 0] * waves[..., 1] - by_waves[..., 1] * waves[..., 0]
    return by_input + (pi * 2.0 ** np.arange(len(weights)) * slopes).sum(-1)


def _order(directions: NDArray, band: int, order: int) -> tuple[NDArray, NDArray]:
    """Y and its derivatives (N, 3) for one band l and order m."""
    x, y, z = directions.T
    m = abs(order)
    # N d^m P_l / dz^m times Re or Im of (x + i y)^m, with the Condon-Shortley phase.
    norm = (-1) ** m * sqrt((2 * band + 1) / (4 * pi) * factorial(band - m) / factorial(band + m))
    norm *= sqrt(2) if m else 1
    polynomial = legendre.Legendre.basis(band).deriv(m)
    q, dq = norm * polynomial(z), norm * polynomial.deriv()(z)
    power, lower = (x + 1j * y) ** m, m * (x + 1j * y) ** max(m - 1, 0)
    part = np.real if order >= 0 else np.imag
    return q * part(power), np.stack([q * part(lower), q * part(1j * lower), dq * part(power)], -1)


def spherical_harmonics(directions: NDArray, degree: int) -> NDArray:
    """Values (N, degree^2)."""
    pairs = [(band, order) for band in range(degree) for order in range(-band, band + 1)]
    return np.stack([_order(directions, *pair)[0] for pair in pairs], -1)


def spherical_harmonics_jacobian(directions: NDArray, degree: int) -> NDArray:
    """Derivatives (N, degree^2, 3) of the values by the directions."""
    pairs = [(band, order) for band in range(degree) for order in range(-band, band + 1)]
    return np.stack([_order(directions, *pair)[1] for pair in pairs], 1)
