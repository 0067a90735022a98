# SPDX-License-Identifier: Apache-2.0
"""Solvers by name, each a table of coefficients."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from ._diffusion import ddim, ddpm, dpm_solver, unipc
from ._grid import Grid, check_times
from ._names import known
from ._runge_kutta import TABLEAUX, adams_bashforth, runge_kutta
from .path import Path
from .prediction import PREDICTIONS
from .table import Stage, Table


def _ancestral(grid: Grid, eta: float = 1.0, clip: float | None = None) -> list[Stage]:
    return ddim(grid, eta, clip)


_BUILDERS: dict[str, Callable[..., list[Stage]]] = {
    **{name: functools.partial(runge_kutta, tableau=name) for name in TABLEAUX},
    "adams_bashforth": adams_bashforth,
    "ddim": ddim,
    "ddpm": ddpm,
    "euler_ancestral": _ancestral,
    "dpm_solver": functools.partial(dpm_solver, stochastic=False),
    "dpm_solver_sde": functools.partial(dpm_solver, stochastic=True),
    "unipc": unipc,
}

SOLVERS = tuple(_BUILDERS)


def make_table(path: Path, times: ArrayLike, *, solver: str, prediction: str, **options: Any) -> Table:
    """The table of a solver on a grid of times.

    Parameters
    ----------
    path : Path
    times : (S + 1,) or (B, S + 1) array_like
        Where steps begin and end, strictly rising or falling: towards data to sample, towards noise to invert.
    solver : str
        One of ``SOLVERS``.
    prediction : str
        What the model predicts, one of ``PREDICTIONS``.
    **options
        Of the solver; docs/ode.md has the list.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        An unknown name (the nearest one is suggested), an option out of its range, times that are not strictly
        monotonic or at which the solver cannot use the prediction.

    Examples
    --------
    >>> from fastcv.generative import Path, make_table
    >>> table = make_table(Path.conditional_ot(), [0, 0.5, 1], solver="euler", prediction="velocity")
    >>> table.num_model_calls, table.names
    (2, ('x',))
    """
    known("solver", solver, SOLVERS)
    known("prediction", prediction, PREDICTIONS)
    build = _BUILDERS[solver]
    fixed = set(build.keywords) if isinstance(build, functools.partial) else set()
    for name in options:
        known(
            f"option of {solver}", name, [p for p in inspect.signature(build).parameters if p not in {"grid"} | fixed]
        )
    grid = Grid(path, check_times(times, path), prediction)
    return Table(tuple(build(grid, **options)), grid.times)
