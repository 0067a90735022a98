# SPDX-License-Identifier: Apache-2.0
"""Volume rendering on torch tensors.

Rendering and its gradient are autograd.Functions, which cost little and which torch.func knows, and ops of a library,
which torch.compile knows. Native code does both; what is differentiated twice is composed of torch's own operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from .._torch import one_by_one, run, with_signature

LEAST_OPACITY = 2.0**-23  # of cpp/nerf/render.h

Maybe: TypeAlias = "Tensor | None"


def _render(
    densities: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, colors: Maybe, background: Maybe,
    early_stop: float, threads: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    color, *others = out = _empty_results(densities, offsets, colors)
    inputs = (densities, starts, ends, offsets, colors, background)
    run("nerf", "render", *inputs, early_stop, None if colors is None else color, *others, num_threads=threads)
    return out


def _empty_results(densities: Tensor, offsets: Tensor, colors: Maybe) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rays = offsets.shape[0] - 1
    color = densities.new_empty((rays, 0 if colors is None else colors.shape[1]))
    return color, densities.new_empty(rays), densities.new_empty(rays), torch.empty_like(densities)


def _vjp(
    densities: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, colors: Maybe, background: Maybe,
    depth: Tensor, opacity: Tensor, weights: Tensor,
    by_color: Maybe, by_depth: Maybe, by_opacity: Maybe, by_weights: Maybe,
    wants_lengths: bool, wants_colors: bool, wants_background: bool, early_stop: float, threads: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Gradients by densities, starts and ends (lengths), colours and background: empty where not wanted."""
    inputs = (densities, starts, ends, offsets, colors, background)
    grads = [None if g is None else g.contiguous() for g in (by_color, by_depth, by_opacity, by_weights)]
    if colors is None:
        grads[0] = None
    wanted = (wants_lengths, wants_lengths, wants_colors, wants_background)
    out = _empty_grads(inputs, wanted)
    given = (out[0], *(o if w else None for o, w in zip(out[1:], wanted, strict=True)))
    run("nerf", "render_vjp", *inputs, early_stop, depth, opacity, weights, *grads, *given, num_threads=threads)
    return out


