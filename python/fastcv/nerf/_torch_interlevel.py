# SPDX-License-Identifier: Apache-2.0
"""The proposal's loss on torch tensors, with a gradient by the proposal's weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .._torch import rows_together, run, with_signature


def _loss(edges: Tensor, weights: Tensor, bounds: Tensor, bound_weights: Tensor, threads: int) -> Tensor:
    out = weights.new_empty(len(weights))
    run("nerf", "interlevel_loss", edges, weights, bounds, bound_weights, out, num_threads=threads)
    return out


def _vjp(edges: Tensor, weights: Tensor, bounds: Tensor, bound_weights: Tensor, grad: Tensor, threads: int) -> Tensor:
    out = torch.empty_like(bound_weights)
    run("nerf", "interlevel_loss_vjp", edges, weights, bounds, bound_weights, grad, out, num_threads=threads)
    return out


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    *arrays, ctx.threads = inputs
    ctx.save_for_backward(*arrays)


def _gradients(ctx: Any, grad: Tensor, vjp: Callable) -> tuple[Any, ...]:
    return None, None, None, vjp(*ctx.saved_tensors, grad.contiguous(), ctx.threads), None


class _Loss(torch.autograd.Function):
    forward = staticmethod(with_signature(_loss))
    setup_context = staticmethod(_save)
    vmap = staticmethod(lambda info, in_dims, *args: rows_together(_Loss.apply, info, in_dims, *args))

    backward = staticmethod(lambda ctx, grad: _gradients(ctx, grad, _Vjp.apply))


class _Vjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_vjp))
    setup_context = staticmethod(lambda ctx, inputs, output: None)  # noqa: ARG005

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> None:
        raise NotImplementedError("interlevel_loss: expected first derivatives, got a request for second ones")


@torch.library.custom_op("fastcv::nerf_interlevel_loss", mutates_args=())
def loss(edges: Tensor, weights: Tensor, bounds: Tensor, bound_weights: Tensor, threads: int) -> Tensor:
    return _loss(edges, weights, bounds, bound_weights, threads)


@torch.library.custom_op("fastcv::nerf_interlevel_loss_vjp", mutates_args=())
def vjp(edges: Tensor, weights: Tensor, bounds: Tensor, bound_weights: Tensor, grad: Tensor, threads: int) -> Tensor:
    return _vjp(edges, weights, bounds, bound_weights, grad, threads)


loss.register_fake(lambda _edges, weights, *_: weights.new_empty(weights.shape[0]))
vjp.register_fake(lambda _edges, _weights, _bounds, bound_weights, *_: torch.empty_like(bound_weights))
loss.register_autograd(lambda ctx, grad: _gradients(ctx, grad, vjp), setup_context=_save)


def interlevel_loss(edges: Tensor, weights: Tensor, bounds: Tensor, bound_weights: Tensor, threads: int) -> Tensor:
    arrays = edges.detach(), weights.detach(), bounds.detach(), bound_weights
    return loss(*arrays, threads) if torch.compiler.is_compiling() else _Loss.apply(*arrays, threads)
