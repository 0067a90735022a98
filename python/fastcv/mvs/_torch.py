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
