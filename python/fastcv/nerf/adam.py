# SPDX-License-Identifier: Apache-2.0
"""One step of Adam in one pass over memory."""

from __future__ import annotations

from typing import Any

from .._arrays import Call, handle

_GRADIENTS = ("float32", "float16", "bfloat16")


def adam_step(
    parameters: Any,
    gradients: Any,
    first_moments: Any,
    second_moments: Any,
    step: Any,
    *,
    rate: Any,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    decay: float = 0.0,
    skip_untouched: bool = False,
    zero_gradients: bool = False,
    copy: Any = None,
    scale: Any = None,
    found_inf: Any = None,
    num_threads: int = 0,
) -> None:
    """Move parameters and moments in place by one step of Adam with decoupled weight decay.

    Parameters
    ----------
    parameters, first_moments, second_moments : float32 array
        Of one shape.
    gradients : array
        Of the same shape, float32, float16 or (torch) bfloat16.
    step : (1,) float32 array
        How many steps have been done; 1 is added. It lies where the parameters do: a CUDA graph may hold the step.
    rate : float or (1,) float32 array
        The learning rate; an array is read when the step runs.
    betas : (float, float), optional
        How much of the moments stays.
    eps : float, optional
        Added to the root of the second moment.
    decay : float, optional
        Weight decay: parameters lose ``rate * decay`` of themselves first, as in AdamW.
    skip_untouched : bool, optional
        Leave rows (of a 2-D array) alone whose gradients are all 0, moments and decay included: what a table needs of
        which a step touches a small part.
    zero_gradients : bool, optional
        Set gradients to 0 in the same pass.
    copy : float16 or bfloat16 array, optional
        Gets the new parameters, rounded: what a network computes with while float32 masters are trained.
    scale : (1,) float32 array, optional
        What the loss was multiplied by; gradients are divided by it.
    found_inf : (1,) float32 array, optional
        Where it is not 0 nothing moves, and no step is counted. See :func:`mark_nonfinite`.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape or device, a beta outside [0, 1), or an array that is not C-contiguous and writeable.

    References
    ----------
    Kingma & Ba 2015, "Adam: a method for stochastic optimization"; Loshchilov & Hutter 2019, "Decoupled weight decay
    regularization". docs/adam.md compares what is skipped with other libraries.

    Examples
    --------
    >>> from fastcv import nerf
    >>> x, first, second, step = np.ones((3, 2), np.float32), *np.zeros((2, 3, 2), np.float32), np.zeros(1, np.float32)
    >>> nerf.adam_step(x, np.float32([[1, 1], [0, 0], [0, -9]]), first, second, step, rate=0.5, skip_untouched=True)
    >>> x
    array([[0.5, 0.5],
           [1. , 1. ],
           [1. , 1.5]], dtype=float32)
    """
    for name, beta in zip(("betas[0]", "betas[1]"), betas, strict=True):
        if not 0 <= beta < 1:
            raise ValueError(f"{name}: expected 0 to 1 without 1, got {beta}")
    call, shape = Call(), tuple(parameters.shape)
    arrays = {"parameters": parameters, "first_moments": first_moments, "second_moments": second_moments}
    flat = [call.output(name, array, shape, "float32").reshape(-1) for name, array in arrays.items()]
    grads = _stored(call, "gradients", gradients, shape, _GRADIENTS).reshape(-1)
    copied = None if copy is None else _stored(call, "copy", copy, shape, _GRADIENTS[1:]).reshape(-1)
    if skip_untouched and len(shape) != 2:
        raise ValueError(f"parameters: expected shape (rows, columns) where rows are skipped, got {shape}")
    numbers = {"rate": rate if hasattr(rate, "shape") else None, "scale": scale, "found_inf": found_inf}
    rate_there, scale, found_inf = (
        None if array is None else call.input(name, array, (1,), ("float32",)) for name, array in numbers.items()
    )
    call.backend.nerf.adam_step(
        *(handle(array) for array in (flat[0], grads, *flat[1:])),
        handle(call.output("step", step, (1,), "float32")),
        *(handle(array) for array in (copied, rate_there, scale, found_inf)),
        shape[1] if skip_untouched and shape[1] > 0 else 1,
        skip_untouched,
        zero_gradients,
        0.0 if rate_there is not None else float(rate),
        *map(float, betas),
        float(eps),
        float(decay),
        call.execution(num_threads),
    )


def mark_nonfinite(values: Any, found: Any, *, num_threads: int = 0) -> None:
    """Set ``found`` to 1 where a value is infinite or NaN; otherwise it stays as it is.

    Parameters
    ----------
    values : array
        Gradients, float32, float16 or (torch) bfloat16, C-contiguous.
    found : (1,) float32 array
        For ``found_inf=`` of :func:`adam_step`.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape or device.

    Examples
    --------
    >>> from fastcv import nerf
    >>> found = np.zeros(1, np.float32)
    >>> nerf.mark_nonfinite(np.float32([1, np.inf]), found)
    >>> found
    array([1.], dtype=float32)
    """
    call = Call()
    flat = call.input("values", values, values.shape, _GRADIENTS).reshape(-1)
    found = call.output("found", found, (1,), "float32")
    call.backend.nerf.mark_nonfinite(handle(flat), handle(found), call.execution(num_threads))


def _stored(call: Call, name: str, array: Any, shape: tuple[int, ...], dtypes: tuple[str, ...]) -> Any:
    """An array to write to that has one of these dtypes."""
    given = str(array.dtype).removeprefix("torch.")
    if given not in dtypes:
        raise TypeError(f"{name}: expected dtype {' or '.join(dtypes)}, got {given}")
    return call.output(name, array, shape, given)
