# SPDX-License-Identifier: Apache-2.0
"""Samples of many rays, one after the other in one array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RaySamples:
    """Intervals along rays, packed: those of all rays, ray by ray, in order of t.

    Parameters
    ----------
    starts, ends : (S,) float32 array
        Where intervals begin and end, t along the ray.
    offsets : (R + 1,) int64 array
        Ray r has samples ``offsets[r]`` to ``offsets[r + 1] - 1``.
    ray_indices : (S,) int32 array
        The ray of each sample.
    wanted : (1,) int64 array
        How many samples the rays would have without a limit.
    points : (S, 3) float32 array, optional
        Middles of intervals, in the unit box of the grid's coarsest level: what an encoding takes.

    Notes
    -----
    Where ``march`` was given ``max_samples`` on a GPU, there are so many, and those from ``offsets[-1]`` on are 0: to
    have as many as there are would mean to wait for the device.
    """

    starts: Any
    ends: Any
    offsets: Any
    ray_indices: Any
    wanted: Any
    points: Any = None

    @property
    def num_rays(self) -> int:
        """R."""
        return self.offsets.shape[0] - 1

    @property
    def complete(self) -> bool:
        """Whether every ray has all its samples: none was left out for ``max_samples``. Waits for the device."""
        return bool(self.wanted[0] == self.offsets[-1])

    @property
    def middles(self) -> Any:
        """(S,) t in the middle of intervals."""
        return (self.starts + self.ends) * 0.5
