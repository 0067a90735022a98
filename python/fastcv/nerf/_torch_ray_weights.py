# SPDX-License-Identifier: Apache-2.0
"""The distortion loss on torch tensors, with first derivatives: an autograd.Function, and an op for torch.compile."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .._torch import one_by_one, run, with_signature


def _distortion(weights: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, threads: int) -> Tensor:
    out = weights.new_empty(offsets.shape[0] - 1)
    run("nerf", "distortion", weights, starts, ends, offsets, out, num_threads=threads)
    return out


def _distortion_vjp(
    weights: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, grad: Tensor, wants_ends: bool, threads: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by weights, starts and ends; the last two empty where not wanted."""
    by_weights, *by_ends = out = _empty_grads(weights, starts, ends, wants_ends)
    given = (by_weights, *(x if wants_ends else None for x in by_ends))
    run("nerf", "distortion_vjp", weights, starts, ends, offsets, grad.contiguous(), *given, num_threads=threads)
    return out


def _empty_grads(weights: Tensor, starts: Tensor, ends: Tensor, wants_ends: bool) -> tuple[Tensor, Tensor, Tensor]:
    by_starts, by_ends = (torch.empty_like(x) if wants_ends else weights.new_empty(0) for x in (starts, ends))
    return torch.empty_like(weights), by_starts, by_ends


def _save_distortion(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    *tensors, ctx.threads = inputs
    ctx.save_for_backward(*tensors)


def _distortion_backward(vjp: Any, ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    _, wants_starts, wants_ends, *_ = ctx.needs_input_grad
    wants = wants_starts or wants_ends
    by_weights, by_starts, by_ends = vjp(*ctx.saved_tensors, grad, wants, ctx.threads)
    return by_weights, by_starts if wants_starts else None, by_ends if wants_ends else None, None, None


class _Distortion(torch.autograd.Function):
    forward = staticmethod(with_signature(_distortion))
    setup_context = staticmethod(_save_distortion)
    backward = staticmethod(lambda ctx, grad: _distortion_backward(_DistortionVjp.apply, ctx, grad))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_Distortion.apply, info, in_dims, *args))


def _refuse_second(ctx: Any, *along: Tensor | None) -> Any:
    raise NotImplementedError("distortion_loss: expected a first derivative, got a request for a second one")


class _DistortionVjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_distortion_vjp))
    setup_context = staticmethod(lambda ctx, inputs, output: None)  # noqa: ARG005
    backward = staticmethod(_refuse_second)
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_DistortionVjp.apply, info, in_dims, *args))


@torch.library.custom_op("fastcv::nerf_distortion", mutates_args=())
def spread(weights: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, threads: int) -> Tensor:
    return _distortion(weights, starts, ends, offsets, threads)


@torch.library.custom_op("fastcv::nerf_distortion_vjp", mutates_args=())
def spread_vjp(
    weights: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, grad: Tensor, wants_ends: bool, threads: int
) -> tuple[Tensor, Tensor, Tensor]:
    return _distortion_vjp(weights, starts, ends, offsets, grad, wants_ends, threads)


spread.register_fake(lambda weights, _starts, _ends, offsets, _threads: weights.new_empty(offsets.shape[0] - 1))


spread_vjp.register_fake(
    lambda weights, starts, ends, _offsets, _grad, wants_ends, _threads: _empty_grads(weights, starts, ends, wants_ends)
)
spread_vjp.register_autograd(_refuse_second)
spread.register_autograd(lambda ctx, grad: _distortion_backward(spread_vjp, ctx, grad), setup_context=_save_distortion)


def distortion(*args: Any) -> Tensor:
    return spread(*args) if torch.compiler.is_compiling() else _Distortion.apply(*args)
