# SPDX-License-Identifier: Apache-2.0
"""DDIM and its noisy kin, DPM-Solver++ and UniPC as tables, on any path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._grid import Grid
from ._names import known
from .table import NOISE, Row, Stage

Floats = NDArray[np.float64]
Terms = dict[str | int, Any]


def data_row(grid: Grid, n: int, target: str | None, clip: float | None) -> Row:
    """The data as the model sees it at the start of step n."""
    return Row(target, grid.terms(grid.times[n], "data", "x"), np.inf if clip is None else clip)


def ddim(grid: Grid, eta: float = 0.0, clip: float | None = None) -> list[Stage]:
    """x' = α' data + √(σ'² - s²) noise + s z, where s is eta times the deviation of the path's posterior.

    Source: Song, Meng, Ermon 2021, "Denoising diffusion implicit models", eq. 12; for any path the posterior of Kingma
    et al. 2021, "Variational diffusion models", eq. 25.
    """
    if not eta >= 0:
        raise ValueError(f"eta: expected 0 or more, got {eta}")
    stages = []
    for n in range(grid.num_steps):
        alpha, sigma, alpha_end, sigma_end = grid.levels(n)
        posterior = posterior_deviation(alpha, sigma, alpha_end, sigma_end) if eta else np.zeros_like(sigma)
        s = np.minimum(eta * posterior, sigma_end)
        # The noise is (x - α data) / σ, with the data as clipped.
        of_x = np.sqrt(sigma_end**2 - s**2) / require_noise(sigma)
        terms: Terms = {"x": of_x, 0: alpha_end - of_x * alpha}
        if s.any():
            terms[NOISE] = s
        stages.append(Stage((data_row(grid, n, None, clip), Row("x", terms)), "x", grid.times[n], n, n))
    return stages


def ddpm(grid: Grid, variance: str = "small", clip: float | None = None) -> list[Stage]:
    """The mean of the posterior with its own variance ("small"), or with that of the forward step ("large").

    Source: Ho et al. 2020, eq. 7 and sec. 3.2. With "small" it is DDIM with eta 1 and Euler's ancestral method.
    """
    known("variance", variance, ("small", "large"))
    stages = ddim(grid, 1.0, clip)
    if variance == "small":
        return stages
    for n in range(grid.num_steps):
        alpha, sigma, alpha_end, sigma_end = grid.levels(n)
        forward = np.sqrt(np.maximum(sigma**2 - (alpha / alpha_end * sigma_end) ** 2, 0))
        data, x = stages[n].rows
        terms = x.terms | {NOISE: np.where(sigma_end > 0, forward, 0)}  # none at the end
        stages[n] = Stage((data, Row("x", terms)), "x", stages[n].time, n, n)
    return stages


def posterior_deviation(alpha: Floats, sigma: Floats, alpha_end: Floats, sigma_end: Floats) -> Floats:
    """Standard deviation of x at the end of a step, given the data and x at its start."""
    with np.errstate(divide="ignore"):
        forward = sigma**2 - (alpha / alpha_end * sigma_end) ** 2
    if not (forward >= 0).all():
        raise ValueError("times: expected times towards data for a solver that adds noise, got times towards noise")
    return sigma_end / require_noise(sigma) * np.sqrt(forward)


def require_noise(sigma: Floats) -> Floats:
    if (sigma == 0).any():
        raise ValueError("times: expected sigma > 0 wherever a step starts, got clean data")
    return sigma


def _ratio(h: Floats, h_other: Floats) -> Floats:
    """h_other / h, infinite where either step reaches pure noise or clean data: differences then count nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isfinite(h) & np.isfinite(h_other), h_other / h, np.inf)


def _exponential_terms(grid: Grid, n: int) -> tuple[Floats, Floats]:
    """σ'/σ and α' (1 - e^-h) = α' - α σ'/σ, finite where h is not."""
    alpha, sigma, alpha_end, sigma_end = grid.levels(n)
    of_x = sigma_end / require_noise(sigma)
    return of_x, alpha_end - of_x * alpha


def dpm_solver(
    grid: Grid, order: int = 2, published: bool = False, stochastic: bool = False, clip: float | None = None
) -> list[Stage]:
    """DPM-Solver++, multistep of order 1 to 3, or the SDE's of order 1 and 2.

    The first steps are of lower order, and so is one that ends in clean data. The authors' code takes half of Taylor's
    second derivative in order 3, which makes its order 2; ``published`` does the same. Source: Lu et al. 2022,
    "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models", algorithm 2 and appendix.
    """
    if order not in ((1, 2) if stochastic else (1, 2, 3)):
        raise ValueError(f"order: expected 1 to {2 if stochastic else 3}, got {order}")
    stages = []
    for n in range(grid.num_steps):
        h = grid.step_size(n)
        with np.errstate(over="ignore"):
            decay = np.exp(-h)  # 0 into clean data
        of_x, gain = _exponential_terms(grid, n)
        alpha_end, sigma_end = grid.levels(n)[2:]
        if stochastic:
            if (h < 0).any():
                raise ValueError("times: expected times towards data for a solver that adds noise, got others")
            of_x, gain = of_x * decay, alpha_end * (1 - decay**2)
        terms: Terms = {"x": of_x, 0: gain}
        used = min(order, n + 1)
        if used == 2:
            slope = gain / 2 / _ratio(h, grid.step_size(n - 1))
            terms |= {0: gain + slope, _data(n - 1, order): -slope}
        elif used == 3:
            terms |= _third_order(grid, n, h, gain, 0.5 if published else 1.0)
        if stochastic:
            terms[NOISE] = sigma_end * np.sqrt(1 - decay**2)
        kept = order > 1 and n + 1 < grid.num_steps
        row = data_row(grid, n, _data(n, order) if kept else None, clip)
        stages.append(Stage((row, Row("x", terms)), "x", grid.times[n], n, n))
    return stages


