# SPDX-License-Identifier: Apache-2.0
"""Paths from noise to data: x_t = alpha(t) data + sigma(t) noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Path:
    """How data and noise mix at a time t: x_t = α(t) data + σ(t) noise, in float64.

    The ratio σ / α must fall all the way from ``t_noise`` to ``t_data``, whichever of them is larger.

    Parameters
    ----------
    alpha, sigma : callable
        Of arrays of times, vectorised.
    t_noise, t_data : float
        Where the path begins and ends.
    alpha_dot, sigma_dot : callable, optional
        Derivatives by t; differences of second order by default, good to about 1e-9.

    Examples
    --------
    The straight path of flow matching, by hand and ready-made:

    >>> from fastcv.generative import Path
    >>> path = Path(lambda t: t, lambda t: 1 - t, t_noise=0, t_data=1)
    >>> path.alpha(0.25), path.sigma(0.25), Path.conditional_ot().sigma(0.25)
    (0.25, 0.75, 0.75)
    """

    alpha: Function
    sigma: Function
    t_noise: float
    t_data: float
    alpha_dot: Function | None = None
    sigma_dot: Function | None = None

    @classmethod
    def conditional_ot(cls, sigma_min: float = 0.0) -> Path:
        """α = t, σ = 1 - (1 - sigma_min) t, from noise at 0 to data at 1: flow matching's straight lines.

        With ``sigma_min`` 0 it is the path of rectified flow. Source: Lipman et al. 2023, "Flow matching for generative
        modeling", eq. 20; Liu et al. 2023, "Flow straight and fast".
        """
        if not 0 <= sigma_min < 1:
            raise ValueError(f"sigma_min: expected 0 to 1, got {sigma_min}")
        slope = sigma_min - 1.0
        return cls(
            lambda t: t * 1.0, lambda t: 1.0 + slope * t, 0.0, 1.0, np.ones_like, lambda t: np.full_like(t, slope)
        )

    @classmethod
    def vp(cls, beta_min: float = 0.1, beta_max: float = 20.0) -> Path:
        """The variance-preserving SDE with β(t) from ``beta_min`` to ``beta_max``: data at 0, noise at 1.

        Source: Song et al. 2021, "Score-based generative modeling through stochastic differential equations", eq. 33.
        """
        if not 0 < beta_min <= beta_max:
            raise ValueError(f"beta_max: expected at least beta_min > 0, got {beta_min} and {beta_max}")

        def exponent(t: Any) -> Any:
            return -0.25 * t * t * (beta_max - beta_min) - 0.5 * t * beta_min

        def alpha(t: Any) -> Any:
            return np.exp(exponent(t))

        def sigma(t: Any) -> Any:
            return np.sqrt(-np.expm1(2 * exponent(t)))

        def half_beta(t: Any) -> Any:
            return 0.5 * (beta_min + t * (beta_max - beta_min))

        def sigma_dot(t: Any) -> Any:
            with np.errstate(divide="ignore"):  # infinite at data
                return half_beta(t) * alpha(t) ** 2 / sigma(t)

        return cls(alpha, sigma, 1.0, 0.0, lambda t: -half_beta(t) * alpha(t), sigma_dot)

    @classmethod
    def ve(cls, sigma_max: float = 80.0) -> Path:
        """α = 1, σ = t, from noise at ``sigma_max`` to data at 0: the variance-exploding path in Karras' time.

        Source: Karras et al. 2022, "Elucidating the design space of diffusion-based generative models", tab. 1.
        """
        if not 0 < sigma_max < np.inf:
            raise ValueError(f"sigma_max: expected a positive number, got {sigma_max}")
        return cls(np.ones_like, lambda t: t * 1.0, float(sigma_max), 0.0, np.zeros_like, np.ones_like)

    @classmethod
    def from_betas(cls, betas: ArrayLike) -> Path:
        """The path of a discrete schedule: t = 0 … T - 1 are its steps, T - 1 the noisiest, and t = -1 is data.

        ᾱ_t = Π (1 - β), α = √ᾱ and σ = √(1 - ᾱ); between steps the angle of (α, σ) is interpolated. Source: Ho et al.
        2020, "Denoising diffusion probabilistic models", eq. 4.
        """
        values = np.asarray(betas, np.float64)
        if values.ndim != 1 or len(values) == 0 or not ((values > 0) & (values <= 1)).all():
            raise ValueError(f"betas: expected numbers above 0 and up to 1 in one dimension, got shape {values.shape}")
        kept = np.cumprod(1 - values)
        angles = np.r_[0.0, np.arctan2(np.sqrt(1 - kept), np.sqrt(kept))]
        steps = np.arange(-1, len(values))
        # cos(π/2) is not 0, but a schedule without signal at its end means none.
        cosines = np.r_[1.0, np.sqrt(kept)]

        def alpha(t: Any) -> Any:
            index = np.clip(np.rint(np.asarray(t, np.float64)).astype(np.int64) + 1, 0, len(values))
            return np.where(steps[index] == t, cosines[index], np.cos(np.interp(t, steps, angles)))

        return cls(alpha, lambda t: np.sin(np.interp(t, steps, angles)), len(values) - 1.0, -1.0)

    def reversed(self) -> Path:
        """The same path with time running the other way: t becomes t_noise + t_data - t."""
        total = self.t_noise + self.t_data
        dots = [
            None if dot is None else (lambda t, dot=dot: -dot(total - t)) for dot in (self.alpha_dot, self.sigma_dot)
        ]
        return Path(lambda t: self.alpha(total - t), lambda t: self.sigma(total - t), self.t_data, self.t_noise, *dots)

    def at(self, t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """α and σ at these times, checked."""
        alpha, sigma = (np.broadcast_to(np.asarray(f(t), np.float64), t.shape) for f in (self.alpha, self.sigma))
        if not (np.isfinite(alpha) & np.isfinite(sigma) & (alpha >= 0) & (sigma >= 0) & (alpha + sigma > 0)).all():
            raise ValueError("times: expected times at which alpha and sigma are finite, at least 0 and not both 0")
        return alpha, sigma

    def derivatives(self, t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """dα/dt and dσ/dt at these times."""
        pairs = ((self.alpha, self.alpha_dot), (self.sigma, self.sigma_dot))
        alpha_dot, sigma_dot = (
            np.broadcast_to(np.asarray(self._difference(f, t) if dot is None else dot(t), np.float64), t.shape)
            for f, dot in pairs
        )
        return alpha_dot, sigma_dot

    def noise_ratio(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """σ / α, infinite where α is 0."""
        alpha, sigma = self.at(t)
        with np.errstate(divide="ignore"):
            return sigma / alpha

    def time_at(self, noise_ratio: ArrayLike) -> NDArray[np.float64]:
        """The times at which σ / α has these values, within the path; its ends for values beyond.

        Examples
        --------
        >>> from fastcv.generative import Path
        >>> Path.conditional_ot().time_at([1.0, 3.0])
        array([0.5 , 0.25])
        """
        wanted = np.asarray(noise_ratio, np.float64)
        if not (wanted >= 0).all():
            raise ValueError("noise_ratio: expected numbers from 0, got others")
        noisy, clean = np.full(wanted.shape, float(self.t_noise)), np.full(wanted.shape, float(self.t_data))
        for _ in range(200):  # bisection, until the interval is two neighbouring numbers
            middle = 0.5 * (noisy + clean)
            too_noisy = self.noise_ratio(middle) > wanted
            noisy, clean = np.where(too_noisy, middle, noisy), np.where(too_noisy, clean, middle)
        return np.where(wanted >= self.noise_ratio(noisy), noisy, clean)

    def _difference(self, f: Function, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of second order, within the path: its functions need not exist beyond."""
        low, high = sorted((self.t_noise, self.t_data))
        h = 1e-5 * (high - low)
        before, after = np.clip(t, low + h, high - h) - h, np.clip(t, low + h, high - h) + h
        middle = 0.5 * (before + after)
        values = [np.asarray(f(place), np.float64) for place in (before, middle, after)]
        slope, curvature = (values[2] - values[0]) / (2 * h), (values[0] - 2 * values[1] + values[2]) / (h * h)
        return slope + curvature * (t - middle)
