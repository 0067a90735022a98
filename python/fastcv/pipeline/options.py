# SPDX-License-Identifier: Apache-2.0
"""Every choice that a reconstruction offers, in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from ..errors import FastcvError

Stage = Literal["features", "matches", "verify", "sparse", "depth", "filter", "fuse", "report"]
STAGES: tuple[Stage, ...] = get_args(Stage)

Quality = Literal["low", "medium", "high"]
CameraModel = Literal["SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV", "OPENCV_FISHEYE"]


class OptionsError(FastcvError, ValueError):
    """Options do not fit each other or the photographs; the message begins with the option's name."""


_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(name: str, text: str) -> int:
    """Bytes of a text such as 800M or 2G, the value of an option. Raises OptionsError for others."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text.upper().removesuffix("B").removesuffix("I"))
    if found is None:
        raise OptionsError(f"{name}: expected a size such as 800M or 2G, got {text!r}")
    return int(float(found[1]) * _UNITS.get(found[2], 1))


def require_at_least(options: object, least: Mapping[str, float]) -> None:
    """Raise OptionsError for a field that is smaller than it may be, or not a number."""
    for name, lowest in least.items():
        if not getattr(options, name) >= lowest:
            raise OptionsError(f"{name}: expected {lowest} or more, got {getattr(options, name)}")


class Preset(NamedTuple):
    """What a quality stands for: longest image sides in pixels for features and for depth, counts at most, and whether
    depth is refined on slanted planes."""

    feature_size: int
    max_features: int
    depth_size: int
    max_planes: int
    num_sources: int
    refine: bool


PRESETS: dict[Quality, Preset] = {
    "low": Preset(feature_size=1000, max_features=2048, depth_size=480, max_planes=256, num_sources=3, refine=False),
    "medium": Preset(feature_size=1600, max_features=8192, depth_size=800, max_planes=2048, num_sources=4, refine=True),
    "high": Preset(feature_size=3200, max_features=8192, depth_size=1600, max_planes=2048, num_sources=6, refine=True),
}


@dataclass(frozen=True)
class Options:
    """How to reconstruct. The same photographs, options and version give the same result.

    Parameters
    ----------
    quality : {"low", "medium", "high"}
        Sizes of the images to work on, and how many features and depth planes at most.
    camera_model : str, optional
        COLMAP's name of the lens model to estimate. By default SIMPLE_RADIAL, or PINHOLE where intrinsics are given.
    intrinsics : (fx, fy, cx, cy) or path, optional
        Known calibration in pixels of the photographs as they are, (0, 0) being the top-left corner; or a text file
        with the 3x3 matrix K. It is then kept fixed. By default the focal length comes from EXIF, or is guessed, and
        is refined.
    single_camera : bool, optional
        Whether all photographs share one camera, or none do. By default those of equal size, camera and focal length.
    max_size : int, optional
        Longest image side in pixels; overrides that of the quality where it is smaller.
    until : str
        The last stage to run: features, matches, verify, sparse, depth, filter, fuse or report.
    num_threads : int
        0 for all cores. The result does not depend on it.
    seed : int
        Of every random choice.
    """

    quality: Quality = "medium"
    camera_model: CameraModel | None = None
    intrinsics: tuple[float, float, float, float] | Path | None = None
    single_camera: bool | None = None
    max_size: int | None = None
    until: Stage = "report"
    num_threads: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (("quality", get_args(Quality)), ("until", STAGES)):
            if getattr(self, name) not in allowed:
                raise OptionsError(f"{name}: expected one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.camera_model not in (None, *get_args(CameraModel)):
            names = ", ".join(get_args(CameraModel))
            raise OptionsError(f"camera_model: expected one of {names}, got {self.camera_model!r}")
        if self.max_size is not None and self.max_size < 64:
            raise OptionsError(f"max_size: expected 64 or more pixels, got {self.max_size}")
        if self.num_threads < 0:
            raise OptionsError(f"num_threads: expected 0 or more, got {self.num_threads}")

    @property
    def preset(self) -> Preset:
        """Sizes and counts after ``quality`` and ``max_size``."""
        preset = PRESETS[self.quality]
        limit = self.max_size or preset.feature_size
        return preset._replace(feature_size=min(preset.feature_size, limit), depth_size=min(preset.depth_size, limit))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages that run, in order."""
        return STAGES[: STAGES.index(self.until) + 1]

    def known_intrinsics(self) -> tuple[float, float, float, float] | None:
        """``intrinsics`` as numbers, read from its file where it is one.

        Raises
        ------
        OSError
            The file cannot be read.
        OptionsError
            The numbers are not a calibration.
        """
        if self.intrinsics is None:
            return None
        values = _read_matrix(self.intrinsics) if isinstance(self.intrinsics, Path) else tuple(self.intrinsics)
        if len(values) != 4 or not (values[0] > 0 and values[1] > 0):
            raise OptionsError(f"intrinsics: expected fx, fy, cx, cy with positive focal lengths, got {values}")
        return values[0], values[1], values[2], values[3]


def _read_matrix(path: Path) -> tuple[float, ...]:
    """fx, fy, cx, cy of a 3x3 matrix K in a text file, its numbers separated by white space or commas."""
    try:
        k = [float(word) for word in path.read_text().replace(",", " ").replace(";", " ").split()]
    except ValueError as error:
        raise OptionsError(f"intrinsics: expected numbers in {path}: {error}") from None
    if len(k) != 9 or k[6:] != [0, 0, 1] or k[1] != 0 or k[3] != 0:
        raise OptionsError(f"intrinsics: expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in {path}, got {k}")
    return k[0], k[4], k[2], k[5]
