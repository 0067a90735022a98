# SPDX-License-Identifier: Apache-2.0
"""What the torch custom ops of all rooms share: calling a native function with tensors. Imports torch."""

from __future__ import annotations

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


def one_by_one(op: Any, info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Any, Any]:
    """torch.func.vmap of an autograd.Function with one result or several: one call after the other."""
    calls = [
        op(*(arg if dim is None else arg.select(dim, i) for arg, dim in zip(args, in_dims, strict=True)))
        for i in range(info.batch_size)
    ]
    if isinstance(calls[0], Tensor):
        return torch.stack(calls), 0
    results = tuple(torch.stack(parts) for parts in zip(*calls, strict=True))
    return results, (0,) * len(results)
