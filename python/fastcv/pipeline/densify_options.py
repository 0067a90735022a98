# SPDX-License-Identifier: Apache-2.0
"""Every choice that multi-view stereo on a model offers, in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import get_args

from .dense import MIN_CONFIDENCE, MIN_CONSISTENT, DenseSettings, DepthFormat
from .options import OptionsError, parse_size, require_at_least
from .stage_depth import MIN_PLANES


@dataclass(frozen=True)
class DensifyOptions:
    """Which views to work on, and how. The same model, photographs, options and version give the same result.

    Parameters
    ----------
    views : str, optional
        Names of photographs, or patterns such as ``street/*``, separated by commas; by default all of the model.
    shard : str, optional
        ``2/8``: estimate the second of eight parts of the views and stop. Other processes, on other machines too, can
        do the other parts in the same folder; a run without it then takes what is finished, and filters and fuses.
    fuse : bool
        Estimate nothing; filter and fuse the views that are finished.
    max_size : int
        Longest side of a depth map in pixels; larger photographs are scaled down.
    max_memory : str
        Most memory to use, such as ``800M`` or ``2G``. The result does not depend on it.
    num_sources : int
        Other photographs that each is matched with, at most.
    max_planes : int
        Depths that are tried for each photograph, at most.
    refine : bool
        Fit a slanted plane to every pixel after the sweeps: more depths that others confirm, in several times the time.
    min_confidence : float
        Depths with less confidence, in [0, 1], do not count.
    min_consistent : int
        How many other photographs must agree with a depth.
    format : {"pfm", "png", "colmap"}
        Depth maps are written as PFM; and beside that as 16-bit PNG with their scale, or as COLMAP's arrays.
    normals : bool
        Write normals, too.
    num_threads : int
        0 for all cores. The result does not depend on it.
    """

    views: str | None = None
    shard: str | None = None
    fuse: bool = False
    max_size: int = 1600
    max_memory: str = "2G"
    num_sources: int = 4
    max_planes: int = 2048
    refine: bool = True
    min_confidence: float = MIN_CONFIDENCE
    min_consistent: int = MIN_CONSISTENT
    format: DepthFormat = "pfm"
    normals: bool = False
    num_threads: int = 0

    def __post_init__(self) -> None:
        if self.format not in get_args(DepthFormat):
            raise OptionsError(f"format: expected one of {', '.join(get_args(DepthFormat))}, got {self.format!r}")
        least = {"max_size": 64, "num_sources": 1, "max_planes": MIN_PLANES, "min_consistent": 0, "num_threads": 0}
        require_at_least(self, least)
        if self.num_sources > 32:
            raise OptionsError(f"num_sources: expected at most 32, got {self.num_sources}")
        if not 0 <= self.min_confidence <= 1:
            raise OptionsError(f"min_confidence: expected 0 to 1, got {self.min_confidence}")
        if self.fuse and self.shard is not None:
            raise OptionsError("fuse: expected no shard beside it, for it takes what all of them have finished")
        _ = self.part, self.max_bytes  # both are checked

    @property
    def part(self) -> tuple[int, int] | None:
        """Number of the shard, from 1, and how many there are."""
        if self.shard is None:
            return None
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", self.shard)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise OptionsError(f"shard: expected a number and how many there are, such as 2/8, got {self.shard!r}")
        return int(found[1]), int(found[2])

    @property
    def max_bytes(self) -> int:
        """``max_memory`` as a number."""
        return parse_size("max_memory", self.max_memory)

    def select(self, names: Sequence[str]) -> list[str]:
        """Those of the names that are asked for, in their order; shards are runs of neighbours, which share sources.

        Raises
        ------
        OptionsError
            A pattern fits none.
        """
        patterns = [word.strip() for word in (self.views or "*").split(",")]
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise OptionsError(f"views: expected names of the model's photographs, got {pattern!r}")
        chosen = sorted(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
        number, count = self.part or (1, 1)
        return chosen[(number - 1) * len(chosen) // count : number * len(chosen) // count]

    def settings(self) -> DenseSettings:
        """What the stages want to know."""
        return DenseSettings(
            self.max_size,
            self.max_planes,
            self.num_sources,
            self.refine,
            self.min_confidence,
            self.min_consistent,
            self.format,
            self.normals,
            self.max_bytes,
            self.num_threads,
        )
