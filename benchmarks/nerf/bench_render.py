# SPDX-License-Identifier: Apache-2.0
"""Packed volume rendering against torch and a copy of as many bytes: 2^16 rays of 32 to 95 samples, 4.2 million.

torch has no operation for rays of different lengths; the peer is what people write then: sums over all samples, and
sums by index for what belongs to a ray.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Check, Contest, case

from fastcv import get_num_threads
from fastcv.nerf import Rendered, RenderGradients, render, render_vjp

TORCH = "torch", torch.__version__
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def inputs(contest: Contest) -> tuple[Arrays, np.ndarray]:
    """Densities, colours, starts, ends, offsets; a background for each ray."""
    rng = np.random.default_rng(0)
    rays = 2**12 if contest.quick else 2**16
    counts = rng.integers(32, 96, rays)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    size = int(offsets[-1])
    starts = ((np.arange(size) - np.repeat(offsets[:-1], counts)) * 0.01).astype(np.float32)
    densities = 10 * rng.random(size, np.float32)
    samples = densities, rng.random((size, 3), np.float32), starts, starts + np.float32(0.01), offsets
    contest.note(rays=rays, samples=size, channels=3, threads=get_num_threads())
    torch.set_num_threads(get_num_threads())
    return samples, rng.random((rays, 3), np.float32)


def by_torch(d: Any, c: Any, s: Any, e: Any, offsets: Any, ray: Any, background: Any) -> tuple[Any, ...]:
    depths = d * (e - s)
    total = torch.cumsum(depths, 0, dtype=torch.float64) - depths  # single precision would be off by 1 % at the end
    weights = torch.exp(-(total - total[offsets[:-1]][ray])).float() * (1 - torch.exp(-depths))
    rays = len(offsets) - 1
    opacity = torch.zeros(rays).index_add(0, ray, weights)
    depth = torch.zeros(rays).index_add(0, ray, weights * (s + e) / 2) / opacity.clamp_min(2.0**-23)
    color = torch.zeros(rays, 3).index_add(0, ray, weights[:, None] * c) + (1 - opacity)[:, None] * background
    return color, depth, opacity, weights


def close(tolerance: float) -> Check:
    """Every array within a tolerance of its largest value."""

    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(ours, theirs, strict=True)]
        worst = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
        return f"max difference {worst:.2g} <= {tolerance:g} of the largest value", worst <= tolerance

    return check


def add_copy(contest: Contest, num_bytes: int) -> None:
    """A copy that reads half of as many bytes and writes the other half."""
    source = torch.rand(num_bytes // 8)
    target = torch.empty_like(source)

    def right(_ours: Any, theirs: Any) -> tuple[str, bool]:
        return "the copy is its source", bool(torch.equal(theirs, source))

    contest.bound(read_write_bytes=num_bytes)
    contest.peer("torch copy_, same bytes", torch.__version__, lambda: target.copy_(source), check=right)


def tensors(samples: Arrays, background: np.ndarray) -> list[Any]:
    """As by_torch takes them."""
    *arrays, offsets = (torch.from_numpy(array) for array in samples)
    ray = torch.repeat_interleave(torch.arange(len(offsets) - 1), offsets.diff())
    return [*arrays, offsets, ray, torch.from_numpy(background)]


@case
def render_packed(contest: Contest) -> None:
    samples, background = inputs(contest)
    out = render(*samples, background=background)
    contest.ours(lambda: render(*samples, background=background, out=out))
    arrays = tensors(samples, background)
    contest.peer(*TORCH, lambda: by_torch(*arrays), check=close(2e-5))
    own = "fastcv, torch tensors"
    contest.peer(own, torch.__version__, lambda: render(*arrays[:5], background=arrays[-1]), check=close(0))
    add_copy(contest, sum(array.nbytes for array in (*samples, background, *out)))


@case
def render_packed_vjp(contest: Contest) -> None:
    """Gradients by densities and colours, of a rendering that is there."""
    samples, background = inputs(contest)
    rendered = render(*samples, background=background)
    rng = np.random.default_rng(1)
    grads = [rng.normal(size=array.shape).astype(np.float32) for array in rendered[:3]]
    arrays = tensors(samples, background)

    def backward(run: Callable[[], Any], known: list[Any]) -> Callable[[], Any]:
        results = list(run())[:3]
        upstream = [torch.from_numpy(g) for g in grads]
        return lambda: torch.autograd.grad(results, known, upstream, retain_graph=True)

    known = [array.requires_grad_() for array in arrays[:2]]
    contest.ours(backward(lambda: render(*arrays[:5], background=arrays[-1]), known))
    contest.peer(*TORCH, backward(lambda: by_torch(*arrays), known), check=close(1e-4))
    into = RenderGradients(*(np.empty_like(array) for array in (*samples[:4], background)))
    by = Rendered(grads[0], grads[1], grads[2], None)

    def all_gradients() -> Any:
        return render_vjp(*samples, rendered, by, background=background, out=into)[:2]

    contest.peer("fastcv, by starts, ends and background too", "", all_gradients, check=close(0))
    moved = [*samples, background, rendered.weights, *rendered[1:3], *grads, samples[0], samples[1]]
    add_copy(contest, sum(array.nbytes for array in moved))
