# SPDX-License-Identifier: Apache-2.0
"""Where a volume's voxels lie in the world."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class VoxelGrid:
    """A box of cubic voxels along the axes of the world.

    Parameters
    ----------
    origin : (3,) array
        x, y, z of the corner of voxel (0, 0, 0), in the world frame.
    voxel_size : float
        Side of a voxel in scene units.
    shape : (int, int, int)
        Voxels along z, y, x: the shape of the volume as an array.

    Raises
    ------
    ValueError
        An origin that is not three finite numbers; a voxel size that is not positive; a shape that is not three
        positive numbers below 2³¹.

    Examples
    --------
    >>> from fastcv.voxels import VoxelGrid
    >>> grid = VoxelGrid([-1, -1, 0], 0.5, (2, 4, 4))
    >>> grid.num_voxels
    32
    >>> grid.centers(z=0)[0, 3]
    array([ 0.75, -0.75,  0.25])
    """

    origin: ArrayLike
    voxel_size: float
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        origin = np.array(self.origin, np.float64)
        if origin.shape != (3,) or not np.isfinite(origin).all():
            raise ValueError(f"origin: expected 3 finite numbers, got {self.origin!r}")
        size = float(self.voxel_size)
        if not (size > 0 and np.isfinite(size)):
            raise ValueError(f"voxel_size: expected a positive finite number, got {self.voxel_size}")
        origin.flags.writeable = False
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "voxel_size", size)
        object.__setattr__(self, "shape", _shape(self.shape))

    @property
    def num_voxels(self) -> int:
        """How many voxels the grid has."""
        depth, height, width = self.shape
        return depth * height * width

    @property
    def world_from_voxel(self) -> NDArray[np.float64]:
        """(4, 4) from (x, y, z, 1) in voxels, voxel (0, 0, 0)'s corner at 0 and its centre at 0.5, to the world."""
        matrix = np.diag([self.voxel_size, self.voxel_size, self.voxel_size, 1.0])
        matrix[:3, 3] = self.origin
        return matrix

    def centers(self, z: int) -> NDArray[np.float64]:
        """World positions of the centres of one layer's voxels, (Y, X, 3)."""
        _, height, width = self.shape
        y, x = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
        return np.asarray(self.origin) + self.voxel_size * np.stack([x, y, np.full_like(x, z + 0.5)], -1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VoxelGrid):
            return NotImplemented
        same = (self.voxel_size, self.shape) == (other.voxel_size, other.shape)
        return same and np.array_equal(self.origin, other.origin)

    __hash__ = None  # type: ignore[assignment]


def _shape(shape: Sequence[int]) -> tuple[int, int, int]:
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        raise TypeError(f"shape: expected 3 integers (Z, Y, X), got {shape!r}") from None
    if len(sizes) != 3 or not all(1 <= size < 2**31 for size in sizes):
        raise ValueError(f"shape: expected 3 positive integers (Z, Y, X) below 2**31, got {shape}")
    return sizes
