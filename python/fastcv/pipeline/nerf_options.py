# SPDX-License-Identifier: Apache-2.0
"""Every choice that training a radiance field offers on the command line, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .. import nerf
from .options import OptionsError, require_at_least


@dataclass(frozen=True)
class NerfOptions:
    """How to train a radiance field, and what to make of it.

    Parameters
    ----------
    preset : {"hash", "voxels", "nerf"}
        hash: a hash grid and two small networks; voxels: a grid without network; nerf: the original, slow one.
    steps : int, optional
        How many steps to train; the result then repeats to the last bit. By default what suits the preset.
    seconds : float, optional
        How long to train instead.
    samples : int, optional
        Samples of a step, about.
    finest : int, optional
        Vertices along a side of the finest grid.
    mesh_resolution : int
        Samples along the longest side of the box from which the mesh is made; 0 for none.
    turns : int
        Pictures of the turntable.
    seed : int
        Of every random choice.
    """

    preset: Literal["hash", "voxels", "nerf"] = "hash"
    steps: int | None = None
    seconds: float | None = None
    samples: int | None = None
    finest: int | None = None
    mesh_resolution: int = 192
    turns: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(self, {"mesh_resolution": 0, "turns": 0, "seed": 0})
        if self.steps is not None and self.seconds is not None:
            raise OptionsError("steps: expected none where seconds are given, got both")
        for name in ("steps", "seconds", "samples", "finest"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise OptionsError(f"{name}: expected a positive number, got {value}")

    @property
    def training(self) -> nerf.TrainOptions:
        """Those that the nerf room knows."""
        return nerf.TrainOptions(self.preset, samples=self.samples, finest=self.finest)
