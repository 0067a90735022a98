# SPDX-License-Identifier: Apache-2.0
"""Frequency encoding and spherical harmonics against torch: 2^18 points, 10 octaves; 2^18 directions, 4 and 8 bands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Check, Contest, case

from fastcv import get_num_threads
from fastcv.nerf import frequency_encoding, spherical_harmonics

OCTAVES = 10


def close(tolerance: float) -> Check:
    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        a, b = (np.asarray(x, np.float64) for x in (ours, theirs))
        worst = float(np.abs(a - b).max() / np.abs(b).max())
        return f"max difference {worst:.2g} <= {tolerance:g} of the largest value", worst <= tolerance

    return check


def directions(contest: Contest) -> torch.Tensor:
    rows = 2**14 if contest.quick else 2**18
    contest.note(rows=rows, threads=get_num_threads())
    torch.set_num_threads(get_num_threads())
    return torch.nn.functional.normalize(torch.randn((rows, 3), generator=torch.Generator().manual_seed(0)), dim=1)


def torch_waves(points: torch.Tensor) -> torch.Tensor:
    """All octaves in one product, as nerfstudio's NeRFEncoding without tiny-cuda-nn; the order is ours."""
    angles = points[..., None] * (torch.pi * 2.0 ** torch.arange(OCTAVES))
    return torch.stack([torch.sin(angles), torch.cos(angles)], -1).flatten(1)


def torch_waves_by_octave(points: torch.Tensor) -> torch.Tensor:
    """Octave by octave, as the original NeRF and most code after it."""
    waves = [f(torch.pi * 2.0**k * points) for k in range(OCTAVES) for f in (torch.sin, torch.cos)]
    return torch.stack(waves, -1).flatten(1)


def torch_harmonics(degree: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Sloan's recurrences on columns: nerfstudio's components_from_spherical_harmonics for any number of bands."""

    def run(d: torch.Tensor) -> torch.Tensor:
        x, y, z = d.unbind(1)
        columns: dict[int, torch.Tensor] = {}
        re, im, first = torch.ones_like(x), torch.zeros_like(x), 0.5 / np.sqrt(np.pi)
        for m in range(degree):
            q, before = torch.full_like(z, first), torch.zeros_like(z)
            for band in range(m, degree):
                columns[band * band + band + m] = q * re
                columns[band * band + band - m] = q * (im if m else re)
                up = band + 1
                a = np.sqrt((4 * up * up - 1) / (up * up - m * m))
                b = np.sqrt((band * band - m * m) / (4 * band * band - 1)) if band > m else 0.0
                q, before = a * (z * q - b * before), q
            re, im = x * re - y * im, x * im + y * re
            first *= -np.sqrt((2 * m + 3) / (2 * m + 2)) * (np.sqrt(2) if m == 0 else 1)
        return torch.stack([columns[i] for i in range(degree * degree)], 1)

    return run


def contest_of(contest: Contest, points: torch.Tensor, ours: Callable, peers: dict[str, Callable], tol: float) -> None:
    """Forward alone, into memory that is there for us and fresh for torch, which has no other way."""
    out = torch.empty_like(ours(points))
    contest.bound(read_write_bytes=points.nbytes + out.nbytes)
    contest.ours(lambda: ours(points, out=out))
    fresh = "fastcv, fresh memory"
    contest.peer(fresh, "", lambda: ours(points), check=close(0))
    for name, peer in peers.items():
        contest.peer(name, torch.__version__, partial(peer, points), check=close(tol))


def gradients(contest: Contest, points: torch.Tensor, ours: Callable, peers: dict[str, Callable], tol: float) -> None:
    """Forward and backward to the points."""

    def gradient(run: Callable) -> Callable:
        p = points.clone().requires_grad_()
        grad = torch.randn(run(p).shape, generator=torch.Generator().manual_seed(1))
        return lambda: torch.autograd.grad(run(p), p, grad)[0]

    contest.ours(gradient(ours))
    for name, peer in peers.items():
        contest.peer(name, torch.__version__, gradient(peer), check=close(tol))


WAVES = {"torch, all octaves": torch_waves, "torch, octave by octave": torch_waves_by_octave}


@case
def frequency(contest: Contest) -> None:
    points = directions(contest)
    # torch rounds 2^9 pi x, up to 1600, to single precision before the sine.
    contest_of(contest, points, lambda p, **o: frequency_encoding(p, OCTAVES, **o), WAVES, 5e-4)


@case
def frequency_gradient(contest: Contest) -> None:
    gradients(contest, directions(contest), lambda p: frequency_encoding(p, OCTAVES), WAVES, 5e-4)


def harmonics_case(contest: Contest, run: Callable, degree: int) -> None:
    ours = lambda d, **o: spherical_harmonics(d, degree, **o)  # noqa: E731
    run(contest, directions(contest), ours, {"torch": torch_harmonics(degree)}, 1e-5)


@case
def spherical_harmonics_4(contest: Contest) -> None:
    harmonics_case(contest, contest_of, 4)


@case
def spherical_harmonics_8(contest: Contest) -> None:
    harmonics_case(contest, contest_of, 8)


@case
def spherical_harmonics_gradient_4(contest: Contest) -> None:
    harmonics_case(contest, gradients, 4)
