# SPDX-License-Identifier: Apache-2.0
"""Explicit Runge-Kutta and Adams-Bashforth methods as tables, in time or in the noise level.

In time they integrate dx/dt = velocity. In the noise level s = σ / α they integrate dy/ds = noise for y = x / α, the
variable of Karras et al. 2022: Euler's method is then DDIM, Adams-Bashforth is LMS.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._grid import Grid
from ._names import known
from .table import NOISE, Row, Stage

Floats = NDArray[np.float64]

# (a, b): stage i starts from x + h Σ_j a[i][j] k_j. Sources: Heun 1900; Runge 1895; Kutta 1901.
TABLEAUX: dict[str, tuple[list[list[float]], list[float]]] = {
    "euler": ([[]], [1.0]),
    "heun": ([[], [1.0]], [0.5, 0.5]),
    "midpoint": ([[], [0.5]], [0.0, 1.0]),
    "rk4": ([[], [0.5], [0.0, 0.5], [0.0, 0.0, 1.0]], [1 / 6, 1 / 3, 1 / 3, 1 / 6]),
}


class Variable:
    """What is integrated: x by time, or x / α by the noise level."""

    def __init__(self, grid: Grid, name: str):
        known("variable", name, ("time", "noise"))
        self.grid, self.in_time = grid, name == "time"
        self.target = "velocity" if self.in_time else "epsilon"
        if not self.in_time and not (grid.alpha > 0).all():
            raise ValueError("times: expected alpha > 0 everywhere for variable='noise', got pure noise")
        self.values = grid.times if self.in_time else grid.sigma / grid.alpha

    def time(self, value: Floats) -> Floats:
        return value if self.in_time else self.grid.path.time_at(value)

    def scale(self, t: Floats) -> Floats:
        """x = scale · (what is integrated)."""
        return np.ones_like(t) if self.in_time else self.grid.path.at(t)[0]


@dataclass(frozen=True)
class Churn:
    """Noise that is added before a step. Source: Karras et al. 2022, algorithm 2."""

    amount: float
    noise: float
    lowest: float
    highest: float

    def raised(self, level: Floats) -> Floats:
        """(S, R) levels with the noise."""
        gamma = min(self.amount / len(level), 2**0.5 - 1)
        return np.where((self.lowest <= level) & (level <= self.highest), level * (1 + gamma), level)


def runge_kutta(
    grid: Grid,
    tableau: str,
    variable: str = "time",
    churn: float = 0.0,
    churn_noise: float = 1.0,
    churn_min: float = 0.0,
    churn_max: float = np.inf,
) -> list[Stage]:
    """Stages of an explicit method. Where a stage would ask the model for what it does not say (noise at σ = 0, data at
    α = 0 …) that step is Euler's, as Karras et al. do at the end."""
    v = Variable(grid, variable)
    if churn and v.in_time:
        raise ValueError("churn: expected 0 with variable='time', got a positive number")
    if churn < 0 or churn_noise < 0:
        raise ValueError(f"churn: expected 0 or more, got {churn} and churn_noise {churn_noise}")
    added = Churn(churn, churn_noise, churn_min, churn_max)
    start, t = v.values[:-1], grid.times[:-1]
    if churn:
        start = added.raised(start)
        t = _churned_times(v, start)
    steps = Steps(v, tableau, start, t)
    number = itertools.count()
    stages: list[Stage] = []
    for n in range(grid.num_steps):
        if churn:
            stages.append(_stage_of_churn(v, n, start[n], t[n], next(number), churn_noise))
        stages += steps.stages(n, number)
    return stages


def _churned_times(v: Variable, raised: Floats) -> Floats:
    highest = v.grid.path.noise_ratio(np.array([v.grid.path.t_noise]))[0]
    if (raised > highest).any():
        raise ValueError(f"churn: expected noise levels up to the path's {highest:g}, got {raised.max():g}")
    return np.where(raised > v.values[:-1], v.time(raised), v.grid.times[:-1])


