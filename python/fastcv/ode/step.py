# SPDX-License-Identifier: Apache-2.0
"""One step of a sampler in one pass over its arrays, once or prepared for a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import Call, current_stream, dtype_name, handle, is_torch
from ..errors import DeviceError
from ._checks import STATES, address, check_number, check_overlap, check_sample_ids, check_seed, check_state, contiguous

MOST_INPUTS, MOST_OUTPUTS, STRIP = 8, 3, 512


class Step:
    """A step that is prepared once and run many times: arrays, coefficients and noise are checked here, not per run.

    Output o of sample b is ``clip_o(Σ_k c[b, o, k] input_k[b] + Σ_{p<o} e[b, o, p] output_p[b] + s[b, o] z[b])`` with
    standard normal ``z``, one number per element, the same in all outputs of the step. Sums run in this order, the
    noise before the earlier outputs, in float64 where any array has that type, else in float32.

    Parameters
    ----------
    inputs : sequence of at most 8 (B, ...) arrays
        numpy, torch or CuPy; float64, float32, float16 or (torch) bfloat16, in any mixture. Contiguous: every run reads
        these arrays again.
    outputs : sequence of 1 to 3 (B, ...) arrays or None
        Written by every run. One may be an input. None is an output that only later ones use.
    coefficients : (O, K) or (B, O, K) array_like
        ``c``, for all samples or for each.
    noise : (O,) or (B, O) array_like, optional
        ``s``; None adds no noise.
    earlier : (O, O) or (B, O, O) array_like, optional
        ``e``, strictly lower triangular: what earlier outputs add to later ones, as clipped.
    clip : (O,) array_like, optional
        Bounds of the outputs' absolute values; infinity is none. NaN is not clipped.
    seed : int, optional
        Of the noise, which depends on (seed, sample id, number, element) alone.
    sample_ids : (B,) integers, optional
        Who the samples are; 0 to B - 1 by default.
    number : int, optional
        Of the step within its sampler.
    tolerance : (float, float), optional
        (absolute, relative): ``norms`` then holds the root mean square of the last output, the error, each element
        divided by absolute + relative max(|input 0|, |output 0|).
    model_dtype : str, optional
        The step has one more input before the others, a model's output, which every run gives anew: its dtype.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. Results do not depend on it.

    Attributes
    ----------
    norms : (B,) float64 array or None
        After a run with ``tolerance``.

    Raises
    ------
    TypeError
        Another dtype, integers among them; a tensor that requires a gradient; arrays of different frameworks.
    DeviceError
        Arrays on different devices.
    ValueError
        Shapes that do not fit; arrays that are not contiguous or overlap in part; a number out of its range.

    Examples
    --------
    Euler's method on dx/dt = -x, in place:

    >>> from fastcv import ode
    >>> x = np.ones((2, 3))
    >>> euler = ode.Step([x], [x], [[0.1, 1.0]], model_dtype="float64")
    >>> for _ in range(2):
    ...     euler.run(-x)
    >>> x[0]
    array([0.81, 0.81, 0.81])
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        coefficients: ArrayLike,
        *,
        noise: ArrayLike | None = None,
        earlier: ArrayLike | None = None,
        clip: ArrayLike | None = None,
        seed: int = 0,
        sample_ids: ArrayLike | None = None,
        number: int = 0,
        tolerance: tuple[float, float] | None = None,
        model_dtype: str | None = None,
        num_threads: int = 0,
    ):
        call = Call()
        self._shape = _check_arrays(call, inputs, outputs, model_dtype)
        samples = self._shape[0]
        size = int(np.prod(self._shape[1:], dtype=np.int64))
        num_inputs = len(inputs) + (model_dtype is not None)
        table = _table(samples, num_inputs, len(outputs), coefficients, noise, earlier)
        ids = None if noise is None else handle(call.place(check_sample_ids(sample_ids, samples)))
        absolute, relative = _check_tolerance(tolerance)
        self.norms = None if tolerance is None else call.empty((samples,), "float64")
        partial = None if tolerance is None else call.empty((samples * -(-size // STRIP),), "float64")
        self._threads = call.execution(num_threads)
        self._seed = check_seed(seed)
        self._first = next(array for array in (*outputs, *inputs) if array is not None)
        self._model_dtype = model_dtype
        self._native = call.backend.ode.Step(
            [handle(array) for array in inputs],
            [None if array is None else handle(array) for array in outputs],
            None if model_dtype is None else STATES.index(model_dtype),
            handle(call.place(table)),
            samples,
            size,
            _check_clip(clip, len(outputs)),
            ids,
            check_number(number),
            None if self.norms is None else handle(self.norms),
            None if partial is None else handle(partial),
            absolute,
            relative,
        )
        self._is_torch, self._on_cpu = call.is_torch, call.device == "cpu"
        self._kind: Any = None
        self._passed: tuple[Any, Any] | None = None

    def run(self, model_output: Any = None, *, seed: int | None = None) -> None:
        """Run the step on the arrays as they are now, and on the model's output if it has that input.

        On a GPU it runs on the framework's current stream, without allocation or waiting: it can be captured in a
        graph. ``seed`` stands in for the step's own.

        Raises
        ------
        TypeError, ValueError
            ``model_output`` is missing, or another array than was announced.
        """
        pointer = 0
        if self._model_dtype is not None:
            pointer = (self._quick_address(model_output) if self._is_torch else 0) or self._address(model_output)
        execution = self._threads if self._on_cpu else current_stream(self._first)
        self._native.run(pointer, self._seed if seed is None else check_seed(seed), execution)

    def _quick_address(self, output: Any) -> int:
        """Where a tensor lies whose type, dtype and device passed all checks before, else 0: a dtype's name is a string
        to be made, which takes longer than a small step."""
        if type(output) is not self._kind or output.shape != self._shape:
            return 0
        known = (output.dtype, output.device) == self._passed and output.is_contiguous()
        return output.data_ptr() if known else 0

    def _address(self, output: Any) -> int:
        """Where the model's output lies, after all checks."""
        if is_torch(output) != self._is_torch or getattr(output, "shape", None) != self._shape:
            raise ValueError(f"model_output: expected an array of shape {self._shape}, got {_describe(output)}")
        if dtype_name(output) != self._model_dtype:
            raise TypeError(f"model_output: expected dtype {self._model_dtype}, got {dtype_name(output)}")
        if self._is_torch and output.device != self._first.device:
            raise DeviceError(f"model_output: expected a tensor on {self._first.device}, got one on {output.device}")
        if not contiguous(output):
            raise ValueError("model_output: expected a contiguous array, got one that is not")
        if self._is_torch:
            self._kind, self._passed = type(output), (output.dtype, output.device)
        return address(output)


def step(
    inputs: Sequence[Any],
    coefficients: ArrayLike,
    *,
    out: Sequence[Any] | None = None,
    noise: ArrayLike | None = None,
    earlier: ArrayLike | None = None,
    clip: ArrayLike | None = None,
    seed: int = 0,
    sample_ids: ArrayLike | None = None,
    number: int = 0,
    num_threads: int = 0,
) -> list[Any]:
    """Linear combinations of arrays, with noise, in one pass over them: one step of a sampler.

    The arguments are those of ``Step``, which prepares a step for a loop.

    Parameters
    ----------
    inputs : sequence of 1 to 8 (B, ...) arrays
        Copied first where they are not contiguous.
    coefficients, noise, earlier, clip, seed, sample_ids, number, num_threads
        As in ``Step``.
    out : sequence of arrays or None, optional
        As ``outputs`` of ``Step``; new arrays of the first input's dtype by default.

    Returns
    -------
    list of arrays
        The outputs.

    Raises
    ------
    TypeError, DeviceError, ValueError
        As in ``Step``.

    Examples
    --------
    A step of Euler's method on dx/dt = v, with a step size for each sample:

    >>> from fastcv import ode
    >>> x, v = np.zeros((2, 3)), np.ones((2, 3))
    >>> ode.step([x, v], [[[1, 0.1]], [[1, 0.2]]])[0]
    array([[0.1, 0.1, 0.1],
           [0.2, 0.2, 0.2]])
    """
    call = Call()
    if not inputs:
        raise ValueError("inputs: expected at least one array, got none")
    arrays = [check_state(call, f"inputs[{k}]", array, np.shape(inputs[0])) for k, array in enumerate(inputs)]
    if out is None:
        num_outputs = np.shape(coefficients)[-2] if np.ndim(coefficients) in (2, 3) else 1
        out = [call.empty(arrays[0].shape, dtype_name(arrays[0])) for _ in range(num_outputs)]
    Step(
        arrays,
        out,
        coefficients,
        noise=noise,
        earlier=earlier,
        clip=clip,
        seed=seed,
        sample_ids=sample_ids,
        number=number,
        num_threads=num_threads,
    ).run()
    return list(out)


def _describe(array: Any) -> str:
    shape = getattr(array, "shape", None)
    return type(array).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")


def _check_arrays(
    call: Call, inputs: Sequence[Any], outputs: Sequence[Any], model_dtype: str | None
) -> tuple[int, ...]:
    """The shape that all arrays have."""
    if model_dtype is not None and model_dtype not in STATES:
        raise TypeError(f"model_dtype: expected {', '.join(STATES)}, got {model_dtype}")
    if len(inputs) + (model_dtype is not None) > MOST_INPUTS:
        raise ValueError(f"inputs: expected at most {MOST_INPUTS}, got {len(inputs) + (model_dtype is not None)}")
    if not 1 <= len(outputs) <= MOST_OUTPUTS:
        raise ValueError(f"outputs: expected 1 to {MOST_OUTPUTS}, got {len(outputs)}")
    reads = {f"inputs[{k}]": array for k, array in enumerate(inputs)}
    writes = {f"outputs[{o}]": array for o, array in enumerate(outputs) if array is not None}
    if not writes:
        raise ValueError("outputs: expected at least one array, got None alone")
    shape = tuple(next(iter(writes.values())).shape)
    if not shape:
        raise ValueError("outputs[0]: expected shape (B, ...), got ()")
    for name, array in (reads | writes).items():
        if check_state(call, name, array, shape) is not array and not contiguous(array):
            raise ValueError(f"{name}: expected a contiguous array, got one that is not")
    for name, array in writes.items():
        call.output(name, array, shape, dtype_name(array))
    check_overlap(reads, writes)
    return shape


def _rows(name: str, values: ArrayLike, samples: int, shape: tuple[int, ...]) -> np.ndarray:
    """Values as (1 or B, *shape) float64."""
    array = np.asarray(values, np.float64)
    if array.shape not in (shape, (samples, *shape)):
        raise ValueError(f"{name}: expected shape {shape} or {(samples, *shape)}, got {array.shape}")
    if np.isnan(array).any():
        raise ValueError(f"{name}: expected numbers, got NaN")
    return array if array.ndim > len(shape) else array[None]


def _table(
    samples: int,
    num_inputs: int,
    num_outputs: int,
    coefficients: ArrayLike,
    noise: ArrayLike | None,
    earlier: ArrayLike | None,
) -> np.ndarray:
    """(1 or B, O, K + O): the inputs, the noise, the outputs before."""
    if num_inputs == 0 and noise is None:
        raise ValueError("inputs: expected at least one array or noise, got none")
    M, K = num_outputs, num_inputs
    of_inputs = _rows("coefficients", coefficients, samples, (M, K))
    of_noise = _rows("noise", np.zeros(M) if noise is None else noise, samples, (M,))
    of_outputs = _rows("earlier", np.zeros((M, M)) if earlier is None else earlier, samples, (M, M))
    if np.triu(of_outputs).any():
        raise ValueError("earlier: expected zeros on and above the diagonal, got other numbers")
    table = np.zeros((max(len(of_inputs), len(of_noise), len(of_outputs)), M, K + M))
    table[..., :K], table[..., K], table[..., K + 1 :] = of_inputs, of_noise, of_outputs[..., : M - 1]
    return table


def _check_clip(clip: ArrayLike | None, num_outputs: int) -> list[float]:
    bounds = np.full(num_outputs, np.inf) if clip is None else np.asarray(clip, np.float64)
    if bounds.shape != (num_outputs,) or not (bounds > 0).all():
        raise ValueError(f"clip: expected {num_outputs} positive numbers, got {bounds}")
    return bounds.tolist()


def _check_tolerance(tolerance: tuple[float, float] | None) -> tuple[float, float]:
    absolute, relative = tolerance or (1.0, 0.0)
    if not (0 <= absolute < np.inf and 0 <= relative < np.inf and absolute + relative > 0):
        raise ValueError(f"tolerance: expected two numbers from 0, one of them positive, got {tolerance}")
    return float(absolute), float(relative)
