# SPDX-License-Identifier: Apache-2.0
"""Small networks on torch tensors, with first and second derivatives.

Two operations are closed under differentiation: the outputs F(parameters, inputs), and the gradients V by both. Each
takes tangents of parameters and inputs too, and is then its derivative along them; so what is second order is one of
the two again. They exist as autograd.Functions, which cost little and which torch.func knows, and as ops of a library,
which torch.compile knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._torch import one_by_one, run, with_signature
from .network import Mlp

Network = Any  # Mlp.packed, or (for library ops) a list of the same numbers


def _network(network: Network) -> np.ndarray:
    return network if isinstance(network, np.ndarray) else np.array(network, np.int64)


def _outputs(
    parameters: Tensor,
    inputs: Tensor,
    parameter_tangents: Tensor | None,
    input_tangents: Tensor | None,
    network: Network,
    threads: int,
) -> Tensor:
    numbers = _network(network)
    out = inputs.new_empty((inputs.shape[0], int(numbers[1])))
    run("nerf", "mlp", numbers, parameters, inputs, parameter_tangents, input_tangents, out, num_threads=threads)
    return out


def _gradients(
    parameters: Tensor,
    inputs: Tensor,
    parameter_tangents: Tensor | None,
    input_tangents: Tensor | None,
    grad: Tensor,
    wants_parameters: bool,
    wants_inputs: bool,
    network: Network,
    threads: int,
) -> tuple[Tensor, Tensor]:
    """By parameters and by inputs; one that is not wanted is empty."""
    tangents = parameter_tangents, input_tangents
    dtype = torch.float64 if inputs.dtype == torch.float64 else torch.float32
    by_parameters = parameters.new_empty(parameters.shape if wants_parameters else 0, dtype=dtype)
    by_inputs = inputs.new_empty(inputs.shape if wants_inputs else 0)
    wanted = by_inputs if wants_inputs else None, by_parameters if wants_parameters else None
    run("nerf", "mlp_vjp", _network(network), parameters, inputs, *tangents, grad, *wanted, num_threads=threads)
    return by_parameters.to(parameters.dtype), by_inputs


class Derivatives:
    """How the two operations differentiate into each other, for either way of calling them."""

    def __init__(self, outputs: Callable, gradients: Callable) -> None:
        self.outputs, self.gradients = outputs, gradients

    def of_outputs(self, ctx: Any, grad: Tensor | None) -> tuple[Any, ...]:
        _refuse_third(ctx)
        nothing = (None,) * 6
        if grad is None:
            return nothing
        wants = ctx.needs_input_grad[:2]
        results = self.gradients(*ctx.saved_tensors, None, None, grad.contiguous(), *wants, *ctx.options)
        return *(g if wanted else None for g, wanted in zip(results, wants, strict=True)), *nothing[2:]

    def of_gradients(self, ctx: Any, *along: Tensor | None) -> tuple[Any, ...]:
        """``along``: a direction of the parameters, and one of the inputs."""
        _refuse_third(ctx)
        nothing = (None,) * 9
        tangents = [t.contiguous() if t is not None and has else None for t, has in zip(along, ctx.wanted, strict=True)]
        if all(t is None for t in tangents):
            return nothing
        parameters, inputs, grad = ctx.saved_tensors
        wants, wants_grad = ctx.needs_input_grad[:2], ctx.needs_input_grad[4]
        second = [None, None]
        if any(wants):
            results = self.gradients(parameters, inputs, *tangents, grad, *wants, *ctx.options)
            second = [g if wanted else None for g, wanted in zip(results, wants, strict=True)]
        by_grad = self.outputs(parameters, inputs, *tangents, *ctx.options) if wants_grad else None
        return *second, None, None, by_grad, *nothing[5:]


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ARG001
    parameters, points, parameter_tangents, input_tangents, *grad_and_wanted, network, threads = inputs
    ctx.set_materialize_grads(False)
    ctx.along_tangents = parameter_tangents is not None or input_tangents is not None
    ctx.options = network, threads
    ctx.wanted = grad_and_wanted[1:]
    ctx.save_for_backward(parameters, points, *grad_and_wanted[:1])


def _refuse_third(ctx: Any) -> None:
    if ctx.along_tangents:
        raise NotImplementedError("mlp: expected first or second derivatives, got a request for third ones")


class _Outputs(torch.autograd.Function):
    forward = staticmethod(with_signature(_outputs))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, grad: _eager.of_outputs(ctx, grad))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_Outputs.apply, info, in_dims, *args))


class _Gradients(torch.autograd.Function):
    forward = staticmethod(with_signature(_gradients))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, *along: _eager.of_gradients(ctx, *along))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_Gradients.apply, info, in_dims, *args))


_eager: Derivatives = Derivatives(_Outputs.apply, _Gradients.apply)


@torch.library.custom_op("fastcv::nerf_mlp", mutates_args=())
def outputs(
    parameters: Tensor,
    inputs: Tensor,
    parameter_tangents: Tensor | None,
    input_tangents: Tensor | None,
    network: list[int],
    threads: int,
) -> Tensor:
    return _outputs(parameters, inputs, parameter_tangents, input_tangents, network, threads)


@torch.library.custom_op("fastcv::nerf_mlp_vjp", mutates_args=())
def gradients(
    parameters: Tensor,
    inputs: Tensor,
    parameter_tangents: Tensor | None,
    input_tangents: Tensor | None,
    grad: Tensor,
    wants_parameters: bool,
    wants_inputs: bool,
    network: list[int],
    threads: int,
) -> tuple[Tensor, Tensor]:
    wants = wants_parameters, wants_inputs
    return _gradients(parameters, inputs, parameter_tangents, input_tangents, grad, *wants, network, threads)


@outputs.register_fake
def _(parameters: Tensor, inputs: Tensor, _p: Any, _i: Any, network: list[int], _threads: int) -> Tensor:  # noqa: ARG001
    return inputs.new_empty((inputs.shape[0], network[1]))


@gradients.register_fake
def _(parameters: Tensor, inputs: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    wants_parameters, wants_inputs = rest[3:5]
    by_parameters = parameters.new_empty(parameters.shape if wants_parameters else 0)
    return by_parameters, inputs.new_empty(inputs.shape if wants_inputs else 0)


_compiled = Derivatives(outputs, gradients)
outputs.register_autograd(_compiled.of_outputs, setup_context=_save)
gradients.register_autograd(_compiled.of_gradients, setup_context=_save)


def autocast(*tensors: Tensor) -> list[Tensor]:
    """Under torch.autocast, float32 and half precision tensors in the type that is asked for."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return list(tensors)
    dtype, eligible = torch.get_autocast_dtype(device), (torch.float32, torch.float16, torch.bfloat16)
    return [t.to(dtype) if t.dtype in eligible else t for t in tensors]


def mlp(inputs: Tensor, parameters: Tensor, net: Mlp, num_threads: int) -> Tensor:
    if torch.compiler.is_compiling():
        return outputs(parameters, inputs, None, None, net.numbers(), num_threads)
    return _Outputs.apply(parameters, inputs, None, None, net.packed(), num_threads)