def _stage_of_churn(v: Variable, n: int, raised: Floats, t: Floats, number: int, churn_noise: float) -> Stage:
    scale = v.scale(t)
    added = scale * churn_noise * np.sqrt(raised**2 - v.values[n] ** 2)
    row = Row("x", {"x": scale / v.scale(v.grid.times[n]), NOISE: added})
    return Stage((row,), None, None, n, number)


class Steps:
    """The steps of a method from (S, R) values and times; the times of all stages are found at once."""

    def __init__(self, v: Variable, tableau: str, start: Floats, t: Floats):
        self.v, self.start, self.t = v, start, t
        self.h = v.values[1:] - start
        self.a, self.b = TABLEAUX[tableau]
        shares = {sum(row) for row in self.a}
        times = {share: v.time(start + share * self.h) for share in shares - {0, 1}} | {0: t, 1: v.grid.times[1:]}
        self.places = [times[sum(row)] for row in self.a]

    def stages(self, n: int, number: Iterator[int]) -> list[Stage]:
        """Those of step n."""
        v, h, a, b = self.v, self.h[n], self.a, self.b
        places = [times[n] for times in self.places]
        if not all(v.grid.converts(place, v.target) for place in places[1:]):
            (a, b), places = TABLEAUX["euler"], places[:1]
        before = v.scale(self.t[n])
        result = []
        for i, place in enumerate(places):
            last = i + 1 == len(places)
            weights, t_next = (b, v.grid.times[n + 1]) if last else (a[i + 1], places[i + 1])
            name = "x" if i == 0 else "y"
            scale = v.scale(t_next)
            terms: dict[str | int, Any] = {"x": scale / before, 0: scale * h * weights[i]}
            terms |= {f"k{j}": scale * h * weights[j] for j in range(i) if weights[j]}
            needed = not last and (b[i] != 0 or any(row[i] for row in a[i + 2 :]))
            slope = Row(f"k{i}" if needed else None, v.grid.terms(place, v.target, name))
            result.append(Stage((slope, Row("x" if last else "y", terms)), name, place, n, next(number)))
        return result


def adams_bashforth(grid: Grid, order: int = 4, variable: str = "time") -> list[Stage]:
    """Stages of the explicit multistep method for any grid; the first steps are of lower order."""
    if order not in (1, 2, 3, 4):
        raise ValueError(f"order: expected 1 to 4, got {order}")
    v = Variable(grid, variable)
    stages = []
    for n in range(grid.num_steps):
        t, used = grid.times[n], min(order, n + 1)
        weights = adams_weights(v.values[n - used + 1 : n + 1][::-1], v.values[n], v.values[n + 1])
        scale = v.scale(grid.times[n + 1])
        terms: dict[str | int, Any] = {"x": scale / v.scale(t), 0: scale * weights[0]}
        terms |= {f"k{(n - j) % order}": scale * weights[j] for j in range(1, used)}
        kept = order > 1 and n + 1 < grid.num_steps
        rows = (Row(f"k{n % order}" if kept else None, v.grid.terms(t, v.target, "x")), Row("x", terms))
        stages.append(Stage(rows, "x", t, n, n))
    return stages


def adams_weights(nodes: Floats, start: Floats, end: Floats) -> Floats:
    """(P, R): integrals from start to end of the polynomials of Lagrange on P nodes, (P, R).

    Source: Hairer, Nørsett, Wanner 1993, "Solving ordinary differential equations I", sec. III.5.
    """
    points, weights = np.polynomial.legendre.leggauss(max(1, (len(nodes) + 1) // 2))
    s = start + (end - start) * (points[:, None] + 1) / 2  # (Q, R): exact for these degrees
    result = np.empty_like(nodes)
    for j in range(len(nodes)):
        others = [i for i in range(len(nodes)) if i != j]
        basis = np.ones_like(s)
        for i in others:
            basis = basis * (s - nodes[i]) / (nodes[j] - nodes[i])
        result[j] = (end - start) / 2 * np.tensordot(weights, basis, 1)
    return result
