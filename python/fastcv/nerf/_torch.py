# SPDX-License-Identifier: Apache-2.0
"""The encodings on torch tensors, with first and second derivatives.

Three operations are closed under differentiation: the features E(points, table), the gradient P by the points, and the
gradient T by the table. Each takes tangents of the points too, and is then its derivative along them; so what is second
order is one of the three again. They exist as autograd.Functions, which cost little and which torch.func knows, and as
ops of a library, which torch.compile knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._torch import run
from .grid import HashGrid

Layout = Any  # of HashGrid.packed, as an array or (for library ops) a list


def _layout(layout: Layout) -> np.ndarray:
    return layout if isinstance(layout, np.ndarray) else np.array(layout, np.int64).reshape(-1, 5)


def _width(layout: Layout) -> int:
    rows = _layout(layout)
    return int((len(rows) - 1) * rows[0, 1])


def _num_entries(layout: Layout) -> int:
    last = _layout(layout)[-1]
    return int(last[0] + last[2])


def _features(points: Tensor, tangents: Tensor | None, table: Tensor, layout: Layout, threads: int) -> Tensor:
    out = points.new_empty((len(points), _width(layout)))
    run("nerf", "hash_grid", _layout(layout), points, tangents, table, out, num_threads=threads)
    return out


def _points_vjp(
    points: Tensor, tangents: Tensor | None, table: Tensor, grad: Tensor, layout: Layout, threads: int
) -> Tensor:
    out = torch.empty_like(points, memory_format=torch.contiguous_format)
    run("nerf", "hash_grid_points_vjp", _layout(layout), points, tangents, table, grad, out, num_threads=threads)
    return out


def _table_vjp(points: Tensor, tangents: Tensor | None, grad: Tensor, layout: Layout, threads: int) -> Tensor:
    rows = _layout(layout)
    out = points.new_empty((_num_entries(rows), int(rows[0, 1])))
    run("nerf", "hash_grid_table_vjp", rows, points, tangents, grad, out, num_threads=threads)
    return out


class Derivatives:
    """How the three operations differentiate into each other, for either way of calling them."""

    def __init__(self, features: Callable, points_vjp: Callable, table_vjp: Callable) -> None:
        self.features, self.points_vjp, self.table_vjp = features, points_vjp, table_vjp

    def of_features(self, saved: Sequence[Tensor], needs: Sequence[bool], grad: Tensor, *rest: Any) -> tuple[Any, Any]:
        points, table = saved
        grad = grad.contiguous()
        by_points = self.points_vjp(points, None, table, grad, *rest) if needs[0] else None
        by_table = self.table_vjp(points, None, grad, *rest).to(table.dtype) if needs[1] else None
        return by_points, by_table

    def of_points_vjp(self, saved: Sequence[Tensor], needs: Sequence[bool], along: Tensor, *rest: Any) -> tuple[Any, ...]:
        points, table, grad = saved
        along = along.contiguous()
        by_points = self.points_vjp(points, along, table, grad, *rest) if needs[0] else None
        by_table = self.table_vjp(points, along, grad, *rest).to(table.dtype) if needs[1] else None
        by_grad = self.features(points, along, table, *rest) if needs[2] else None
        return by_points, by_table, by_grad

    def of_table_vjp(self, saved: Sequence[Tensor], needs: Sequence[bool], along: Tensor, *rest: Any) -> tuple[Any, Any]:
        points, grad = saved
        along = along.contiguous()
        by_points = self.points_vjp(points, None, along, grad, *rest) if needs[0] else None
        by_grad = self.features(points, None, along, *rest) if needs[1] else None
        return by_points, by_grad


def _refuse_third(tangents: Tensor | None) -> None:
    if tangents is not None:
        raise NotImplementedError("hash_grid: expected first or second derivatives, got a request for third ones")


class _Features(torch.autograd.Function):
    @staticmethod
    def forward(points: Tensor, tangents: Tensor | None, table: Tensor, layout: Layout, threads: int) -> Tensor:
        return _features(points, tangents, table, layout, threads)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        points, ctx.tangents, table, *ctx.rest = inputs
        ctx.save_for_backward(points, table)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx.tangents)
        needs = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
        by_points, by_table = EAGER.of_features(ctx.saved_tensors, needs, grad, *ctx.rest)
        return by_points, None, by_table, None, None


class _PointsVjp(torch.autograd.Function):
    @staticmethod
    def forward(
        points: Tensor, tangents: Tensor | None, table: Tensor, grad: Tensor, layout: Layout, threads: int
    ) -> Tensor:
        return _points_vjp(points, tangents, table, grad, layout, threads)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        points, ctx.tangents, table, grad, *ctx.rest = inputs
        ctx.save_for_backward(points, table, grad)

    @staticmethod
    def backward(ctx: Any, along: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx.tangents)
        needs = ctx.needs_input_grad[0], *ctx.needs_input_grad[2:4]
        by_points, by_table, by_grad = EAGER.of_points_vjp(ctx.saved_tensors, needs, along, *ctx.rest)
        return by_points, None, by_table, by_grad, None, None


class _TableVjp(torch.autograd.Function):
    @staticmethod
    def forward(points: Tensor, tangents: Tensor | None, grad: Tensor, layout: Layout, threads: int) -> Tensor:
        return _table_vjp(points, tangents, grad, layout, threads)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        points, ctx.tangents, grad, *ctx.rest = inputs
        ctx.save_for_backward(points, grad)

    @staticmethod
    def backward(ctx: Any, along: Tensor) -> tuple[Any, ...]:
        _refuse_third(ctx.tangents)
        needs = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
        by_points, by_grad = EAGER.of_table_vjp(ctx.saved_tensors, needs, along, *ctx.rest)
        return by_points, None, by_grad, None, None


EAGER = Derivatives(_Features.apply, _PointsVjp.apply, _TableVjp.apply)


@torch.library.custom_op("fastcv::nerf_hash_grid", mutates_args=())
def features_op(points: Tensor, tangents: Tensor | None, table: Tensor, layout: list[int], threads: int) -> Tensor:
    return _features(points, tangents, table, layout, threads)


@torch.library.custom_op("fastcv::nerf_hash_grid_points_vjp", mutates_args=())
def points_vjp_op(
    points: Tensor, tangents: Tensor | None, table: Tensor, grad: Tensor, layout: list[int], threads: int
) -> Tensor:
    return _points_vjp(points, tangents, table, grad, layout, threads)


@torch.library.custom_op("fastcv::nerf_hash_grid_table_vjp", mutates_args=())
def table_vjp_op(points: Tensor, tangents: Tensor | None, grad: Tensor, layout: list[int], threads: int) -> Tensor:
    return _table_vjp(points, tangents, grad, layout, threads)


COMPILED = Derivatives(features_op, points_vjp_op, table_vjp_op)

# Shapes of the results, for torch.compile.
features_op.register_fake(
    lambda points, _tangents, _table, layout, _threads: points.new_empty((points.shape[0], _width(layout)))
)
points_vjp_op.register_fake(lambda points, *_: points.new_empty(points.shape))
table_vjp_op.register_fake(
    lambda points, _tangents, _grad, layout, _threads: points.new_empty((_num_entries(layout), layout[1]))
)


def _features_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    _refuse_third(ctx.tangents)
    needs = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
    by_points, by_table = COMPILED.of_features(ctx.saved_tensors, needs, grad, *ctx.rest)
    return by_points, None, by_table, None, None


def _points_vjp_backward(ctx: Any, along: Tensor) -> tuple[Any, ...]:
    _refuse_third(ctx.tangents)
    needs = ctx.needs_input_grad[0], *ctx.needs_input_grad[2:4]
    by_points, by_table, by_grad = COMPILED.of_points_vjp(ctx.saved_tensors, needs, along, *ctx.rest)
    return by_points, None, by_table, by_grad, None, None


def _table_vjp_backward(ctx: Any, along: Tensor) -> tuple[Any, ...]:
    _refuse_third(ctx.tangents)
    needs = ctx.needs_input_grad[0], ctx.needs_input_grad[2]
    by_points, by_grad = COMPILED.of_table_vjp(ctx.saved_tensors, needs, along, *ctx.rest)
    return by_points, None, by_grad, None, None


features_op.register_autograd(_features_backward, setup_context=_Features.setup_context)
points_vjp_op.register_autograd(_points_vjp_backward, setup_context=_PointsVjp.setup_context)
table_vjp_op.register_autograd(_table_vjp_backward, setup_context=_TableVjp.setup_context)


def hash_grid(points: Tensor, table: Tensor, grid: HashGrid, max_level: int | None, num_threads: int) -> Tensor:
    layout = grid.packed(max_level)
    if torch.compiler.is_compiling():
        return features_op(points, None, table, layout.ravel().tolist(), num_threads)
    return _Features.apply(points, None, table, layout, num_threads)
