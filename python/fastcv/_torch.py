# SPDX-License-Identifier: Apache-2.0
"""What the torch custom ops of all rooms share: calling a native function with tensors. Imports torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ._arrays import current_stream, handle
from ._backend import backend


def run(room: str, op: str, *args: Any, num_threads: int = 0) -> None:
    """Call a native op on the device of the first tensor among the arguments, on that device's current stream."""
    first = next(arg for arg in args if isinstance(arg, Tensor))
    native = getattr(getattr(backend(first.device.type), room), op)
    execution = current_stream(first) if first.is_cuda else num_threads
    native(*(handle(arg) if isinstance(arg, Tensor) else arg for arg in args), execution)


def host(params: Tensor) -> Any:
    """A small tensor as the float64 numpy array that native code reads on the host (a CUDA tensor is waited for)."""
    return params.detach().to("cpu", torch.float64).contiguous().numpy()


def with_signature(function: Any) -> Any:
    """A function that knows its signature: ``autograd.Function.apply`` asks for it in every call, which takes 20 µs."""
    function.__signature__ = inspect.signature(function)
    return function


def one_by_one(op: Callable, info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Any, Any]:
    """torch.func.vmap of an op with one result or several: one call after the other, results stacked."""

    def nth(i: int) -> Any:
        return op(*(arg if dim is None else arg.select(dim, i) for arg, dim in zip(args, in_dims, strict=True)))

    results = [nth(i) for i in range(info.batch_size)]
    if isinstance(results[0], Tensor):
        return torch.stack(results), 0
    return tuple(torch.stack(each) for each in zip(*results, strict=True)), (0,) * len(results[0])


def rows_together(op: Callable, info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Tensor, int]:
    """torch.func.vmap of an op whose rows are independent: a batch of rows is more rows."""

    def flat(arg: Any, dim: int | None) -> Any:
        if not isinstance(arg, Tensor):
            return arg
        batch = arg.expand(info.batch_size, *arg.shape) if dim is None else arg.movedim(dim, 0)
        return batch.flatten(0, 1).contiguous()

    result = op(*(flat(arg, dim) for arg, dim in zip(args, in_dims, strict=True)))
    return result.unflatten(0, (info.batch_size, len(result) // info.batch_size)), 0
