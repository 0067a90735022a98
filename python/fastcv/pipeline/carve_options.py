# SPDX-License-Identifier: Apache-2.0
"""Every choice that carving a scene offers, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from .masks import parse_color
from .options import OptionsError, parse_size, require_at_least

Method = Literal["silhouettes", "photos", "soft-masks", "depths"]


@dataclass(frozen=True)
class CarveOptions:
    """How to carve. The same pictures, cameras, options and version give the same result.

    Parameters
    ----------
    resolution : int
        Voxels along the longest side of the box around the object.
    voxel_size : float, optional
        Side of a voxel in scene units; instead of a resolution.
    bounds : (x, y, z, x, y, z), optional
        Lowest and highest corner of the box. By default it is found from the silhouettes.
    min_views : int
        How many views must see a place for it to stay; all of them where there are fewer.
    max_violations : int, optional
        How many views may show background where a place stays: silhouettes have holes. By default one in twelve.
    background : str, optional
        black, white, or red, green and blue such as 0,0,190: where there are no masks, silhouettes are what differs
        from this colour.
    tolerance : int
        By how much it has to differ, in some channel, of 255.
    method : str, optional
        What decides which voxels stay. "silhouettes": no more views than ``max_violations`` show background there.
        "photos": of these, not those of the surface whose colours the photographs do not agree on. "soft-masks": masks
        have the probability of the object, as grey levels, and voxels that are more probable than not stay. "depths":
        no more views than ``max_violations`` look through there, by their depth maps and, where there are any, masks.
        By default depths where the scene has depth maps, but no masks and no background; else photos, where there are
        any and colours are wanted.
    colors : bool
        Whether the photographs, where there are any, give the surface its colours.
    min_part : float
        Pieces of the mesh with fewer triangles than this part of the largest piece are left out.
    max_faces : int
        Of the mesh; more are merged. 0 for all, or with a texture 50000.
    texture : bool
        Whether the mesh gets a texture from the photographs, which shows more than colours of its vertices do.
    texture_size : int
        Sides of the texture in pixels, at most.
    max_memory : str
        Most memory to use, such as 800M or 2G.
    num_threads : int
        0 for all cores. The result does not depend on it.
    """

    resolution: int = 256
    voxel_size: float | None = None
    bounds: tuple[float, float, float, float, float, float] | None = None
    min_views: int = 2
    max_violations: int | None = None
    background: str | None = None
    tolerance: int = 60
    method: Method | None = None
    colors: bool = True
    min_part: float = 0.001
    max_faces: int = 0
    texture: bool = False
    texture_size: int = 2048
    max_memory: str = "2G"
    num_threads: int = 0

    def __post_init__(self) -> None:
        least = {"resolution": 8, "min_views": 0, "tolerance": 0, "max_faces": 0, "texture_size": 256, "num_threads": 0}
        require_at_least(self, least)
        if self.max_violations is not None:
            require_at_least(self, {"max_violations": 0})
        check_surface(self.voxel_size, self.min_part)
        if self.method not in (None, *get_args(Method)):
            raise OptionsError(f"method: expected one of {', '.join(get_args(Method))}, got {self.method!r}")
        if self.tolerance > 254:
            raise OptionsError(f"tolerance: expected at most 254, got {self.tolerance}")
        if self.bounds is not None and not all(
            math.isfinite(low) and math.isfinite(high) and low < high
            for low, high in zip(self.bounds[:3], self.bounds[3:], strict=True)
        ):
            raise OptionsError(f"bounds: expected the lowest corner, then the highest, got {self.bounds}")
        if self.background is not None:
            parse_color(self.background)
        _ = self.max_bytes  # checked

    def violations(self, num_views: int) -> int:
        """``max_violations`` among so many views."""
        return num_views // 12 if self.max_violations is None else self.max_violations

    @property
    def max_bytes(self) -> int:
        """``max_memory`` as a number."""
        return parse_size("max_memory", self.max_memory)


def check_surface(voxel_size: float | None, min_part: float) -> None:
    """Raise OptionsError for a size that is given and is none, and for what is no part of one."""
    if voxel_size is not None and not (voxel_size > 0 and math.isfinite(voxel_size)):
        raise OptionsError(f"voxel_size: expected a positive number, got {voxel_size}")
    if not 0 <= min_part <= 1:
        raise OptionsError(f"min_part: expected 0 to 1, got {min_part}")
