# SPDX-License-Identifier: Apache-2.0
"""torch custom ops of multi-view stereo, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._arrays import Call, handle
from ._features import Camera, FeatureSweep, cameras_of, prepare
from ._hypotheses import Surfaces, hypotheses_of_costs
from .planes import DepthRange, SlantedPlanes
from .views import View, names_of


def pack_cameras(views: Sequence[View]) -> Tensor:
    """K and cam_from_world of views, (V, 21) in double precision on the host. Their values are not looked at yet."""
    rows = []
    for name, view in zip(names_of(len(views) - 1), views, strict=True):
        for field, shape in (("K", (3, 3)), ("cam_from_world", (3, 4))):
            value = getattr(view, field)
            value = value if isinstance(value, Tensor) else torch.from_numpy(np.array(value, np.float64))
            if tuple(value.shape) != shape:
                raise ValueError(f"{name}.{field}: expected shape {shape}, got {tuple(value.shape)}")
            if value.requires_grad:
                raise ValueError(f"{name}.{field}: expected a constant, got a tensor that requires a gradient")
            rows.append(value.to("cpu", torch.float64).flatten())
    return torch.cat(rows).reshape(len(views), 21)


def unpack_cameras(rows: Tensor) -> list[Camera]:
    """What ``pack_cameras`` packed, checked."""
    return cameras_of([View(None, row[:9].reshape(3, 3), row[9:].reshape(3, 4)) for row in rows.numpy()])


def depths_like(depths: Any, features: Tensor) -> Tensor:
    """The depths in float32, contiguous, where the features are; gradients flow through."""
    depths = depths if isinstance(depths, Tensor) else torch.from_numpy(np.array(depths, np.float32))
    return depths.to(features.device, torch.float32).contiguous()


def _prepare(
    features: Sequence[Tensor], cameras: Tensor, depths: Tensor, reduce: str, num_groups: int, num_threads: int
) -> FeatureSweep:
    call = Call()
    names = names_of(len(features) - 1)
    arrays = [
        call.input(f"{name}.image", f.detach(), ("C", None, None), ("float32",))
        for name, f in zip(names, features, strict=True)
    ]
    return prepare(call, arrays, unpack_cameras(cameras), depths.detach(), reduce, num_groups, num_threads)


@torch.library.custom_op("fastcv::mvs_feature_volume", mutates_args=())
def feature_volume(
    reference: Tensor,
    sources: Sequence[Tensor],
    cameras: Tensor,
    depths: Tensor,
    reduce: str,
    num_groups: int,
    num_threads: int,
) -> tuple[Tensor, Tensor]:
    sweep = _prepare([reference, *sources], cameras, depths, reduce, num_groups, num_threads)
    values = reference.new_empty((*sweep.size, num_groups))
    num_seen = reference.new_empty(sweep.size, dtype=torch.uint8)
    execution = sweep.call.execution(num_threads)
    sweep.call.backend.mvs.feature_volume(*sweep.native(), handle(values), handle(num_seen), execution)
    return values, num_seen


@torch.library.custom_op("fastcv::mvs_feature_volume_vjp", mutates_args=())
def feature_volume_vjp(
    grad: Tensor,
    reference: Tensor,
    sources: Sequence[Tensor],
    cameras: Tensor,
    depths: Tensor,
    reduce: str,
    num_groups: int,
    num_threads: int,
) -> list[Tensor]:
    sweep = _prepare([reference, *sources], cameras, depths, reduce, num_groups, num_threads)
    grads = [torch.empty_like(features, memory_format=torch.contiguous_format) for features in (reference, *sources)]
    handles = [handle(g) for g in grads]
    execution = sweep.call.execution(num_threads)
    sweep.call.backend.mvs.feature_volume_vjp(*sweep.native(), handle(grad), handles[0], handles[1:], execution)
    return grads


@torch.library.custom_op("fastcv::mvs_feature_volume_depth_vjp", mutates_args=())
def feature_volume_depth_vjp(
    grad: Tensor,
    reference: Tensor,
    sources: Sequence[Tensor],
    cameras: Tensor,
    depths: Tensor,
    reduce: str,
    num_groups: int,
    num_threads: int,
) -> Tensor:
    sweep = _prepare([reference, *sources], cameras, depths, reduce, num_groups, num_threads)
    grad_depths = reference.new_empty(sweep.size)
    execution = sweep.call.execution(num_threads)
    sweep.call.backend.mvs.feature_volume_depth_vjp(*sweep.native(), handle(grad), handle(grad_depths), execution)
    return grad_depths.sum((1, 2)) if depths.ndim == 1 else grad_depths


# Shapes of the results, for torch.compile.
@feature_volume.register_fake
def _(reference: Tensor, _sources: Any, _cameras: Any, depths: Tensor, _reduce: str, groups: int, _threads: int) -> Any:
    size = depths.shape[0], *reference.shape[1:]
    return reference.new_empty((*size, groups)), reference.new_empty(size, dtype=torch.uint8)


feature_volume_vjp.register_fake(
    lambda _grad, reference, sources, *_: [f.new_empty(f.shape) for f in (reference, *sources)]
)
feature_volume_depth_vjp.register_fake(
    lambda _grad, _reference, _sources, _cameras, depths, *_: depths.new_empty(depths.shape)
)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ARG001
    reference, sources, cameras, depths, *ctx.options = inputs
    ctx.save_for_backward(reference, cameras, depths, *sources)


def _backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Any, ...]:
    reference, cameras, depths, *sources = ctx.saved_tensors
    arguments = grad.contiguous(), reference, sources, cameras, depths, *ctx.options
    wants_reference, wants_sources, _, wants_depths, *_ = ctx.needs_input_grad
    grads: list[Any] = [None] * (1 + len(sources))
    if wants_reference or any(wants_sources):
        grads = feature_volume_vjp(*arguments)
    grad_depths = feature_volume_depth_vjp(*arguments) if wants_depths else None
    return grads[0], grads[1:], None, grad_depths, None, None, None


feature_volume.register_autograd(_backward, setup_context=_save)


def pack_surfaces(depths: Surfaces, K: Any) -> tuple[str, list[Tensor], int]:
    """Surfaces as what an op takes: their kind, tensors, and a number. Their values are not looked at yet."""

    def constant(name: str, value: Any) -> Tensor:
        value = value if isinstance(value, Tensor) else torch.from_numpy(np.array(value, np.float64))
        if value.requires_grad:
            raise ValueError(f"{name}: expected a constant, got a tensor that requires a gradient")
        return value

    if isinstance(depths, DepthRange):
        for name, bound in (("near", depths.near), ("far", depths.far)):
            if not isinstance(bound, Tensor):
                raise TypeError(f"depths.{name}: expected a torch tensor as the costs are, got {type(bound).__name__}")
        return "range", [constant("depths.near", depths.near), constant("depths.far", depths.far)], depths.num
    if isinstance(depths, SlantedPlanes):
        tensors = [constant("depths.normal", depths.normal), constant("depths.offsets", depths.offsets)]
        return "slanted", tensors if K is None else [*tensors, constant("K", K)], 0
    return "planes", [constant("depths", depths)], 0


def _soft_call(costs: Tensor, kind: str, surfaces: Sequence[Tensor], num: int) -> tuple[Call, tuple[Any, ...]]:
    """The first arguments of the native functions, checked."""
    call = Call()
    costs = call.input("costs", costs.detach(), ("D", "H", "W"), ("float32",))
    depths: Surfaces
    K = None
    if kind == "range":
        depths = DepthRange(surfaces[0], surfaces[1], num)
    else:
        values = [surface.cpu().numpy() for surface in surfaces]
        depths = values[0] if kind == "planes" else SlantedPlanes(*values[:2])
        K = values[2] if len(values) == 3 else None
    planes, bounds = hypotheses_of_costs(call, depths, K)
    return call, (handle(costs), planes, handle(bounds))


@torch.library.custom_op("fastcv::mvs_soft_argmin", mutates_args=())
def soft_argmin(
    costs: Tensor, kind: str, surfaces: Sequence[Tensor], num: int, temperature: float, num_threads: int
) -> tuple[Tensor, Tensor]:
    call, native = _soft_call(costs, kind, surfaces, num)
    depth, uncertainty = (costs.new_empty(costs.shape[1:]) for _ in range(2))
    execution = call.execution(num_threads)
    call.backend.mvs.soft_argmin(*native, 1 / temperature, handle(depth), handle(uncertainty), execution)
    return depth, uncertainty


@torch.library.custom_op("fastcv::mvs_soft_argmin_vjp", mutates_args=())
def soft_argmin_vjp(
    grad_depth: Tensor,
    grad_uncertainty: Tensor,
    costs: Tensor,
    kind: str,
    surfaces: Sequence[Tensor],
    num: int,
    temperature: float,
    num_threads: int,
) -> Tensor:
    call, native = _soft_call(costs, kind, surfaces, num)
    grad = torch.empty_like(costs, memory_format=torch.contiguous_format)
    grads, execution = (handle(grad_depth), handle(grad_uncertainty)), call.execution(num_threads)
    call.backend.mvs.soft_argmin_vjp(*native, 1 / temperature, *grads, handle(grad), execution)
    return grad


soft_argmin.register_fake(lambda costs, *_: (costs.new_empty(costs.shape[1:]), costs.new_empty(costs.shape[1:])))
soft_argmin_vjp.register_fake(lambda _depth, _uncertainty, costs, *_: costs.new_empty(costs.shape))


def _save_costs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ARG001
    costs, ctx.kind, surfaces, *ctx.options = inputs
    ctx.save_for_backward(costs, *surfaces)


def _soft_backward(ctx: Any, grad_depth: Tensor, grad_uncertainty: Tensor) -> tuple[Any, ...]:
    costs, *surfaces = ctx.saved_tensors
    grads = grad_depth.contiguous(), grad_uncertainty.contiguous()
    grad = soft_argmin_vjp(*grads, costs, ctx.kind, surfaces, *ctx.options)
    return grad, None, [None] * len(surfaces), None, None, None


soft_argmin.register_autograd(_soft_backward, setup_context=_save_costs)
