# SPDX-License-Identifier: Apache-2.0
"""Samplers on torch tensors: called as they are, and as library ops under torch.compile. No gradient flows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .._torch import run


def _stratified(
    near: Tensor, far: Tensor, count: int, disparity: bool, seed: int | None, first_ray: int, threads: int
) -> Tensor:
    out = near.new_empty((near.shape[0], count + 1))
    run("nerf", "sample_stratified", near, far, disparity, _unsigned(seed), first_ray, out, num_threads=threads)
    return out


def _pdf(
    starts: Tensor,
    ends: Tensor | None,
    weights: Tensor,
    offsets: Tensor | None,
    count: int,
    seed: int | None,
    first_ray: int,
    threads: int,
) -> Tensor:
    out = starts.new_empty((_rays(starts, offsets), count + 1))
    arrays = starts, ends, weights, offsets
    run("nerf", "sample_pdf", *arrays, _unsigned(seed), first_ray, out, num_threads=threads)
    return out


def _merged(a: Tensor, b: Tensor, threads: int) -> Tensor:
    out = a.new_empty((a.shape[0], a.shape[1] + b.shape[1]))
    run("nerf", "merge_edges", a, b, out, num_threads=threads)
    return out


def _rays(starts: Tensor, offsets: Tensor | None) -> int:
    return starts.shape[0] if offsets is None else offsets.shape[0] - 1


def _unsigned(seed: int | None) -> int | None:
    """A library op's integers have a sign."""
    return None if seed is None else seed % 2**64


stratified_op = torch.library.custom_op("fastcv::nerf_sample_stratified", _stratified, mutates_args=())
pdf_op = torch.library.custom_op("fastcv::nerf_sample_pdf", _pdf, mutates_args=())
merged_op = torch.library.custom_op("fastcv::nerf_merge_edges", _merged, mutates_args=())
stratified_op.register_fake(lambda near, _far, count, *_: near.new_empty((near.shape[0], count + 1)))
pdf_op.register_fake(
    lambda starts, _ends, _weights, offsets, count, *_: starts.new_empty((_rays(starts, offsets), count + 1))
)
merged_op.register_fake(lambda a, b, _threads: a.new_empty((a.shape[0], a.shape[1] + b.shape[1])))


def _plain(arg: Any) -> Any:
    if isinstance(arg, Tensor):
        return arg.detach()
    return arg - 2**64 if isinstance(arg, int) and arg >= 2**63 else arg


def sample_stratified(*args: Any) -> Tensor:
    return (stratified_op if torch.compiler.is_compiling() else _stratified)(*map(_plain, args))


def sample_pdf(*args: Any) -> Tensor:
    return (pdf_op if torch.compiler.is_compiling() else _pdf)(*map(_plain, args))


def merge_edges(*args: Any) -> Tensor:
    return (merged_op if torch.compiler.is_compiling() else _merged)(*map(_plain, args))
