# SPDX-License-Identifier: Apache-2.0
"""The encodings on torch tensors, with first and second derivatives.

Three operations are closed under differentiation: the features E(points, table), the gradient P by the points, and the
gradient T by the table. Each takes tangents of the points too, and is then its derivative along them; so what is second
order is one of the three again. They exist as autograd.Functions, which cost little and which torch.func knows, and as
ops of a library, which torch.compile knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._torch import one_by_one, run, with_signature
from .grid import HashGrid

Layout = Any  # of HashGrid.packed, as an array or (for library ops) a list


def _layout(layout: Layout) -> np.ndarray:
    return layout if isinstance(layout, np.ndarray) else np.array(layout, np.int64).reshape(-1, 5)


def _features_shape(points: Tensor, numbers: list[int]) -> tuple[int, int]:
    return points.shape[0], (len(numbers) // 5 - 1) * numbers[1]


def _table_shape(numbers: list[int]) -> tuple[int, int]:
    return numbers[-5] + numbers[-3], numbers[1]


def _features(points: Tensor, tangents: Tensor | None, table: Tensor, layout: Layout, threads: int) -> Tensor:
    rows = _layout(layout)
    out = points.new_empty(_features_shape(points, rows.ravel().tolist()))
    run("nerf", "hash_grid", rows, table, points, tangents, out, num_threads=threads)
    return out


def _points_vjp(
    points: Tensor, tangents: Tensor | None, table: Tensor, grad: Tensor, layout: Layout, threads: int
) -> Tensor:
    out = torch.empty_like(points, memory_format=torch.contiguous_format)
    run("nerf", "hash_grid_points_vjp", _layout(layout), table, points, tangents, grad, out, num_threads=threads)
    return out


def _table_vjp(points: Tensor, tangents: Tensor | None, grad: Tensor, layout: Layout, threads: int) -> Tensor:
    rows = _layout(layout)
    out = points.new_empty(_table_shape(rows.ravel().tolist()))
    run("nerf", "hash_grid_table_vjp", rows, points, tangents, grad, out, False, num_threads=threads)
    return out


class Derivatives:
    """How the three operations differentiate into each other, for either way of calling them."""

    def __init__(self, features: Callable, points_vjp: Callable, table_vjp: Callable) -> None:
        self.features, self.points_vjp, self.table_vjp = features, points_vjp, table_vjp

    def of_features(self, ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        points, table = ctx.saved_tensors
        wants_points, _, wants_table, *_ = ctx.needs_input_grad
        grad = grad.contiguous()
        by_points = self.points_vjp(points, None, table, grad, *ctx.options) if wants_points else None
        by_table = self.table_vjp(points, None, grad, *ctx.options).to(table.dtype) if wants_table else None
        return by_points, None, by_table, None, None

    def of_points_vjp(self, ctx: Any, along: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        points, table, grad = ctx.saved_tensors
        wants_points, _, wants_table, wants_grad, *_ = ctx.needs_input_grad
        along = along.contiguous()
        by_points = self.points_vjp(points, along, table, grad, *ctx.options) if wants_points else None
        by_table = self.table_vjp(points, along, grad, *ctx.options).to(table.dtype) if wants_table else None
        by_grad = self.features(points, along, table, *ctx.options) if wants_grad else None
        return by_points, None, by_table, by_grad, None, None

    def of_table_vjp(self, ctx: Any, along: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx)
        points, grad = ctx.saved_tensors
        wants_points, _, wants_grad, *_ = ctx.needs_input_grad
        along = along.contiguous()
        by_points = self.points_vjp(points, None, along, grad, *ctx.options) if wants_points else None
        by_grad = self.features(points, None, along, *ctx.options) if wants_grad else None
        return by_points, None, by_grad, None, None


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    points, tangents, *arrays, layout, threads = inputs
    ctx.along_tangents, ctx.options = tangents is not None, (layout, threads)
    ctx.save_for_backward(points, *arrays)


def _refuse_third(ctx: Any) -> None:
    if ctx.along_tangents:
        raise NotImplementedError("hash_grid: expected first or second derivatives, got a request for third ones")


class _Features(torch.autograd.Function):
    forward = staticmethod(with_signature(_features))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, grad: _eager.of_features(ctx, grad))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_Features.apply, info, in_dims, *args))


class _PointsVjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_points_vjp))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, along: _eager.of_points_vjp(ctx, along))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_PointsVjp.apply, info, in_dims, *args))


class _TableVjp(torch.autograd.Function):
    forward = staticmethod(with_signature(_table_vjp))
    setup_context = staticmethod(_save)
    backward = staticmethod(lambda ctx, along: _eager.of_table_vjp(ctx, along))
    vmap = staticmethod(lambda info, in_dims, *args: one_by_one(_TableVjp.apply, info, in_dims, *args))


_eager: Derivatives = Derivatives(_Features.apply, _PointsVjp.apply, _TableVjp.apply)


@torch.library.custom_op("fastcv::nerf_hash_grid", mutates_args=())
def features(points: Tensor, tangents: Tensor | None, table: Tensor, layout: list[int], threads: int) -> Tensor:
    return _features(points, tangents, table, layout, threads)


@torch.library.custom_op("fastcv::nerf_hash_grid_points_vjp", mutates_args=())
def points_vjp(
    points: Tensor, tangents: Tensor | None, table: Tensor, grad: Tensor, layout: list[int], threads: int
) -> Tensor:
    return _points_vjp(points, tangents, table, grad, layout, threads)


@torch.library.custom_op("fastcv::nerf_hash_grid_table_vjp", mutates_args=())
def table_vjp(points: Tensor, tangents: Tensor | None, grad: Tensor, layout: list[int], threads: int) -> Tensor:
    return _table_vjp(points, tangents, grad, layout, threads)


# Shapes of the results, for torch.compile.
features.register_fake(
    lambda points, _tangents, _table, layout, _threads: points.new_empty(_features_shape(points, layout))
)
points_vjp.register_fake(lambda points, *_: points.new_empty(points.shape))
table_vjp.register_fake(lambda points, _tangents, _grad, layout, _threads: points.new_empty(_table_shape(layout)))

_compiled = Derivatives(features, points_vjp, table_vjp)
features.register_autograd(_compiled.of_features, setup_context=_save)
points_vjp.register_autograd(_compiled.of_points_vjp, setup_context=_save)
table_vjp.register_autograd(_compiled.of_table_vjp, setup_context=_save)


def hash_grid(points: Tensor, table: Tensor, grid: HashGrid, max_level: int | None, num_threads: int) -> Tensor:
    if torch.compiler.is_compiling():
        return features(points, None, table, grid.numbers(max_level), num_threads)
    return _Features.apply(points, None, table, grid.packed(max_level), num_threads)
