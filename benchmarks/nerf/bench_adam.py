# SPDX-License-Identifier: Apache-2.0
"""A step of Adam on the 12.2 million parameters of a hash grid, all of them or 5 % of its rows, against torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from benchmarks._harness import Contest, case

from fastcv import get_num_threads
from fastcv.nerf.modules import FusedAdam


def table(contest: Contest, share: float) -> torch.Tensor:
    """Gradients of a table of 2 features; so many of its rows have any."""
    rows = 2**17 if contest.quick else 6_098_120
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn((rows, 2), generator=generator)
    if share < 1:
        gradient[torch.rand(rows, generator=generator) >= share] = 0
    contest.note(parameters=2 * rows, share_of_rows=share, threads=get_num_threads())
    torch.set_num_threads(get_num_threads())
    return gradient


def stepper(optimiser_type: Any, gradient: torch.Tensor, **options: Any) -> Callable[[], torch.Tensor]:
    parameter = torch.nn.Parameter(torch.ones(gradient.shape))
    parameter.grad = gradient.clone()
    optimiser = optimiser_type([parameter], lr=1e-3, **options)

    def run() -> torch.Tensor:
        optimiser.step()
        return parameter.detach()

    return run


def close(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[str, bool]:
    """Parameters of both, after as many steps: some 30 roundings of numbers near 1."""
    worst = float((ours - theirs).abs().max())
    return f"max difference {worst:.2g} <= 1e-05 after as many steps", worst <= 1e-5


def add_copy(contest: Contest, num_bytes: int) -> None:
    source = torch.rand(num_bytes // 8)
    target = torch.empty_like(source)

    def right(_ours: Any, theirs: torch.Tensor) -> tuple[str, bool]:
        return "the copy is its source", bool(torch.equal(theirs, source))

    contest.bound(read_write_bytes=num_bytes)
    contest.peer("torch copy_, same bytes", torch.__version__, lambda: target.copy_(source), check=right)


@case
def adam_dense(contest: Contest) -> None:
    gradient = table(contest, 1)
    contest.ours(stepper(FusedAdam, gradient))
    for name in ("fused", "foreach"):
        run = stepper(torch.optim.Adam, gradient, **{name: True})
        contest.peer(f"torch Adam, {name}", torch.__version__, run, check=close)
    add_copy(contest, 7 * gradient.nbytes)  # reads four arrays, writes three


@case
def adam_sparse(contest: Contest) -> None:
    """What torch's SparseAdam does, but the gradient lies in a dense array, which is read to find the rows.

    SparseAdam adds eps before it corrects the bias, so eps is too small to be seen.
    """
    gradient = table(contest, 0.05)
    contest.ours(stepper(FusedAdam, gradient, eps=1e-15, skip_untouched=True))
    rows = gradient.any(dim=1).nonzero()[:, 0]
    sparse = torch.sparse_coo_tensor(rows[None], gradient[rows], gradient.shape, check_invariants=False).coalesce()
    peers = {"torch SparseAdam, rows known": stepper(torch.optim.SparseAdam, sparse, eps=1e-15)}
    peers["torch Adam, fused, all rows"] = stepper(torch.optim.Adam, gradient, eps=1e-15, fused=True)
    for name, run in peers.items():
        contest.peer(name, torch.__version__, run, check=close)
    lines = int(gradient.view(-1)[: gradient.numel() // 16 * 16].view(-1, 16).any(dim=1).sum())
    add_copy(contest, gradient.nbytes + 6 * 64 * lines)
