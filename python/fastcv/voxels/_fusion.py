# SPDX-License-Identifier: Apache-2.0
"""Packed frames into blocks: those that the frames bring into being first, then all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, handle
from ._block_store import BLOCK_LIMIT, BlockStore
from .grid import VoxelGrid
from .occupancy import BLOCK

_LEAST_CAPACITY = 4096  # new blocks that there is room for at the first try


class Fusion(NamedTuple):
    """Packed frames, and how they count: truncation, weight of a frame and the most weight of a voxel."""

    call: Call
    packed: tuple[Any, ...]
    rule: tuple[float, float, float]
    execution: int

    def find_blocks(self, store: BlockStore, most: int) -> tuple[Any, Any, int]:
        """New blocks' coordinates and first frames, and how many there are; beyond ``most`` only that is told."""
        capacity = max(_LEAST_CAPACITY, store.count // 2)
        while True:
            blocks, first_frames = self.call.empty((capacity, 3), "int32"), self.call.empty((capacity,), "int32")
            table, found = _handles(store.keys, store.slots), _handles(blocks, first_frames)
            arguments = (*_handles(*self.packed), *self.rule, *table, most, *found)
            count = self.call.backend.voxels.find_blocks(*arguments, self.execution)
            if count <= capacity or count > most:
                return blocks[:count], first_frames[:count], count
            capacity = count

    def integrate(self, store: BlockStore, first_frames: Any) -> None:
        """Update all blocks, the last of them from their first frames on."""
        arrays = _handles(store.blocks, first_frames, store.values, store.weights, store.colors)
        self.call.backend.voxels.integrate(*_handles(*self.packed), *self.rule, *arrays, self.execution)


def check_reach(places: NDArray[np.float64], space: VoxelGrid) -> None:
    """Raise where world positions have no coordinates of blocks."""
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = np.abs((places - np.asarray(space.origin)) / space.voxel_size).max(initial=0)
    if not voxels < BLOCK * (BLOCK_LIMIT - 1):
        rule = "surfaces within 2**23 voxels of the origin (see max_depth)"
        raise ValueError(f"depth: expected {rule}, got up to {voxels:.3g}")


def _handles(*arrays: Any) -> list[Any]:
    """For one native call; None stays None."""
    return [None if array is None else handle(array) for array in arrays]
