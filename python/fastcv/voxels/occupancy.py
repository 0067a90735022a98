# SPDX-License-Identifier: Apache-2.0
"""Which voxels of a grid are occupied, a bit for each where a block of 8³ holds both kinds and a byte for the block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import check
from ._cameras import on_host
from ._memory import require_memory
from .grid import VoxelGrid

BLOCK = 8
EMPTY, FULL, MIXED = 0, 1, 2
_BITS_SET = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Occupancy:
    """The occupied voxels of a grid in blocks of 8 × 8 × 8.

    Empty and full blocks cost one byte. ``carve`` and ``from_dense`` make it.

    Parameters
    ----------
    grid : VoxelGrid
        Where the voxels lie.
    states : (Z/8, Y/8, X/8) uint8 array, sizes rounded up
        0 for an empty block, 1 for a full one (as far as it lies in the grid), 2 for a mixed one.
    bits : (M, 8, 8) uint8 array
        The mixed blocks in the order in which ``states`` has them: a byte per row of 8 voxels, indexed by z and y;
        x = 0 is the lowest bit. Voxels beyond the grid have no bit.

    Examples
    --------
    >>> from fastcv.voxels import Occupancy, VoxelGrid
    >>> dense = np.zeros((16, 16, 20), bool)
    >>> dense[:, :, 3:10] = True
    >>> occupancy = Occupancy.from_dense(dense, VoxelGrid([0, 0, 0], 1.0, dense.shape))
    >>> occupancy.num_occupied, occupancy.states[0, 0], bin(occupancy.bits[0, 0, 0])
    (1792, array([2, 2, 0], dtype=uint8), '0b11111000')
    >>> bool((occupancy.to_dense() == dense).all())
    True
    """

    grid: VoxelGrid
    states: NDArray[np.uint8]
    bits: NDArray[np.uint8]

    def __post_init__(self) -> None:
        blocks = blocks_of(self.grid)
        if self.states.shape != blocks:
            raise ValueError(f"states: expected shape {blocks}, got {self.states.shape}")
        mixed = np.count_nonzero(self.states == MIXED)
        if self.bits.shape != (mixed, BLOCK, BLOCK):
            raise ValueError(f"bits: expected shape ({mixed}, 8, 8), got {self.bits.shape}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        return self.grid.shape

    @property
    def blocks(self) -> NDArray[np.int64]:
        """Where the blocks of ``bits`` lie, (M, 3): z, y, x in blocks."""
        return np.argwhere(self.states == MIXED)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.states.nbytes + self.bits.nbytes

    @property
    def num_occupied(self) -> int:
        """How many voxels are occupied."""
        inside = [np.minimum(BLOCK, size - BLOCK * np.arange(-(-size // BLOCK))) for size in self.shape]
        full = np.einsum("zyx,z,y,x->", self.states == FULL, *inside, dtype=np.int64, casting="unsafe")
        return int(full) + int(_BITS_SET[self.bits].sum(dtype=np.int64))

    def to_dense(self) -> NDArray[np.bool_]:
        """The volume as a (Z, Y, X) bool array.

        Raises
        ------
        ValueError
            It would take more memory than this machine has.
        """
        require_memory("grid", self.grid.num_voxels, f"an array {self.shape}")
        dense = np.empty(self.shape, bool)
        rank = 0
        for slab, states in enumerate(self.states):  # 8 layers at a time, so that the padding stays small
            mixed = states == MIXED
            voxels = np.zeros((*states.shape, BLOCK, BLOCK, BLOCK), bool)
            voxels[states == FULL] = True
            count = np.count_nonzero(mixed)
            rows = np.unpackbits(self.bits[rank : rank + count, :, :, None], axis=-1, bitorder="little")
            voxels[mixed] = rows.view(bool)
            rank += count
            layers = voxels.transpose(2, 0, 3, 1, 4).reshape(BLOCK, BLOCK * len(states), -1)
            low = BLOCK * slab
            dense[low : low + BLOCK] = layers[: self.shape[0] - low, : self.shape[1], : self.shape[2]]
        return dense

    def to_torch(self, device: str = "cpu") -> Any:
        """The volume as a (Z, Y, X) bool tensor on a device of torch; only the blocks travel there.

        Raises
        ------
        ValueError
            It would take more memory than this machine has.
        """
        require_memory("grid", self.grid.num_voxels, f"an array {self.shape}")
        from . import _torch

        return _torch.dense_of(self.states, self.bits, self.shape, device)

    @classmethod
    def from_dense(cls, dense: Any, grid: VoxelGrid) -> Occupancy:
        """The blocks of a (Z, Y, X) bool array, of numpy, torch or CuPy, on any device.

        Raises
        ------
        TypeError
            Another dtype than bool.
        ValueError
            Another shape than the grid's.
        """
        dense = dense if hasattr(dense, "shape") else np.asarray(dense)
        check("dense", dense, (None, None, None), ("bool",))
        if tuple(dense.shape) != grid.shape:
            raise ValueError(f"dense: expected the grid's shape {grid.shape}, got {tuple(dense.shape)}")
        states = np.empty(blocks_of(grid), np.uint8)
        bits = []
        for slab in range(len(states)):
            layers = on_host(dense[BLOCK * slab : BLOCK * (slab + 1)])
            blocks, inside = _blocks(layers), _blocks(np.ones(layers.shape, bool))
            states[slab] = np.where(blocks.any((2, 3, 4)), MIXED, EMPTY)
            states[slab][(blocks == inside).all((2, 3, 4))] = FULL
            bits.append(np.packbits(blocks[states[slab] == MIXED], axis=-1, bitorder="little")[..., 0])
        return cls(grid, states, np.concatenate(bits))


def blocks_of(grid: VoxelGrid) -> tuple[int, int, int]:
    """Blocks along z, y, x."""
    depth, height, width = (-(-size // BLOCK) for size in grid.shape)
    return depth, height, width


def _blocks(layers: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Up to 8 layers as (Y/8, X/8, 8, 8, 8), False beyond them."""
    padded = np.pad(layers, [(0, -layers.shape[0] % BLOCK), *((0, -size % BLOCK) for size in layers.shape[1:])])
    rows, columns = padded.shape[1] // BLOCK, padded.shape[2] // BLOCK
    return padded.reshape(BLOCK, rows, BLOCK, columns, BLOCK).transpose(1, 3, 0, 2, 4)
