# SPDX-License-Identifier: Apache-2.0
"""Marching 2^15 rays through 128^3 cells, 6.6 % of them set, against a look at every step in torch.

The peer does what pure-torch code does: regular steps over the part of the box that a ray crosses, a look at each
step's cell, and a mask; in parts that fit the cache and memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Contest, case

from fastcv import get_num_threads
from fastcv.nerf import OccupancyGrid, RaySamples, march

RESOLUTION = 128
PART = 1024  # rays that torch takes at a time: 1024 to 4096 are the fastest here


def scene() -> np.ndarray:
    """(Z, Y, X) cells of a shell, a plate and a pole."""
    z, y, x = (np.indices([RESOLUTION] * 3, np.float32) + 0.5) / RESOLUTION - 0.5
    shell = np.abs(np.sqrt(x * x + y * y + z * z) - 0.3) < 0.02
    plate = (np.abs(z + 0.2) < 0.01) & (np.abs(x) < 0.4) & (np.abs(y) < 0.4)
    return shell | plate | ((np.abs(x) < 0.05) & (np.abs(y) < 0.05))


def rays(count: int) -> tuple[np.ndarray, np.ndarray]:
    """From 64 places around the box, 1.3 from its middle, to points in its inner part."""
    angle = 2 * np.pi * np.floor(64 * np.arange(count) / count) / 64
    elevation = np.sin(0.5) * np.ones(count)
    at = np.stack([np.cos(angle) * np.cos(0.5), np.sin(angle) * np.cos(0.5), elevation], 1) * 1.3 + 0.5
    to = 0.05 + 0.9 * np.random.default_rng(2).random((count, 3))
    directions = (to - at) / np.linalg.norm(to - at, axis=1, keepdims=True)
    return at.astype(np.float32), directions.astype(np.float32)


def torch_march(origins: torch.Tensor, directions: torch.Tensor, cells: torch.Tensor, step: float) -> Any:
    """Numbers of samples of rays, and where samples begin."""
    counts, starts = [], []
    for o, d in zip(origins.split(PART), directions.split(PART), strict=True):
        a, b = -o / d, (1 - o) / d
        entry = torch.minimum(a, b).amax(1, keepdim=True).clamp(min=0)
        leave = torch.maximum(a, b).amin(1, keepdim=True)
        number = torch.arange(int((leave - entry).max() / step) + 1)
        middles = entry + (number + 0.5) * step
        at = ((o[:, None] + middles[..., None] * d[:, None]) * RESOLUTION).long().clamp(0, RESOLUTION - 1)
        kept = cells[at[..., 2], at[..., 1], at[..., 0]] & (middles < leave)
        counts.append(kept.sum(1))
        starts.append((entry + number * step)[kept])
    return torch.cat(counts), torch.cat(starts)


def agrees(ours: RaySamples, theirs: Any) -> tuple[str, bool]:
    """Steps whose middle is at a border between cells may fall either way in single precision."""
    counts, starts = (array.numpy() for array in theirs)
    same = np.diff(ours.offsets) == counts
    rays_of_theirs = np.repeat(np.arange(len(counts)), counts)
    worst = float(np.abs(ours.starts[same[ours.ray_indices]] - starts[same[rays_of_theirs]]).max())
    others = int((~same).sum())
    how = f"{others} of {len(same)} rays differ by a sample at a border <= 0.1 %"
    return f"{how}, starts of others by {worst:.2g} <= 1e-6", others <= 1e-3 * len(same) and worst <= 1e-6


def same_points(ours: RaySamples, theirs: RaySamples) -> tuple[str, bool]:
    """Ours come without points: the intervals are compared, and the points with the intervals' middles."""
    origins, directions = rays(ours.num_rays)
    points = origins[ours.ray_indices] + ours.middles[:, None] * directions[ours.ray_indices]
    worst = float(np.abs(points - theirs.points).max())
    same = np.array_equal(ours.starts, theirs.starts) and np.array_equal(ours.ends, theirs.ends)
    return f"the same intervals, points differ by {worst:.2g} <= 1e-6", same and worst <= 1e-6


@case
def march_2_15(contest: Contest) -> None:
    cells = scene()
    grid = OccupancyGrid.from_occupied(cells)
    arrays = rays(2**11 if contest.quick else 2**15)
    torch.set_num_threads(get_num_threads())
    contest.note(rays=len(arrays[0]), resolution=RESOLUTION, share=float(cells.mean()), threads=get_num_threads())
    contest.note(samples=len(march(*arrays, 0.0, np.inf, grid).starts))
    contest.ours(lambda: march(*arrays, 0.0, np.inf, grid))
    origins, directions, set_cells = (torch.from_numpy(array) for array in (*arrays, cells))
    look = "torch, every step", torch.__version__
    contest.peer(*look, lambda: torch_march(origins, directions, set_cells, grid.step), check=agrees)
    contest.peer("fastcv, with points", "", lambda: march(*arrays, 0.0, np.inf, grid, points=True), check=same_points)

    def points_afterwards() -> RaySamples:
        samples = march(*arrays, 0.0, np.inf, grid)
        rays = torch.from_numpy(samples.ray_indices).long()
        points = origins[rays] + torch.from_numpy(samples.middles)[:, None] * directions[rays]
        return replace(samples, points=points.numpy())

    contest.peer("fastcv, points by torch", torch.__version__, points_afterwards, check=same_points)
