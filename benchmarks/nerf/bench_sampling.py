# SPDX-License-Identifier: Apache-2.0
"""Hierarchical sampling and the proposal's loss on 2^15 rays, against torch as NeRF code in Python has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from benchmarks._harness import Contest, agree_to, case

from fastcv import get_num_threads
from fastcv.nerf import interlevel_loss, sample_pdf

COARSE, FINE = 64, 128
BY_SEARCH = "torch, searchsorted", torch.__version__


def inputs(contest: Contest) -> tuple[np.ndarray, np.ndarray]:
    """Edges and weights, (R, 65) and (R, 64)."""
    rays = 2**11 if contest.quick else 2**15
    rng = np.random.default_rng(0)
    edges = np.cumsum(rng.random((rays, COARSE + 1), np.float32) + np.float32(0.1), 1) / COARSE
    weights = rng.random((rays, COARSE), np.float32) + np.float32(0.1)
    contest.note(rays=rays, coarse=COARSE, fine=FINE, threads=get_num_threads())
    torch.set_num_threads(get_num_threads())
    return edges, weights / weights.sum(1, keepdims=True)


def torch_pdf(edges: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The inverse of the distribution function at even places, as in the code of NeRF (run_nerf_helpers.py)."""
    cdf = torch.cumsum(weights / weights.sum(1, keepdim=True), 1)
    cdf = torch.cat([torch.zeros_like(cdf[:, :1]), cdf], 1)
    places = torch.linspace(0, 1, FINE + 1).expand(len(edges), -1).contiguous()
    above = torch.searchsorted(cdf, places, right=True).clamp(max=COARSE)
    below = above - 1
    low, high = cdf.gather(1, below), cdf.gather(1, above)
    part = ((places - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    start, end = edges.gather(1, below), edges.gather(1, above)
    return start + part * (end - start)


def torch_interlevel(edges: Any, weights: Any, bounds: Any, bound_weights: Any) -> torch.Tensor:
    """As in the code of mip-NeRF 360: outer sums from differences of the distribution function."""
    total = torch.cat([torch.zeros_like(bound_weights[:, :1]), torch.cumsum(bound_weights, 1)], 1)
    low = torch.searchsorted(bounds, edges[:, :-1].contiguous(), right=True).sub(1).clamp(min=0)
    high = torch.searchsorted(bounds, edges[:, 1:].contiguous()).clamp(max=bounds.shape[1] - 1)
    bound = total.gather(1, high) - total.gather(1, low)
    return ((weights - bound).clamp(min=0).square() / (weights + 2.0**-23)).sum(1)


@case
def sample_pdf_2_15(contest: Contest) -> None:
    arrays = inputs(contest)
    tensors = tuple(torch.from_numpy(array) for array in arrays)
    contest.ours(lambda: sample_pdf(*arrays, FINE))
    # Sums of 64 terms are known to 1e-6, and the smallest weights of 2e-3 make 500 times as much of that.
    contest.peer(*BY_SEARCH, lambda: torch_pdf(*tensors), check=agree_to(1e-4))


@case
def interlevel_loss_2_15(contest: Contest) -> None:
    """With its gradient."""
    edges, weights = inputs(contest)
    fine = sample_pdf(edges, weights, FINE)
    fine_weights = np.full((len(edges), FINE), 1 / FINE, np.float32)
    fixed = [torch.from_numpy(array) for array in (fine, fine_weights, edges)]
    proposal = torch.from_numpy(weights[:, ::-1].copy()).requires_grad_()

    def run(loss: Any) -> np.ndarray:
        (gradient,) = torch.autograd.grad(loss(*fixed, proposal).sum(), proposal)
        return gradient.numpy()

    contest.ours(lambda: run(interlevel_loss))
    # Weights of 1 / 128 are divided by: differences of sums near 1 are known to 1e-7 * 128, sums of 128 of them.
    contest.peer(*BY_SEARCH, lambda: run(torch_interlevel), check=agree_to(1e-3))
