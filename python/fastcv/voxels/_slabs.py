# SPDX-License-Identifier: Apache-2.0
"""Marching cubes over blocks whose samples are made slab by slab: what a surface takes is then little but its mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..mesh import Mesh
from ._memory import require_memory
from .grid import VoxelGrid
from .marching_cubes import surface_of_blocks
from .occupancy import BLOCK

SLAB_BYTES = 256 << 20  # of samples that exist at a time, about
_BLOCK_BYTES = 4 * BLOCK**3 + 27 * 4 + 64 * 8  # of a block: samples, neighbours, signs, cells, counts
# Layers of blocks beside a slab: below, samples for gradients; above, all cells around the vertices of the next slab.
_BELOW, _ABOVE = 1, 2


def mesh_in_slabs(
    blocks: NDArray[np.int32],
    make_values: Callable[[NDArray[np.int32]], NDArray[np.float32]],
    grid: VoxelGrid,
    level: float,
    num_threads: int,
) -> Mesh:
    """The mesh of ``marching_cubes_blocks``, bit for bit, for (M, 3) blocks in the order z, y, x, with no more samples
    in memory than some layers of blocks have. ``make_values`` gives the (K, 8, 8, 8) samples of blocks."""
    vertices, normals, faces = [], [], []
    count = 0
    for first, last in _slabs(blocks[:, 0]):
        part = blocks[slice(*np.searchsorted(blocks[:, 0], (first - _BELOW, last + _ABOVE)))]
        require_memory("occupancy", _BLOCK_BYTES * len(part), f"a slab of {len(part)} blocks")
        mesh, rows, ends = surface_of_blocks(part, make_values(part), grid, level, None, None, num_threads)
        # Vertices come in order of blocks, so those of the next slab follow these here as they do in the whole.
        begin, end = (_before(part[rows, 0], ends, layer) for layer in (first, last))
        assert mesh.normals is not None
        vertices.append(mesh.vertices[begin[0] : end[0]].copy())
        normals.append(mesh.normals[begin[0] : end[0]].copy())
        faces.append(mesh.faces[begin[1] : end[1]] + np.int32(count - begin[0]))
        count += end[0] - begin[0]
        del mesh
    num_bytes = 24 * count + 12 * sum(map(len, faces))
    require_memory("occupancy", 2 * num_bytes, f"a mesh of {sum(map(len, faces))} triangles, put together,")
    return Mesh(_joined(vertices, np.float32), _joined(faces, np.int32), None, _joined(normals, np.float32))


def _slabs(layer_of_block: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """First layer and layer behind the last, of slabs that are as high as SLAB_BYTES allows, or one layer."""
    if not len(layer_of_block):
        return
    first, end = int(layer_of_block[0]), int(layer_of_block[-1]) + 1
    while first < end:
        last = first + 1
        while last < end and _blocks_between(layer_of_block, first - _BELOW, last + 1 + _ABOVE) <= (
            SLAB_BYTES // _BLOCK_BYTES
        ):
            last += 1
        yield first, last
        first = last


def _blocks_between(layer_of_block: NDArray[np.int32], first: int, last: int) -> int:
    return int(np.subtract(*np.searchsorted(layer_of_block, (last, first))))


def _before(layers: NDArray[np.int32], ends: NDArray[np.int64], layer: int) -> tuple[int, int]:
    """Vertices and faces of the blocks below a layer."""
    number = int(np.searchsorted(layers, layer))
    return (int(ends[number - 1, 0]), int(ends[number - 1, 1])) if number else (0, 0)


def _joined(parts: list[NDArray], dtype: type) -> NDArray:
    """All parts, which are then gone."""
    whole = np.concatenate([np.zeros((0, 3), dtype), *parts])
    parts.clear()
    return whole