def _empty_grads(inputs: Sequence[Any], wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    densities, starts, ends, _, colors, background = inputs
    others = [
        torch.empty_like(x) if x is not None and w else densities.new_empty(0)
        for x, w in zip((starts, ends, colors, background), wanted, strict=True)
    ]
    return torch.empty_like(densities), others[0], others[1], others[2], others[3]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.early_stop, ctx.threads = inputs
    ctx.save_for_backward(*tensors, *output[1:])
    ctx.set_materialize_grads(False)


def _backward(vjp: Any, ctx: Any, *grads: Maybe) -> tuple[Any, ...]:
    densities, starts, ends, _, colors, background, *_ = ctx.needs_input_grad
    wants = (starts or ends, colors, background)
    results = vjp(*ctx.saved_tensors, *grads, *wants, ctx.early_stop, ctx.threads)
    by_densities, by_starts, by_ends, by_colors, by_background = (
        result if wanted else None
        for result, wanted in zip(results, (densities, starts, ends, colors, background), strict=True)
    )
    return by_densities, by_starts, by_ends, None, by_colors, by_background, None, None


def _save_vjp(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:  # noqa: ARG001
    *tensors, ctx.wants_lengths, ctx.wants_colors, ctx.wants_background, ctx.early_stop, _ = inputs
    ctx.save_for_backward(*tensors)
    ctx.set_materialize_grads(False)


def _composed(inputs: Sequence[Any], offsets: Tensor, early_stop: float) -> list[Tensor]:
    """Colour, depth, opacity and weights by torch's own operations."""
    densities, starts, ends, colors, background = inputs
    rays = offsets.shape[0] - 1
    ray = torch.searchsorted(offsets, torch.arange(densities.shape[0], device=offsets.device), right=True) - 1
    lengths = ends - starts
    optical = torch.where(lengths > 0, densities * lengths, 0).clamp_min(0)
    # Sums over all rays: neither an opaque sample nor NaN may reach the next ray, nor rounding.
    total = torch.cumsum(optical.double().nan_to_num(nan=0.0).clamp_max(1e3), 0)
    total = torch.cat([total.new_zeros(1), total])
    light = torch.exp(total[offsets.clamp_max(densities.shape[0])][ray] - total[:-1]).to(densities.dtype)
    weights = torch.where((light >= early_stop) & (ray < rays), light * -torch.expm1(-optical), 0)

    def per_ray(values: Tensor) -> Tensor:
        return values.new_zeros((rays + 1, *values.shape[1:])).index_add(0, ray, values)[:rays]

    opacity = per_ray(weights)
    depth = per_ray(weights * (starts + ends) / 2) / opacity.clamp_min(LEAST_OPACITY)
    color = weights.new_zeros((rays, 0)) if colors is None else per_ray(weights[:, None] * colors)
    if background is not None:
        color = color + (1 - opacity)[:, None] * background
    return [color, depth, opacity, weights]


def _second(ctx: Any, *along: Maybe) -> tuple[Any, ...]:
    """The gradient of a gradient: twice reverse, of what is composed."""
    densities, starts, ends, offsets, colors, background, *_, by_color, by_depth, by_opacity, by_weights = (
        ctx.saved_tensors
    )
    inputs, grads = [densities, starts, ends, colors, background], [by_color, by_depth, by_opacity, by_weights]
    present = [i for i, x in enumerate(inputs) if x is not None]
    known = [i for i, g in enumerate(grads) if g is not None]

    def outputs(*primals: Tensor) -> tuple[Tensor, ...]:
        filled: list[Any] = [None] * 5
        for i, primal in zip(present, primals, strict=True):
            filled[i] = primal
        results = _composed(filled, offsets, ctx.early_stop)
        return tuple(results[i] for i in known)

    def gradients(*both: Tensor) -> tuple[Tensor, ...]:
        _, pull = torch.func.vjp(outputs, *both[: len(present)])
        return pull(both[len(present) :])

    primals = [inputs[i] for i in present]
    wanted = (True, ctx.wants_lengths, ctx.wants_lengths, ctx.wants_colors, ctx.wants_background)
    directions = [
        torch.zeros_like(x) if along[i] is None or not wanted[i] else along[i]
        for i, x in zip(present, primals, strict=True)
    ]
    _, pull = torch.func.vjp(gradients, *primals, *(grads[i] for i in known))
    results = pull(tuple(directions))
    places = [(0, 1, 2, 4, 5)[i] for i in present] + [9 + i for i in known]
    by_all: list[Maybe] = [None] * 18
    for place, result in zip(places, results, strict=True):
        by_all[place] = result
    return tuple(by_all)


class _Render(torch.autograd.Function):
    forward = staticmethod(with_signature(_render))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, *grads: _backward(_RenderVjp.apply, ctx, *grads))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_Render.apply, info, in_dims, *args))


class _RenderVjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_vjp))
    setup_context = staticmethod(_save_vjp)
    backward = staticmethod(_second)
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_RenderVjp.apply, info, in_dims, *args))


@torch.library.custom_op("fastcv::nerf_render", mutates_args=())
def rendered(
    densities: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, colors: Tensor | None,
    background: Tensor | None, early_stop: float, threads: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    return _render(densities, starts, ends, offsets, colors, background, early_stop, threads)


@torch.library.custom_op("fastcv::nerf_render_vjp", mutates_args=())
def rendered_vjp(
    densities: Tensor, starts: Tensor, ends: Tensor, offsets: Tensor, colors: Tensor | None,
    background: Tensor | None, depth: Tensor, opacity: Tensor, weights: Tensor, by_color: Tensor | None,
    by_depth: Tensor | None, by_opacity: Tensor | None, by_weights: Tensor | None,
    wants_lengths: bool, wants_colors: bool, wants_background: bool, early_stop: float, threads: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    inputs = (densities, starts, ends, offsets, colors, background, depth, opacity, weights)
    grads, wants = (by_color, by_depth, by_opacity, by_weights), (wants_lengths, wants_colors, wants_background)
    return _vjp(*inputs, *grads, *wants, early_stop, threads)


rendered.register_fake(
    lambda densities, _starts, _ends, offsets, colors, *_: _empty_results(densities, offsets, colors)
)


@rendered_vjp.register_fake
def _(*args: Any) -> Any:
    wants_lengths, wants_colors, wants_background = args[13:16]
    return _empty_grads(args[:6], (wants_lengths, wants_lengths, wants_colors, wants_background))


rendered.register_autograd(lambda ctx, *grads: _backward(rendered_vjp, ctx, *grads), setup_context=_save)
rendered_vjp.register_autograd(_second, setup_context=_save_vjp)


def render(*args: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return rendered(*args) if torch.compiler.is_compiling() else _Render.apply(*args)
