# SPDX-License-Identifier: Apache-2.0
"""Encodings without parameters on torch tensors, with first and second derivatives.

Two operations are closed under differentiation: the features F(points) and the gradient P(points, grad) by the points.
Each takes tangents of the points too, and is then its derivative along them; so what is second order is one of the two
again. They exist as autograd.Functions, which cost little and which torch.func knows, and as ops of a library, which
torch.compile knows. Rows are independent of each other, so torch.func.vmap makes more of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .._torch import rows_together, run, with_signature
from ._encode import arguments, width


def _shape(op: str, points: Tensor, config: list[float]) -> tuple[int, int]:
    return points.shape[0], width(op, points.shape[1], config)


def _features(op: str, points: Tensor, tangents: Tensor | None, config: list[float], threads: int) -> Tensor:
    out = points.new_empty(_shape(op, points, config))
    run("nerf", op, *arguments(op, config), points, tangents, out, num_threads=threads)
    return out


def _vjp(op: str, points: Tensor, tangents: Tensor | None, grad: Tensor, config: list[float], threads: int) -> Tensor:
    out = torch.empty_like(points, memory_format=torch.contiguous_format)
    run("nerf", f"{op}_vjp", *arguments(op, config), points, tangents, grad, out, num_threads=threads)
    return out


class Derivatives:
    """How the two operations differentiate into each other, for either way of calling them."""

    def __init__(self, features: Callable, vjp: Callable) -> None:
        self.features, self.vjp = features, vjp

    def of_features(self, ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        return None, self.vjp(ctx.op, *ctx.saved_tensors, None, grad.contiguous(), *ctx.options), None, None, None

    def of_vjp(self, ctx: Any, along: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        points, grad = ctx.saved_tensors
        _, wants_points, _, wants_grad, *_ = ctx.needs_input_grad
        along = along.contiguous()
        by_points = self.vjp(ctx.op, points, along, grad, *ctx.options) if wants_points else None
        by_grad = self.features(ctx.op, points, along, *ctx.options) if wants_grad else None
        return None, by_points, None, by_grad, None, None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    ctx.op, points, tangents, *grad, config, threads = inputs
    ctx.along_tangents, ctx.options = tangents is not None, (config, threads)
    ctx.save_for_backward(points, *grad)


def _refuse_third(ctx: Any) -> None:
    if ctx.along_tangents:
        raise NotImplementedError(f"{ctx.op}: expected first or second derivatives, got a request for third ones")


class _Features(torch.autograd.Function):
    forward = staticmethod(with_signature(_features))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, grad: _eager.of_features(ctx, grad))
    vmap = staticmethod(lambda info, in_dims, *args: rows_together(_Features.apply, info, in_dims, *args))


class _Vjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_vjp))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, along: _eager.of_vjp(ctx, along))
    vmap = staticmethod(lambda info, in_dims, *args: rows_together(_Vjp.apply, info, in_dims, *args))


_eager: Derivatives = Derivatives(_Features.apply, _Vjp.apply)


@torch.library.custom_op("fastcv::nerf_encoding", mutates_args=())
def features(op: str, points: Tensor, tangents: Tensor | None, config: list[float], threads: int) -> Tensor:
    return _features(op, points, tangents, config, threads)


@torch.library.custom_op("fastcv::nerf_encoding_vjp", mutates_args=())
def vjp(op: str, points: Tensor, tangents: Tensor | None, grad: Tensor, config: list[float], threads: int) -> Tensor:
    return _vjp(op, points, tangents, grad, config, threads)


# Shapes of the results, for torch.compile.
features.register_fake(lambda op, points, _tangents, config, _threads: points.new_empty(_shape(op, points, config)))
vjp.register_fake(lambda _op, points, *_: points.new_empty(points.shape))

_compiled = Derivatives(features, vjp)
features.register_autograd(_compiled.of_features, setup_context=_save)
vjp.register_autograd(_compiled.of_vjp, setup_context=_save)


def encode(op: str, points: Tensor, config: list[float], num_threads: int) -> Tensor:
    """Features of an encoding that gradients flow through."""
    function = features if torch.compiler.is_compiling() else _Features.apply
    return function(op, points, None, config, num_threads)
