# SPDX-License-Identifier: Apache-2.0
"""Blocks of voxels side by side in arrays that grow, and the hash table that finds them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, handle
from ._memory import require_memory
from .occupancy import BLOCK

BLOCK_LIMIT = 2**20  # kBlockLimit of cpp/voxels/block_table.hd.h: coordinates lie in [-BLOCK_LIMIT, BLOCK_LIMIT)
_BLOCK_SHAPE = (BLOCK, BLOCK, BLOCK)
_SPARE = 8192  # blocks that arrays have room for at least when they grow


def bytes_per_block(color: bool) -> int:
    """Of a block's coordinates, values, weights and colours, and of its share of the table."""
    return 3 * 4 + BLOCK**3 * (8 + 12 * color) + 4 * 12


class BlockStore:
    """The arrays of a volume, in the framework and on the device of the call that made it.

    The first ``count`` entries are in use, the others are zeros: with numpy, pages that nobody touched and that cost
    nothing.
    """

    def __init__(self, call: Call, color: bool) -> None:
        self.call = call
        self.count = 0
        self._arrays = [call.empty((0, 3), "int32"), *(call.empty((0, *_BLOCK_SHAPE), "float32") for _ in range(2))]
        if color:
            self._arrays.append(call.empty((0, 3, *_BLOCK_SHAPE), "float32"))
        self.keys, self.slots = call.empty((0,), "int64"), call.empty((0,), "int32")
        self._enter(0)

    @property
    def blocks(self) -> Any:
        """(M, 3) int32: z, y, x."""
        return self._arrays[0][: self.count]

    @property
    def values(self) -> Any:
        """(M, 8, 8, 8) float32."""
        return self._arrays[1][: self.count]

    @property
    def weights(self) -> Any:
        """(M, 8, 8, 8) float32."""
        return self._arrays[2][: self.count]

    @property
    def colors(self) -> Any:
        """(M, 3, 8, 8, 8) float32, or None."""
        return self._arrays[3][: self.count] if len(self._arrays) == 4 else None

    def byte_colors(self) -> Any:
        """(M, 8, 8, 8, 3) uint8, rounded."""
        colors = self.call.empty((self.count, *_BLOCK_SHAPE, 3), "uint8")
        for channel in range(3):
            colors[..., channel] = self.colors[:, channel] + 0.5
        return colors

    def join(self, call: Call) -> None:
        """Raise unless a call's inputs live where the volume does."""
        self.call.input("depth", call.empty((0,), "float32"), (0,), ("float32",))

    def append(self, blocks: Any, most: int) -> None:
        """Blocks of zeros at new coordinates; ``most`` blocks are as many as there ever may be."""
        before, after = self.count, self.count + len(blocks)
        if after > len(self._arrays[0]):
            self._grow(min(after + max(before, _SPARE), most))
        self._arrays[0][before:after] = blocks
        self.count = after
        self._enter(before)

    def fill(self, blocks: Any, *arrays: Any) -> None:
        """Take over whole arrays: coordinates, values, weights and colours, if any."""
        self._arrays = [blocks, *arrays]
        self.count = len(blocks)
        self._enter(0)

    def dense(self, first: NDArray[np.int64], shape: tuple[int, int, int]) -> tuple[Any, ...]:
        """Values, weights and colours (Z, Y, X, ...) of the voxels from ``first`` (z, y, x) on."""
        channels = 2 + 3 * (self.colors is not None)
        low, high = first // BLOCK, -(-(first + shape) // BLOCK)
        sizes = high - low
        num_bytes = 2 * math.prod(map(int, sizes)) * BLOCK**3 * 4 * channels
        require_memory("grid", num_bytes, f"{channels} arrays {shape}, with as much again to put them together,")
        blocks = self.call.fetch(self.blocks)
        inside = ((blocks >= low) & (blocks < high)).all(1)
        place = tuple((blocks[inside] - low).T)
        crop = tuple(slice(f, f + s) for f, s in zip(first - BLOCK * low, shape, strict=True))

        def spread(array: NDArray[np.float32]) -> NDArray[np.float32]:
            padded = np.zeros((sizes[0], BLOCK, sizes[1], BLOCK, sizes[2], BLOCK), np.float32)
            padded.transpose(0, 2, 4, 1, 3, 5)[place] = array[inside]
            return padded.reshape(BLOCK * sizes)[crop]

        values, weights = (spread(self.call.fetch(a)).copy() for a in (self.values, self.weights))
        if self.colors is None:
            return values, weights, None
        colors = self.call.fetch(self.colors)
        return values, weights, np.stack([np.uint8(spread(colors[:, c]) + 0.5) for c in range(3)], axis=-1)

    def _grow(self, capacity: int) -> None:
        for i, old in enumerate(self._arrays):  # one after the other, so that only one is there twice
            new = self._zeros((capacity, *old.shape[1:]), "int32" if i == 0 else "float32")
            new[: self.count] = old[: self.count]
            self._arrays[i] = new

    def _zeros(self, shape: tuple[int, ...], dtype: str) -> Any:
        if self.call.framework == "numpy":
            return np.zeros(shape, dtype)
        new = self.call.empty(shape, dtype)
        new[:] = 0
        return new

    def _enter(self, begin: int) -> None:
        """Blocks from ``begin`` on into the table, which is kept at most half full."""
        if 2 * self.count >= len(self.keys):
            size = 1 << (2 * self.count + 1).bit_length()
            self.keys, self.slots = self.call.empty((size,), "int64"), self.call.empty((size,), "int32")
            self.keys[:] = -1
            begin = 0
        table = handle(self.keys), handle(self.slots)
        native = self.call.backend.voxels
        if not native.insert_blocks(handle(self.blocks), begin, *table, self.call.execution()):
            raise ValueError("blocks: expected different coordinates, got the same twice")


def blocks_in(shape: tuple[int, int, int]) -> NDArray[np.int32]:
    """(M, 3) coordinates of as many blocks along z, y, x, in raster order."""
    return np.indices(shape, np.int32).reshape(3, -1).T.copy()
