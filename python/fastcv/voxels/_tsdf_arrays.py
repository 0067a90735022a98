# SPDX-License-Identifier: Apache-2.0
"""The arrays of truncated signed distances, in blocks: how they are made, taken over and looked at as a whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call
from ._block_store import BLOCK_LIMIT, BlockStore, blocks_in, bytes_per_block
from ._memory import memory_limit
from .grid import VoxelGrid
from .occupancy import BLOCK, blocks_of

if TYPE_CHECKING:
    from typing_extensions import Self


class DenseTsdf(NamedTuple):
    """Part of a volume as arrays: (Z, Y, X) values and weights, (Z, Y, X, 3) colors or None; weight 0 is unseen."""

    values: NDArray[np.float32]
    weights: NDArray[np.float32]
    colors: NDArray[np.uint8] | None


class TsdfArrays:
    """What a ``TsdfVolume`` holds."""

    def __init__(
        self,
        voxels: float | VoxelGrid,
        *,
        truncation: float | None = None,
        color: bool = False,
        origin: ArrayLike = (0.0, 0.0, 0.0),
        max_weight: float = math.inf,
        max_memory: int | None = None,
    ) -> None:
        # The smallest grid that knows origin and voxel size checks both.
        space = voxels if isinstance(voxels, VoxelGrid) else VoxelGrid(origin, voxels, (1, 1, 1))
        self._grid = voxels if isinstance(voxels, VoxelGrid) else None
        self._space = space
        self.truncation = positive("truncation", 4 * space.voxel_size if truncation is None else truncation)
        self.max_weight = positive("max_weight", max_weight, infinite=True)
        self._color = bool(color)
        self._limit = memory_limit("max_memory", max_memory)
        call = Call()
        call.input("origin", self.origin, (3,), ("float64",))
        self._store = self._new_store(call)

    @classmethod
    def from_arrays(
        cls,
        blocks: Any,
        values: Any,
        weights: Any,
        colors: Any = None,
        *,
        voxels: float | VoxelGrid,
        **options: Any,
    ) -> Self:
        """A volume from the arrays of another, ``blocks``, ``values``, ``weights`` and ``colors``, which it takes over.

        ``voxels`` and the other options are those of the class.

        Raises
        ------
        TypeError, ValueError
            Arrays of other dtypes or shapes; coordinates that come twice or lie out of bounds, or are not the grid's.
        """
        volume = cls(voxels, color=colors is not None, **options)
        call = Call()
        block = (BLOCK, BLOCK, BLOCK)
        arrays = [call.input("blocks", blocks, ("M", 3), ("int32",))]
        arrays += [
            call.input(*named, ("M", *block), ("float32",)) for named in (("values", values), ("weights", weights))
        ]
        if colors is not None:
            arrays.append(call.input("colors", colors, ("M", 3, *block), ("float32",)))
        volume._require(len(arrays[0]))
        coordinates = call.fetch(arrays[0])
        low, high = coordinates.min(initial=0), coordinates.max(initial=0)
        if not -BLOCK_LIMIT <= low <= high < BLOCK_LIMIT:
            raise ValueError(f"blocks: expected coordinates from -2**20 to 2**20 - 1, got {low} to {high}")
        if volume._grid is not None and not np.array_equal(coordinates, blocks_in(blocks_of(volume._grid))):
            raise ValueError("blocks: expected those of the grid in raster order, got others")
        volume._store = BlockStore(call, volume._color)
        volume._store.fill(*arrays)
        return volume

    @property
    def voxel_size(self) -> float:
        """In scene units."""
        return self._space.voxel_size

    @property
    def origin(self) -> NDArray[np.float64]:
        """x, y, z of the corner of voxel (0, 0, 0) of block (0, 0, 0)."""
        return np.asarray(self._space.origin)

    @property
    def blocks(self) -> Any:
        """(M, 3) int32 coordinates z, y, x of the blocks; voxel (0, 0, 0) of block b is voxel 8 b of space."""
        return self._store.blocks

    @property
    def values(self) -> Any:
        """(M, 8, 8, 8) float32 distances at the centres of voxels, in scene units. All arrays are the volume's own."""
        return self._store.values

    @property
    def weights(self) -> Any:
        """(M, 8, 8, 8) float32; 0 where nothing was seen."""
        return self._store.weights

    @property
    def colors(self) -> Any:
        """(M, 3, 8, 8, 8) float32 red, green and blue from 0 to 255, or None; averaged as the distances are."""
        return self._store.colors

    @property
    def nbytes(self) -> int:
        """Bytes that the blocks take, as ``max_memory`` counts them."""
        return len(self.blocks) * bytes_per_block(self._color)

    def to_dense(self, grid: VoxelGrid | None = None) -> DenseTsdf:
        """The voxels of a grid as arrays of numpy, zeros where there is no block.

        Parameters
        ----------
        grid : VoxelGrid, optional
            Of the volume's voxels; its own where it was made with one.

        Raises
        ------
        ValueError
            A grid of other voxels; arrays that do not fit into memory.
        """
        grid = grid or self._grid
        if grid is None:
            raise ValueError("grid: expected one, as the volume has none of its own, got None")
        offset = (np.asarray(grid.origin) - self.origin) / self.voxel_size
        first = np.round(offset)
        # Origins that were computed in different ways differ by rounding; a hundredth of a voxel is no such thing.
        if (
            grid.voxel_size != self.voxel_size
            or not (np.abs(offset - first) < 1e-2).all()
            or np.abs(first).max() > 2**30
        ):
            raise ValueError(
                f"grid: expected one of the volume's voxels (origin {self.origin}, {self.voxel_size:g}), got {grid}"
            )
        return DenseTsdf(*self._store.dense(first[::-1].astype(np.int64), grid.shape))

    def _new_store(self, call: Call) -> BlockStore:
        """An empty one, or all of the grid."""
        store = BlockStore(call, self._color)
        if self._grid is not None:
            shape = blocks_of(self._grid)
            self._require(math.prod(shape))
            store.append(call.place(blocks_in(shape)), math.prod(shape))
        return store

    def _require(self, num_blocks: int) -> None:
        size = num_blocks * bytes_per_block(self._color)
        if size > self._limit:
            limit, got = f"{self._limit / 1e9:.3g} GB", f"{num_blocks} blocks of 8³ voxels, {size / 1e9:.3g} GB"
            raise ValueError(f"max_memory: expected blocks that fit into {limit}, got {got}")


def positive(name: str, value: float, *, infinite: bool = False) -> float:
    """The number, checked."""
    value = float(value)
    if not (value > 0 and (infinite or math.isfinite(value))):
        raise ValueError(f"{name}: expected a positive {'' if infinite else 'finite '}number, got {value}")
    return value
