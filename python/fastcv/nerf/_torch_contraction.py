# SPDX-License-Identifier: Apache-2.0
"""The contraction on torch tensors, with first and second derivatives.

Two operations, the contraction C(points) and the gradient V(points, grad) by the points, and their derivatives along
tangents of the points are closed under differentiation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .._torch import rows_together, run, with_signature


def _contract(points: Tensor, tangents: Tensor | None, linf: bool, inverse: bool, threads: int) -> Tensor:
    out = torch.empty_like(points, memory_format=torch.contiguous_format)
    run("nerf", "contract", linf, inverse, points, tangents, out, num_threads=threads)
    return out


def _vjp(points: Tensor, tangents: Tensor | None, grad: Tensor, linf: bool, inverse: bool, threads: int) -> Tensor:
    out = torch.empty_like(points, memory_format=torch.contiguous_format)
    run("nerf", "contract_vjp", linf, inverse, points, tangents, grad, out, num_threads=threads)
    return out


class Derivatives:
    """How the two operations differentiate into each other, for either way of calling them."""

    def __init__(self, contract: Callable, vjp: Callable) -> None:
        self.contract, self.vjp = contract, vjp

    def of_contract(self, ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        (points,) = ctx.saved_tensors
        return self.vjp(points, None, grad.contiguous(), *ctx.options), None, None, None, None

    def of_vjp(self, ctx: Any, along: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        points, grad = ctx.saved_tensors
        along = along.contiguous()
        by_points = self.vjp(points, along, grad, *ctx.options) if ctx.needs_input_grad[0] else None
        by_grad = self.contract(points, along, *ctx.options) if ctx.needs_input_grad[2] else None
        return by_points, None, by_grad, None, None, None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    points, tangents, *grads, linf, inverse, threads = inputs
    ctx.along_tangents, ctx.options = tangents is not None, (linf, inverse, threads)
    ctx.save_for_backward(points, *grads)


def _refuse_third(ctx: Any) -> None:
    if ctx.along_tangents:
        raise NotImplementedError("contract: expected first or second derivatives, got a request for third ones")


class _Contract(torch.autograd.Function):
    forward = staticmethod(with_signature(_contract))
    backward = staticmethod(lambda ctx, grad: _eager.of_contract(ctx, grad))
    vmap = staticmethod(lambda info, in_dims, *args: rows_together(_Contract.apply, info, in_dims, *args))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _save(ctx, inputs, output)
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def jvp(ctx: Any, along: Tensor, *_: None) -> Tensor:
        _refuse_third(ctx)
        return _Contract.apply(ctx.saved_tensors[0], along.contiguous(), *ctx.options)


class _Vjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_vjp))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, along: _eager.of_vjp(ctx, along))
    vmap = staticmethod(lambda info, in_dims, *args: rows_together(_Vjp.apply, info, in_dims, *args))


_eager: Derivatives = Derivatives(_Contract.apply, _Vjp.apply)


@torch.library.custom_op("fastcv::nerf_contract", mutates_args=())
def contract_op(points: Tensor, tangents: Tensor | None, linf: bool, inverse: bool, threads: int) -> Tensor:
    return _contract(points, tangents, linf, inverse, threads)


@torch.library.custom_op("fastcv::nerf_contract_vjp", mutates_args=())
def contract_vjp_op(
    points: Tensor, tangents: Tensor | None, grad: Tensor, linf: bool, inverse: bool, threads: int
) -> Tensor:
    return _vjp(points, tangents, grad, linf, inverse, threads)


contract_op.register_fake(lambda points, *_: points.new_empty(points.shape))
contract_vjp_op.register_fake(lambda points, *_: points.new_empty(points.shape))
_compiled = Derivatives(contract_op, contract_vjp_op)
contract_op.register_autograd(_compiled.of_contract, setup_context=_save)
contract_vjp_op.register_autograd(_compiled.of_vjp, setup_context=_save)


def contract(points: Tensor, linf: bool, inverse: bool, threads: int) -> Tensor:
    if torch.compiler.is_compiling():
        return contract_op(points, None, linf, inverse, threads)
    return _Contract.apply(points, None, linf, inverse, threads)
