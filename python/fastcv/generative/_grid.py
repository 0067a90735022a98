# SPDX-License-Identifier: Apache-2.0
"""A grid of times with what solvers compute from it: noise levels, their ratio, its logarithm, conversions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .path import Path
from .prediction import conversion

Floats = NDArray[np.float64]


def check_times(times: ArrayLike, path: Path) -> Floats:
    """(S + 1, 1 or B): strictly monotonic, all samples the same way, within the path."""
    grid = np.asarray(times, np.float64)
    if grid.ndim not in (1, 2) or grid.shape[-1] < 2 or grid.size == 0:
        raise ValueError(f"times: expected shape (S + 1,) or (B, S + 1) with S >= 1, got {grid.shape}")
    if not np.isfinite(grid).all():
        raise ValueError("times: expected finite numbers, got others")
    low, high = sorted((path.t_noise, path.t_data))
    if grid.min() < low or grid.max() > high:
        raise ValueError(f"times: expected numbers from {low:g} to {high:g}, got {grid.min():g} to {grid.max():g}")
    differences = np.diff(grid)
    if (differences == 0).any():
        at = np.argwhere(differences == 0)[0][-1]
        raise ValueError(f"times: expected distinct neighbours, got the same time at places {at} and {at + 1}")
    if len(set(np.sign(differences).ravel().tolist())) != 1:
        raise ValueError("times: expected times that only rise or only fall, got both")
    return np.atleast_2d(grid).T.copy()


class Grid:
    """Times (S + 1, R) on a path and what a model's prediction says of data and noise there."""

    def __init__(self, path: Path, times: Floats, prediction: str):
        self.path, self.times, self.prediction = path, times, prediction
        self.alpha, self.sigma = path.at(times)
        with np.errstate(divide="ignore"):
            self.log_snr = np.log(self.alpha) - np.log(self.sigma)  # λ, half the logarithm of the ratio of variances

    @property
    def num_steps(self) -> int:
        return len(self.times) - 1

    def levels(self, n: int) -> tuple[Floats, Floats, Floats, Floats]:
        """α, σ at the start of step n and at its end."""
        return self.alpha[n], self.sigma[n], self.alpha[n + 1], self.sigma[n + 1]

    def step_size(self, n: int) -> Floats:
        """h, the growth of λ in step n; infinite from pure noise and to clean data."""
        return self.log_snr[n + 1] - self.log_snr[n]

    def terms(self, t: Floats, target: str, name: str) -> dict[str | int, Any]:
        """The target at times t by the model's output there, called with the array ``name``."""
        a, b = conversion(self.path, t, self.prediction, target)
        if not (np.isfinite(a) & np.isfinite(b)).all():
            alpha, sigma = self.path.at(t)
            at = "alpha" if (alpha == 0).any() else "sigma"
            raise ValueError(
                f"times: expected none with {at} = 0 where {self.prediction} must give {target}; "
                f"got t = {t[np.argmin(alpha if at == 'alpha' else sigma)]:g}"
            )
        return {"model": b, name: a}

    def converts(self, t: Floats, target: str) -> bool:
        """Whether the prediction determines the target at all of these times."""
        return all(np.isfinite(values).all() for values in conversion(self.path, t, self.prediction, target))
