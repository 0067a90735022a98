# SPDX-License-Identifier: Apache-2.0
"""What space carving leaves: voxels, and the colours of their surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .occupancy import Occupancy
from .render import colors_of, render_voxels


@dataclass(frozen=True, eq=False)
class PhotoHull:
    """What ``space_carve`` leaves, and the colour of its surface.

    Parameters
    ----------
    occupancy : Occupancy
        The voxels that are left.
    voxels : (M, 3) int32 array
        Those of the surface, z, y, x in raster order: one of their six neighbours is empty, or beyond the grid.
    colors : (M, 3) uint8 array
        Their RGB, the mean of what the views see of them after gains.
    num_views : (M,) int32 array
        How many views see them. Of those that none sees the colour is that of their neighbours.
    gains : (V, 3) float64 array
        What the levels of every view were multiplied by.
    rounds : int
        How often all voxels that may have changed were judged.
    converged : bool
        Whether the last round found nothing more to take away.
    """

    occupancy: Occupancy
    voxels: NDArray[np.int32]
    colors: NDArray[np.uint8]
    num_views: NDArray[np.int32]
    gains: NDArray[np.float64]
    rounds: int
    converged: bool

    @property
    def points(self) -> NDArray[np.float64]:
        """Where the centres of ``voxels`` lie in the world, (M, 3): x, y, z."""
        grid = self.occupancy.grid
        return np.asarray(grid.origin) + grid.voxel_size * (self.voxels[:, ::-1] + 0.5)

    def render(
        self, camera: Any, *, size: tuple[int, int] | None = None, num_threads: int = 0
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The picture that a camera takes, (H, W, 3) RGB, and where it shows the object, (H, W).

        ``camera`` and ``size`` are those of ``render_voxels``. What view i took, times ``gains[i]``, compares
        with it.
        """
        seen, _ = render_voxels(self.occupancy, camera, size=size, num_threads=num_threads)
        return colors_of(seen, self.voxels, self.colors, self.occupancy.shape), seen >= 0
