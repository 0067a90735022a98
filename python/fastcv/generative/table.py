# SPDX-License-Identifier: Apache-2.0
"""A solver as a table: which linear combination follows which call of the model. Made once, in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MODEL, NOISE = "model", "noise"


@dataclass(frozen=True)
class Row:
    """One output of a stage.

    Attributes
    ----------
    target : str or None
        The array that it is written to; None where only later rows of the stage use it.
    terms : dict
        Coefficients, (1 or B,) each: of the model's output (``MODEL``), standard normal noise (``NOISE``), an array as
        it was before the stage (its name), or an earlier row of the stage (its number).
    clip : float
        Bound of the row's absolute values.
    """

    target: str | None
    terms: dict[str | int, Floats]
    clip: float = np.inf


@dataclass(frozen=True)
class Stage:
    """A call of the model, if there is one, and the pass over the arrays that follows it.

    Attributes
    ----------
    rows : tuple of 1 to 3 Row
    evaluate : str or None
        The array that the model is called with; None calls no model.
    time : (1 or B,) float64 array or None
        The time that it is called with.
    step : int
        The step of the grid that the stage belongs to.
    number : int
        Of the noise: a stage of its own has noise of its own.
    """

    rows: tuple[Row, ...]
    evaluate: str | None
    time: Floats | None
    step: int
    number: int

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the arrays that the stage reads, the model's output left out."""
        names = [key for row in self.rows for key in row.terms if isinstance(key, str) and key not in (MODEL, NOISE)]
        return tuple(dict.fromkeys(names))

    @property
    def coefficients(self) -> Floats:
        """(1 or B, O, K) of the model's output, where there is one, and of ``reads``."""
        return self._matrix(((MODEL,) if self.evaluate else ()) + self.reads)

    @property
    def earlier(self) -> Floats:
        """(1 or B, O, O) of the stage's own rows."""
        return self._matrix(tuple(range(len(self.rows))))

    @property
    def noise(self) -> Floats | None:
        """(1 or B, O), or None without noise."""
        return self._matrix((NOISE,))[..., 0] if any(NOISE in row.terms for row in self.rows) else None

    def _matrix(self, keys: tuple[Any, ...]) -> Floats:
        count = max((len(values) for row in self.rows for values in row.terms.values()), default=1)
        matrix = np.zeros((count, len(self.rows), len(keys)))
        for o, row in enumerate(self.rows):
            for k, key in enumerate(keys):
                matrix[:, o, k] = row.terms.get(key, 0.0)
        return matrix


@dataclass(frozen=True)
class Table:
    """All stages of a solver on a grid of times.

    Attributes
    ----------
    stages : tuple of Stage
    times : (S + 1, 1 or B) float64 array
        The grid.
    """

    stages: tuple[Stage, ...]
    times: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays that the solver keeps, the state ``"x"`` first."""
        used = [name for stage in self.stages for row in stage.rows for name in (row.target, *stage.reads) if name]
        return tuple(dict.fromkeys(["x", *used]))

    @property
    def num_steps(self) -> int:
        return len(self.times) - 1

    @property
    def num_model_calls(self) -> int:
        return sum(stage.evaluate is not None for stage in self.stages)