def _data(n: int, kept: int) -> str:
    """The array that keeps the data of step n: the last ``kept`` of them take turns."""
    return f"data{n % kept}"


def _third_order(grid: Grid, n: int, h: Floats, gain: Floats, share: float) -> Terms:
    """Divided differences of three estimates of data; where a step has no finite λ they count nothing."""
    alpha_end = grid.alpha[n + 1]
    r0, r1 = _ratio(h, grid.step_size(n - 1)), _ratio(h, grid.step_size(n - 2))
    finite = np.isfinite(r0) & np.isfinite(r1)
    safe_h, r0, r1 = np.where(finite, h, 1.0), np.where(finite, r0, 1.0), np.where(finite, r1, 1.0)
    e = np.expm1(-safe_h)
    first = np.where(finite, alpha_end * (e / safe_h + 1), 0)
    second = np.where(finite, -2 * share * alpha_end * ((e + safe_h) / safe_h**2 - 0.5), 0)
    # First and half the second derivative by h: D1 = (1 + w) d0 - w d1 and D2 = (d0 - d1) / (r0 + r1) with
    # d0 = (m0 - m1) / r0, d1 = (m1 - m2) / r1 and w = r0 / (r0 + r1).
    of_d0 = first * (1 + r0 / (r0 + r1)) + second / (r0 + r1)
    of_d1 = -first * r0 / (r0 + r1) - second / (r0 + r1)
    return {0: gain + of_d0 / r0, _data(n - 1, 3): -of_d0 / r0 + of_d1 / r1, _data(n - 2, 3): -of_d1 / r1}


def unipc(grid: Grid, order: int = 2, variant: str = "bh2", clip: float | None = None) -> list[Stage]:
    """UniPC on estimates of data: every call of the model corrects the step that led to it and predicts the next.

    Orders rise from 1 and fall to 1 towards the end. Source: Zhao et al. 2023, "UniPC: a unified predictor-corrector
    framework for fast sampling of diffusion models", eqs. 3, 5, 9.
    """
    if order not in (1, 2, 3):
        raise ValueError(f"order: expected 1 to 3, got {order}")
    known("variant", variant, ("bh1", "bh2"))
    stages = []
    orders = [min(order, n + 1, grid.num_steps - n) for n in range(grid.num_steps)]
    for n in range(grid.num_steps):
        goes_on = n + 1 < grid.num_steps
        rows = [data_row(grid, n, _data(n, order) if goes_on else None, clip)]
        current: str | int = "x"
        if n > 0:
            of_x, of_m0, of_others, of_new = _unified(grid, n - 1, orders[n - 1], variant, corrector=True)
            terms: Terms = {"start": of_x, 0: of_new, _data(n - 1, order): of_m0}
            terms |= {_data(n - 2 - i, order): c for i, c in enumerate(of_others)}
            rows.append(Row("start" if goes_on else None, terms))
            current = 1
        of_x, of_m0, of_others, _ = _unified(grid, n, orders[n], variant, corrector=False)
        terms = {current: of_x, 0: of_m0}
        terms |= {_data(n - 1 - i, order): c for i, c in enumerate(of_others)}
        if n == 0 and goes_on:
            rows.append(Row("start", {"x": np.ones_like(of_x)}))
        rows.append(Row("x", terms))
        stages.append(Stage(tuple(rows), "x", grid.times[n], n, n))
    return stages


def _unified(
    grid: Grid, n: int, order: int, variant: str, corrector: bool
) -> tuple[Floats, Floats, list[Floats], Floats]:
    """Coefficients of x, of the data at step n, of the data before it, and of the data at the step's end."""
    of_x, gain = _exponential_terms(grid, n)
    h = grid.step_size(n)
    size = order if corrector else order - 1
    others = order - 1
    zeros = np.zeros_like(h)
    weights = np.zeros((size, len(h)))
    r = np.array([-sum(_ratio(h, grid.step_size(n - 1 - j)) for j in range(i + 1)) for i in range(others)])
    r = r.reshape(others, len(h))
    for b in np.flatnonzero(np.isfinite(h) & np.isfinite(r).all(0)):
        scale = (np.expm1(-h[b]) if variant == "bh2" else -h[b]) * grid.alpha[n + 1, b]
        weights[:, b] = scale * _weights([*r[:, b], 1.0][:size], -h[b], variant)
    of_others = [-weights[i] / np.where(np.isfinite(r[i]), r[i], 1) for i in range(others)]
    of_new = -weights[-1] if corrector else zeros
    return of_x, gain - sum(of_others, zeros) - of_new, of_others, of_new


def _weights(nodes: list[float], hh: float, variant: str) -> Floats:
    """Solution of Σ_m r_m^(k-1) w_m = b_k; of one node alone 1/2, as the authors set it."""
    if len(nodes) == 1:
        return np.array([0.5])
    if not nodes:
        return np.zeros(0)
    phi = np.expm1(hh) / hh - 1
    unit = np.expm1(hh) if variant == "bh2" else hh
    b = []
    for k in range(1, len(nodes) + 1):
        b.append(phi * math.factorial(k) / unit)
        phi = phi / hh - 1 / math.factorial(k + 1)
    return np.linalg.solve(np.vander(nodes, increasing=True).T, np.array(b))
