# SPDX-License-Identifier: Apache-2.0
"""A carving from blocks to voxels, whatever its views are."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .._arrays import Call, handle
from ._memory import require_memory
from .grid import VoxelGrid
from .occupancy import BLOCK, MIXED, Occupancy, blocks_of


def rule_of(num_views: int, min_views: int, max_violations: int, outside: str) -> tuple[int, int, bool]:
    """min_views, max_violations, outside_violates as the kernels take them."""
    if not 0 <= operator.index(min_views) <= num_views:
        raise ValueError(f"min_views: expected 0 to the number of views ({num_views}), got {min_views}")
    if operator.index(max_violations) < 0:
        raise ValueError(f"max_violations: expected 0 or more, got {max_violations}")
    return int(min_views), min(int(max_violations), num_views), outside_violates(outside)


def outside_violates(outside: str) -> bool:
    """What ``outside`` says, as the kernels take it."""
    if outside not in ("ignore", "carve"):
        raise ValueError(f"outside: expected ignore or carve, got {outside!r}")
    return outside == "carve"


def require_blocks(grid: VoxelGrid) -> None:
    """Raise ValueError where not even the states of the grid's blocks fit into memory."""
    require_memory("grid", int(np.prod(blocks_of(grid), dtype=object)), f"the blocks of {grid.shape} voxels")


def carve_by(call: Call, classify: Any, carve: Any, arguments: list[Any], grid: VoxelGrid, execution: int) -> Occupancy:
    """Run the native functions that classify blocks and carve those that are mixed."""
    device_states = call.empty(blocks_of(grid), "uint8")
    classify(*map(handle, arguments), handle(device_states), execution)
    states = call.fetch(device_states)
    mixed = np.flatnonzero(states == MIXED)
    require_memory("grid", len(mixed) * BLOCK**2, f"the bits of {len(mixed)} blocks of {grid.shape} voxels")
    bits, settled = call.empty((len(mixed), BLOCK, BLOCK), "uint8"), call.empty((len(mixed),), "uint8")
    carve(*map(handle, arguments), handle(call.place(mixed)), handle(bits), handle(settled), execution)
    bits, settled = call.fetch(bits), call.fetch(settled)
    states.reshape(-1)[mixed] = settled
    return Occupancy(grid, states, bits[settled == MIXED])
