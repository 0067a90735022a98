# SPDX-License-Identifier: Apache-2.0
"""What can be chosen about training a radiance field."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from .scene import Scene, estimate_box

Preset = Literal["hash", "voxels", "nerf"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
# Steps that a preset takes where neither steps nor seconds are given.
DEFAULT_STEPS: dict[Preset, int] = {"hash": 5000, "voxels": 3000, "nerf": 20000}
_RATES: dict[Preset, float] = {"hash": 3e-2, "voxels": 1e-1, "nerf": 1e-3}
_SAMPLES: dict[Preset, int] = {"hash": 2**14, "voxels": 2**14, "nerf": 2**14}


@dataclass(frozen=True)
class TrainOptions:
    """How to train. What is None is chosen by the preset and the scene, see :meth:`for_scene`.

    Parameters
    ----------
    preset : {"hash", "voxels", "nerf"}
        A hash grid and two small networks; a grid of voxels without network; the original NeRF of two deep networks.
    samples : int, optional
        About how many samples a step has: the number of rays follows from it.
    rate : float, optional
        The learning rate at the start.
    last_rate : float, optional
        The learning rate at the end, as a part of the first; in between it falls by the same factor in each step.
    levels : int, optional
        Nested boxes of the occupancy grid, each twice as large as the one within.
    cells : int, optional
        Cells along a side of each of them.
    near : float, optional
        Where rays begin, in scene units.
    step : float, optional
        Length of samples, in scene units.
    cone_angle : float, optional
        How much longer samples get with the distance.
    finest : int, optional
        Vertices along a side of the finest level of the hash grid, or of the voxels.
    log2_table_size : int, optional
        Entries of a level of the hash grid at most.
    width : int, optional
        Of networks' hidden layers.
    """

    preset: Preset = "hash"
    samples: int | None = None
    rate: float | None = None
    last_rate: float = 0.1
    levels: int | None = None
    cells: int | None = None
    near: float | None = None
    step: float | None = None
    cone_angle: float | None = None
    finest: int | None = None
    log2_table_size: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"preset: expected {' or '.join(PRESETS)}, got {self.preset!r}")
        for name, value in asdict(self).items():
            if name in ("preset", "near", "cone_angle") or value is None:
                continue
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name}: expected a positive number, got {value}")
        for name in ("near", "cone_angle"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name}: expected 0 or more, got {value}")

    def for_scene(self, scene: Scene) -> TrainOptions:
        """The same with all that was None chosen."""
        levels = _levels(scene) if self.levels is None else self.levels
        inner = (scene.box[1] - scene.box[0]) / 2.0 ** (levels - 1)
        count, height, width = len(scene.splits["train"]), *_size(scene)
        pixels = _pixels_across(scene, float(inner.max()))
        # Two vertices for each pixel or more; a table of 2^16 entries for 2^20 pixels, and twice that for four times
        # as many, which learn from each other.
        finest = 2 ** (math.ceil(math.log2(pixels)) + levels)
        entries = round(0.5 * math.log2(count * height * width)) + 6
        diagonal = float(np.linalg.norm(inner))
        chosen: dict[str, Any] = {
            "samples": _SAMPLES[self.preset],
            "rate": _RATES[self.preset],
            "levels": levels,
            "cells": 64 if pixels < 600 else 128,
            "near": 0.1 * float(inner.max()),
            "step": min(max(float(inner.max()) / pixels, diagonal / 1024), diagonal / 360),
            "cone_angle": 0.0 if levels == 1 else 1 / 256,
            "finest": min(max(finest, 64), 8192) if self.preset == "hash" else 128,
            "log2_table_size": min(max(entries, 14), 19),
            "width": 128 if self.preset == "nerf" else 64,
        }
        return replace(self, **{name: value for name, value in chosen.items() if getattr(self, name) is None})


def _size(scene: Scene) -> tuple[int, int]:
    return scene.cameras[0].height, scene.cameras[0].width


def _levels(scene: Scene) -> int:
    """As many as it takes for the innermost box not to be larger than what the cameras look at."""
    try:
        looked_at = estimate_box(scene.cam_from_world)
    except ValueError:  # no common place
        return 1
    ratio = float((scene.box[1] - scene.box[0]).max() / (looked_at[1] - looked_at[0]).max())
    return 1 + min(max(math.ceil(math.log2(ratio)), 0), 7)


def _pixels_across(scene: Scene, side: float) -> float:
    """How many pixels the side of a box is long from a camera's distance."""
    middle = scene.box.mean(0)
    poses = scene.cam_from_world
    distance = float(np.median(np.linalg.norm(poses[:, :, :3] @ middle + poses[:, :, 3], axis=1)))
    focal = float(scene.cameras[0].matrix[0, 0])
    return max(focal * side / max(distance, 0.5 * side), 1.0)
