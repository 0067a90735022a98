# SPDX-License-Identifier: Apache-2.0
"""What the encodings without parameters share: native calls with any framework's arrays.

An encoding is the name of its native function and a list of numbers, which torch.compile can follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Call, dtype_name, handle


def width(op: str, dims: int, config: list[float]) -> int:
    """Features of a point of so many dimensions."""
    first, *rest = config
    return int(first) ** 2 if op == "spherical_harmonics" else dims * (2 * len(rest) + int(first))


def arguments(op: str, config: list[float]) -> tuple[Any, ...]:
    """What the native function takes before the arrays."""
    first, *rest = config
    return (int(first),) if op == "spherical_harmonics" else (np.array(rest), bool(first))


def encode(call: Call, op: str, config: list[float], points: Any, out: Any, num_threads: int) -> Any:
    """Features of points that ``call`` has checked; gradients flow through those of torch tensors without ``out``."""
    execution = call.execution(num_threads)
    if call.is_torch and out is None:
        from . import _torch_encodings

        return _torch_encodings.encode(op, points, config, num_threads)
    if call.is_torch and points.requires_grad:
        raise ValueError("out: expected None where a gradient is required, got a tensor")
    out = call.output("out", out, ("N", width(op, points.shape[1], config)), dtype_name(points))
    getattr(call.backend.nerf, op)(*arguments(op, config), handle(points), None, handle(out), execution)
    return call.result(out)


def encode_vjp(call: Call, op: str, config: list[float], points: Any, grad: Any, num_threads: int) -> Any:
    """The gradient by points that ``call`` has checked, from that by the features."""
    dtype = dtype_name(points)
    grad = call.input("grad", grad, ("N", width(op, points.shape[1], config)), (dtype,))
    execution = call.execution(num_threads)
    out = call.empty(points.shape, dtype)
    native = getattr(call.backend.nerf, f"{op}_vjp")
    native(*arguments(op, config), handle(points), None, handle(grad), handle(out), execution)
    return call.result(out)
