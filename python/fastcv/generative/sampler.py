# SPDX-License-Identifier: Apache-2.0
"""A solver on its way from noise to data, or back: one native pass for each call of the model."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import dtype_name, is_torch
from ..ode import Step, dynamic_threshold
from .path import Path
from .solvers import make_table
from .state import SamplerState, dense, like
from .table import Row, Stage

logger = logging.getLogger(__name__)

Model = Callable[[Any, Any], Any]

_ESTIMATE = "estimate"


class Sampler:
    """A solver, a path and a grid of times, ready for any batch.

    All coefficients are computed here, in float64. The model is called as ``model(x, t)`` with x (B, ...) and t (B,) in
    the framework of the samples; x is the sampler's own array and changes with the next step.

    Parameters
    ----------
    path : Path
        How noise and data mix.
    times : (S + 1,) or (B, S + 1) array_like
        Where steps begin and end, for all samples or for each: strictly rising or falling.
    solver : str, optional
        One of ``SOLVERS``.
    prediction : str, optional
        What the model predicts: "epsilon", "data", "v", "velocity" or "score".
    threshold : (float, float), optional
        (ratio, maximum) of ``ode.dynamic_threshold`` for every estimate of data, for solvers with ``clip``.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. Results do not depend on it.
    **options
        Of the solver: ``order``, ``eta``, ``clip``, ``variable``, ``churn`` …, listed in docs/ode.md.

    Raises
    ------
    ValueError
        Times that are not strictly monotonic, unknown names (with the nearest one), options out of their range.

    Examples
    --------
    The velocity that carries standard normal noise to N(3, 0.5²) on a straight path, in closed form:

    >>> from fastcv.generative import Path, Sampler
    >>> def velocity(x, t):
    ...     t = t[:, None]
    ...     variance = (0.5 * t) ** 2 + (1 - t) ** 2
    ...     return 3 + (0.25 * t - (1 - t)) / variance * (x - 3 * t)
    >>> sampler = Sampler(Path.conditional_ot(), np.linspace(0, 1, 21), solver="heun")
    >>> samples = sampler.sample(velocity, np.random.default_rng(0).standard_normal((10000, 1)))
    >>> round(samples.mean(), 1), round(samples.std(), 1)
    (np.float64(3.0), np.float64(0.5))
    """

    def __init__(
        self,
        path: Path,
        times: ArrayLike,
        *,
        solver: str = "euler",
        prediction: str = "velocity",
        threshold: tuple[float, float] | None = None,
        num_threads: int = 0,
        **options: Any,
    ):
        self.table = make_table(path, times, solver=solver, prediction=prediction, **options)
        if threshold is not None:
            self.table = dataclasses.replace(self.table, stages=_thresholded(self.table.stages, solver))
        self._threshold, self._num_threads = threshold, num_threads
        self._digest = _digest(self.table.stages, threshold)

    def start(
        self, x: Any, *, seed: int = 0, sample_ids: ArrayLike | None = None, rows: ArrayLike | None = None
    ) -> SamplerState:
        """A state with a copy of x at the grid's first time.

        Parameters
        ----------
        x : (B, ...) array
            Where to start; numpy, torch or CuPy. The state is float32 where x has 16 bits: a model may have 16, but
            a state that is rounded every step drifts.
        seed : int, optional
            Of the noise, for solvers that add some.
        sample_ids : (B,) integers, optional
            Who the samples are; 0 to B - 1 by default.
        rows : (B,) integers, optional
            The row of a grid per sample that each one follows; 0 to B - 1 by default.
        """
        if not hasattr(x, "shape"):
            x = np.asarray(x)
        if not len(x.shape):
            raise ValueError("x: expected shape (B, ...), got ()")
        if dtype_name(x) not in ("float64", "float32", "float16", "bfloat16"):
            raise TypeError(f"x: expected a floating dtype, got {dtype_name(x)}")
        batch = x.shape[0]
        ids = np.arange(batch) if sample_ids is None else np.asarray(sample_ids)
        if ids.shape != (batch,):
            raise ValueError(f"sample_ids: expected shape ({batch},), got {ids.shape}")
        x = x.detach() if is_torch(x) else x
        wide = x if dtype_name(x) in ("float64", "float32") else x.float() if is_torch(x) else x.astype("float32")
        arrays = {name: _copy(wide) for name in self.table.names}
        return SamplerState(arrays, 0, seed, ids, self._rows(rows, batch), self._digest)

    def restart(self, state: SamplerState, x: Any, *, seed: int | None = None) -> SamplerState:
        """Put new samples into a state of this sampler: nothing is allocated, prepared steps stay."""
        self._check(state)
        state.arrays["x"][...] = x
        state.position = 0
        state.seed = state.seed if seed is None else seed
        return state

    def advance(self, model: Model, state: SamplerState, num_steps: int | None = None) -> SamplerState:
        """Go ``num_steps`` steps of the grid on (all that are left by default), in place.

        Gradients are not tracked; call it under ``torch.no_grad()``, or the model builds graphs for nothing.

        Raises
        ------
        TypeError, ValueError
            The model returned another shape, dtype or device than it did before.
        """
        self._check(state)
        stages = self.table.stages
        end = self.table.num_steps
        if num_steps is not None and state.position < len(stages):
            end = min(end, stages[state.position].step + num_steps)
        while state.position < len(stages) and stages[state.position].step < end:
            stage = stages[state.position]
            output = None
            if stage.evaluate is not None:
                output = model(state.arrays[stage.evaluate], self._time(state, state.position))
                if not hasattr(output, "dtype"):
                    raise TypeError(f"model_output: expected an array, got {type(output).__name__}")
                output = dense(output)
            if self._threshold is not None and _ESTIMATE in stage.reads:
                ratio, maximum = self._threshold
                estimate = state.arrays[_ESTIMATE]
                dynamic_threshold(estimate, ratio=ratio, maximum=maximum, out=estimate, num_threads=self._num_threads)
            self._step(state, state.position, output).run(output, seed=state.seed)
            state.position += 1
        return state

    def sample(self, model: Model, x: Any, *, seed: int = 0, sample_ids: ArrayLike | None = None) -> Any:
        """The samples at the end of the grid, from x at its start.

        A sample that turned out not to be finite is named in a warning of the log and stays as it is; the others are
        not touched by it. ``advance`` and the state's ``failed`` say the same in numbers.
        """
        state = self.advance(model, self.start(x, seed=seed, sample_ids=sample_ids))
        if state.failed.any():
            places = np.flatnonzero(state.failed)
            logger.warning("%d of %d samples are not finite: %s", len(places), len(state.failed), places[:10].tolist())
        return state.x

    def _rows(self, rows: ArrayLike | None, batch: int) -> np.ndarray:
        """The row of the grid that each sample follows."""
        num_rows = self.table.times.shape[1]
        if rows is None and num_rows not in (1, batch):
            raise ValueError(f"times: expected a row for each of {batch} samples, got {num_rows}")
        if rows is None:
            return np.arange(batch) % num_rows
        chosen = np.asarray(rows, np.int64)
        if chosen.shape != (batch,) or not ((chosen >= 0) & (chosen < num_rows)).all():
            raise ValueError(f"rows: expected a row from 0 to {num_rows - 1} for each of {batch} samples, got {rows}")
        return chosen

    def _check(self, state: SamplerState) -> None:
        if state.digest != self._digest:
            raise ValueError("state: expected one of this sampler, got one of another table")

    def _time(self, state: SamplerState, position: int) -> Any:
        """(B,) times of a stage, as the model gets them."""
        key = ("time", position)
        if key not in state.prepared:
            time = self.table.stages[position].time
            assert time is not None
            values = time[state.rows] if len(time) > 1 else np.repeat(time, len(state.rows))
            state.prepared[key] = like(state.x, values.astype(dtype_name(state.x)))
        return state.prepared[key]

    def _step(self, state: SamplerState, position: int, output: Any) -> Step:
        """The native step of a stage, bound to the arrays of the state."""
        dtype = None if output is None else dtype_name(output)
        key = (position, dtype)
        if key not in state.prepared:
            stage = self.table.stages[position]
            targets = [row.target for row in stage.rows]
            state.prepared[key] = Step(
                [state.arrays[name] for name in stage.reads],
                [None if target is None else state.arrays[target] for target in targets],
                _of_rows(stage.coefficients, state),
                noise=None if stage.noise is None else _of_rows(stage.noise, state),
                earlier=_of_rows(stage.earlier, state),
                clip=[row.clip for row in stage.rows],
                sample_ids=state.sample_ids,
                number=stage.number,
                model_dtype=dtype,
                num_threads=self._num_threads,
            )
        return state.prepared[key]


def _of_rows(table: np.ndarray, state: SamplerState) -> np.ndarray:
    return table[state.rows] if len(table) > 1 else table[0]


def _copy(array: Any) -> Any:
    return array.clone().contiguous() if is_torch(array) else array.copy(order="C")


def _thresholded(stages: Sequence[Stage], solver: str) -> tuple[Stage, ...]:
    """Each stage in two: the estimate of data, and what is made of it once it is thresholded."""
    result = []
    for stage in stages:
        data, *others = stage.rows
        if 0 not in others[-1].terms or solver in ("euler", "heun", "midpoint", "rk4", "adams_bashforth"):
            raise ValueError(f"threshold: expected a solver on estimates of data, got {solver}")
        result.append(dataclasses.replace(stage, rows=(Row(_ESTIMATE, data.terms),)))
        again = Row(data.target, {_ESTIMATE: np.ones(1)})
        result.append(dataclasses.replace(stage, rows=(again, *others), evaluate=None, time=None))
    return tuple(result)


def _digest(stages: Sequence[Stage], threshold: tuple[float, float] | None) -> str:
    """Of every number of the table."""
    digest = hashlib.sha256(repr(threshold).encode())
    for stage in stages:
        names = repr([(row.target, list(row.terms), row.clip) for row in stage.rows])
        digest.update(f"{names} {stage.evaluate} {stage.step} {stage.number}".encode())
        for array in (stage.coefficients, stage.earlier, stage.noise, stage.time):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
