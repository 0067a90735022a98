# SPDX-License-Identifier: Apache-2.0
"""Every choice that fusing depth maps to a mesh offers, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from .carve_options import check_surface
from .options import OptionsError, parse_size, require_at_least


@dataclass(frozen=True)
class FuseOptions:
    """How to fuse. The same depth maps, options and version give the same result.

    Parameters
    ----------
    voxel_size : float, optional
        Side of a voxel in scene units. By default three pixels at the median depth.
    truncation : float
        How far from a surface its signed distances are kept, in voxels.
    max_depth : float, optional
        Depths beyond do not count, in scene units.
    min_frames : int
        How many depth maps must have seen a voxel for it to count.
    intrinsics : (fx, fy, cx, cy), optional
        Of an RGB-D sequence that does not tell, in pixels of its depth maps, (0, 0) being the top-left corner.
    colors : bool
        Whether the mesh gets the colours of the photographs.
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

    voxel_size: float | None = None
    truncation: float = 4.0
    max_depth: float | None = None
    min_frames: int = 1
    intrinsics: tuple[float, float, float, float] | None = None
    colors: bool = True
    min_part: float = 0.001
    max_faces: int = 0
    texture: bool = False
    texture_size: int = 2048
    max_memory: str = "2G"
    num_threads: int = 0

    def __post_init__(self) -> None:
        least = {"truncation": 1, "min_frames": 1, "max_faces": 0, "texture_size": 256, "num_threads": 0}
        require_at_least(self, least)
        check_surface(self.voxel_size, self.min_part)
        if self.max_depth is not None and not self.max_depth > 0:
            raise OptionsError(f"max_depth: expected a positive number, got {self.max_depth}")
        if self.intrinsics is not None and not (self.intrinsics[0] > 0 and self.intrinsics[1] > 0):
            raise OptionsError(
                f"intrinsics: expected fx, fy, cx, cy with positive focal lengths, got {self.intrinsics}"
            )
        _ = self.max_bytes  # checked

    @property
    def max_bytes(self) -> int:
        """``max_memory`` as a number."""
        return parse_size("max_memory", self.max_memory)
