# SPDX-License-Identifier: Apache-2.0
"""How much memory the dense stages need, and what is left for keeping things at hand.

In bytes, for views of at most P pixels made from photographs of at most F pixels, S sources and N neighbours:

- a photograph on its way to a view: 6 F + 9 P (the decoder's copy and ours; scaled, undistorted, and the next one)
- depth: (1 + S) 8 P for the views, smaller ones and packed copies, 48 P for ranges and results, 64 P where they are
  refined
- filter: (1 + N) 4 P for the depth maps, 28 P for reading one, the result, its normals and for writing it
- fusion: (1 + N) 8 P for depth, colours and what is used up, 39 P for normals and points

A stage cannot do with less; what the limit leaves above it, and above what the process itself holds, keeps views and
depth maps in memory that would have to be read again. Nothing depends on it but the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from .options import OptionsError
from .record import memory_bytes

# Libraries that are loaded later, for the report above all, and what the allocator does not give back: measured.
_LIBRARIES = 128 << 20


@dataclass(frozen=True)
class MemoryPlan:
    """A limit, and what is to be done within it.

    Parameters
    ----------
    max_bytes : int
        The limit on the process.
    held : int
        What the process needs for itself.
    view_pixels, photo_pixels : int
        Of the largest.
    num_sources, num_neighbors : int
        Of a view, at most.
    refine : bool
        Whether depth is refined.
    """

    max_bytes: int
    held: int
    view_pixels: int
    photo_pixels: int
    num_sources: int
    num_neighbors: int
    refine: bool = False

    @property
    def _loading(self) -> int:
        return 6 * self.photo_pixels + 9 * self.view_pixels

    @property
    def needs(self) -> dict[str, int]:
        """By stage what it holds at least, in bytes."""
        pixels = self.view_pixels
        return {
            "depth": self._loading + (1 + self.num_sources) * 8 * pixels + (64 if self.refine else 48) * pixels,
            "filter": (1 + self.num_neighbors) * 4 * pixels + 28 * pixels,
            "fuse": self._loading + (1 + self.num_neighbors) * 8 * pixels + 39 * pixels,
        }

    @property
    def least(self) -> int:
        """The lowest limit that can be kept."""
        return self.held + max(self.needs.values())

    def check(self) -> None:
        """Raise OptionsError where the limit is too low."""
        if self.max_bytes < self.least:
            raise OptionsError(
                f"max_memory: expected {self.least / 2**20:.0f}M or more for views of {self.view_pixels / 1e6:.1f} "
                f"megapixels, got {self.max_bytes / 2**20:.0f}M; a smaller max_size needs less"
            )

    def kept(self, stage: str, bytes_per_pixel: int, members: int) -> int:
        """Bytes for a cache of a stage: what the limit leaves, and what ``needs`` has counted for its members."""
        spare = max(self.max_bytes - self.held - self.needs[stage], 0)
        return spare + members * bytes_per_pixel * self.view_pixels


def process_bytes() -> int:
    """What the process needs for itself: what it holds now, and libraries."""
    return memory_bytes() + _LIBRARIES
