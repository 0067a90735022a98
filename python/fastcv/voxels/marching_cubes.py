# SPDX-License-Identifier: Apache-2.0
"""Marching cubes: the surface of a scalar field as triangles, of a dense volume or of blocks of 8³ samples."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, handle
from .._backend import backend
from ..mesh import Mesh
from ._memory import require_memory
from ._silhouettes import as_bytes
from .grid import VoxelGrid
from .occupancy import BLOCK, blocks_of

_MOST_VERTICES = 2**31 - 1


def marching_cubes(
    values: Any,
    grid: VoxelGrid,
    *,
    level: float = 0.0,
    valid: Any = None,
    colors: Any = None,
    num_threads: int = 0,
) -> Mesh:
    """Triangles where a field on a grid crosses a level.

    Samples stand at the centres of the voxels. Below the level is inside, as in a signed distance that is negative
    behind the surface. Every edge between neighbours on both sides gets one vertex, by linear interpolation, which all
    triangles around it share: the mesh is a closed manifold but for where it meets unknown samples or the border of the
    grid. Where the corners of a cell's face alternate, inside corners are joined and outside ones kept apart.

    Parameters
    ----------
    values : (Z, Y, X) float32 array
        numpy, torch or CuPy. What is not finite is unknown.
    grid : VoxelGrid
        Where the samples lie.
    level : float
        Of the surface.
    valid : (Z, Y, X) bool array, optional
        False where nobody knows the value. Cells with an unknown corner have no surface.
    colors : (Z, Y, X, 3) uint8 array, optional
        RGB of the samples, interpolated at the vertices.
    num_threads : int
        0 for the default. The mesh is the same to the last bit for every number and every instruction set.

    Returns
    -------
    Mesh
        With normals along the field's gradient, away from the inside. Vertices and faces come in order of blocks of 8³
        samples, without a vertex that no face refers to. Faces can be of area zero, where a sample is exactly at the
        level.

    Raises
    ------
    TypeError
        An array of another dtype.
    ValueError
        An array of another shape than the grid's; a level that is not finite; a surface of 2³¹ vertices or more.

    References
    ----------
    Lorensen & Cline 1987, "Marching cubes: a high resolution 3D surface construction algorithm". Schroeder, Maynard &
    Geveci 2015, "Flying edges: a high-performance scalable isocontouring algorithm", for the order of passes.

    Examples
    --------
    >>> from fastcv.voxels import VoxelGrid, marching_cubes
    >>> grid = VoxelGrid([-1, -1, -1], 2 / 32, (32, 32, 32))
    >>> centers = np.stack([grid.centers(z) for z in range(32)])
    >>> mesh = marching_cubes((np.linalg.norm(centers, axis=-1) - 0.8).astype(np.float32), grid)
    >>> num_edges = 3 * len(mesh.faces) // 2
    >>> len(mesh.vertices) - num_edges + len(mesh.faces)  # Euler's characteristic of a sphere
    2
    """
    call = Call()
    values = call.input("values", values, grid.shape, ("float32",))
    tables = call.place(np.zeros((0, 3), np.int32)), call.place(np.zeros((0, 27), np.int32))
    samples = _samples(call, values, valid, colors, tables, grid)
    return _surface(call, samples, int(np.prod(blocks_of(grid), dtype=object)), level, num_threads).mesh


def marching_cubes_blocks(
    blocks: Any,
    values: Any,
    origin: ArrayLike,
    voxel_size: float,
    *,
    level: float = 0.0,
    valid: Any = None,
    colors: Any = None,
    num_threads: int = 0,
) -> Mesh:
    """Triangles where a field on blocks of 8³ samples crosses a level.

    As ``marching_cubes``; samples of blocks that are not there are unknown. From the blocks of a dense volume in their
    order (z before y before x) comes the very mesh that comes from the volume.

    Parameters
    ----------
    blocks : (M, 3) int32 array
        Where the blocks lie: z, y, x in blocks, negative ones too, each at most once.
    values : (M, 8, 8, 8) float32 array
        z, y, x. What is not finite is unknown.
    origin : (3,) array
        x, y, z of the corner of voxel (0, 0, 0) of block (0, 0, 0), in the world frame.
    voxel_size : float
        Side of a voxel in scene units.
    level, num_threads
        As in ``marching_cubes``.
    valid : (M, 8, 8, 8) bool array, optional
        False where nobody knows the value.
    colors : (M, 8, 8, 8, 3) uint8 array, optional
        RGB of the samples.

    Returns
    -------
    Mesh
        As from ``marching_cubes``.

    Raises
    ------
    TypeError, ValueError
        As ``marching_cubes``; and for blocks beyond ±2²⁷, or twice the same.

    Examples
    --------
    >>> from fastcv.voxels import marching_cubes_blocks
    >>> z = np.arange(16, dtype=np.float32).reshape(2, 8, 1, 1)
    >>> heights = np.broadcast_to(z - 9.25, (2, 8, 8, 8)).copy()  # a plane through two blocks, one above the other
    >>> mesh = marching_cubes_blocks(np.array([[0, 0, 0], [1, 0, 0]], np.int32), heights, [0, 0, 0], 1.0)
    >>> mesh, mesh.vertices[:, 2].min(), mesh.normals[0]
    (Mesh(64 vertices, 98 faces, normals), np.float32(9.75), array([0., 0., 1.], dtype=float32))
    """
    grid = VoxelGrid(origin, voxel_size, (BLOCK, BLOCK, BLOCK))
    return surface_of_blocks(blocks, values, grid, level, valid, colors, num_threads).mesh


class BlockSurface(NamedTuple):
    """A mesh, the rows of the blocks that have a part of it, and (C, 2) vertices and faces up to the end of each.

    A vertex belongs to the block of the lower of its samples, a face to that of the lowest corner of its cell.
    """

    mesh: Mesh
    rows: NDArray[np.int64]
    ends: NDArray[np.int64]


def surface_of_blocks(
    blocks: Any, values: Any, grid: VoxelGrid, level: float, valid: Any, colors: Any, num_threads: int
) -> BlockSurface:
    """As ``marching_cubes_blocks``; of the grid origin and voxel size count."""
    call = Call()
    blocks = call.input("blocks", blocks, ("M", 3), ("int32",))
    values = call.input("values", values, ("M", BLOCK, BLOCK, BLOCK), ("float32",))
    num_blocks = len(values)
    if num_blocks == 0:
        return _empty(colors is not None)
    require_memory("blocks", 27 * 4 * num_blocks, f"the neighbours of {num_blocks} blocks")
    tables = blocks, call.place(_neighbors(call.fetch(blocks), num_threads))
    return _surface(call, _samples(call, values, valid, colors, tables, grid), num_blocks, level, num_threads)


class _Samples(NamedTuple):
    """The first arguments of a native pass (cpp/voxels/samples.h); without rows of blocks, the array is dense."""

    values: Any
    valid: Any
    colors: Any
    blocks: Any
    neighbors: Any
    shape: NDArray[np.int64]
    placement: NDArray[np.float64]


def _samples(call: Call, values: Any, valid: Any, colors: Any, tables: tuple[Any, Any], grid: VoxelGrid) -> _Samples:
    shape = tuple(values.shape)
    if valid is not None:
        valid = as_bytes(call.input("valid", valid, shape, ("bool",))).reshape(-1)
    if colors is not None:
        colors = call.input("colors", colors, (*shape, 3), ("uint8",)).reshape(-1)
    placement = np.array([*np.asarray(grid.origin), grid.voxel_size])
    return _Samples(values.reshape(-1), valid, colors, *tables, np.array(grid.shape, np.int64), placement)


def _neighbors(blocks: NDArray[np.int32], num_threads: int) -> NDArray[np.int32]:
    """(M, 27) numbers of the blocks around each, -1 for none."""
    limit = 2**27  # the coordinates of their samples fit into 31 bits
    if blocks.min() < -limit or blocks.max() >= limit:
        raise ValueError(f"blocks: expected -2**27 to 2**27 - 1, got {blocks.min()} to {blocks.max()}")
    neighbors = np.full((len(blocks), 27), -1, np.int32)
    if not backend("cpu").voxels.block_neighbors(blocks, neighbors, num_threads):
        raise ValueError("blocks: expected each block once, got one that is there twice")
    return neighbors


def _surface(call: Call, samples: _Samples, num_blocks: int, level: float, num_threads: int) -> BlockSurface:
    level = float(level)
    if not np.isfinite(level):
        raise ValueError(f"level: expected a finite number, got {level}")
    native, execution = call.backend.voxels, call.execution(num_threads)
    inside, known = (call.empty((num_blocks, BLOCK), "int64") for _ in range(2))
    states, candidates = (call.empty((num_blocks,), "uint8") for _ in range(2))
    arguments = [*samples, level, inside, known, states]
    native.classify_samples(*map(handle, arguments), execution)
    native.find_candidates(*map(handle, arguments), handle(candidates), execution)

    chosen = np.flatnonzero(call.fetch(candidates))
    count = len(chosen)
    if count == 0:
        return _empty(samples.colors is not None)
    ranks = np.full(num_blocks, -1, np.int32)
    ranks[chosen] = np.arange(count, dtype=np.int32)
    words = [call.empty((count, columns), "int64") for columns in (BLOCK, 3 * BLOCK)]
    starts = [call.empty((count, columns), "int32") for columns in (3 * BLOCK, BLOCK)]
    totals = call.empty((count, 2), "int64")
    arguments += [call.place(chosen), call.place(ranks), *words, *starts]
    native.count_surface(*map(handle, arguments), handle(totals), execution)

    ends = np.cumsum(call.fetch(totals), axis=0)
    arguments.append(call.place(np.concatenate([np.zeros((1, 2), np.int64), ends[:-1]])))
    outputs = _outputs(call, int(ends[-1, 0]), int(ends[-1, 1]), samples.colors is not None)
    native.emit_surface(*map(handle, arguments), *map(handle, outputs), execution)
    vertices, normals, faces = (call.fetch(outputs[i]) for i in (0, 1, 3))
    mesh = Mesh(vertices, faces, None if outputs[2] is None else call.fetch(outputs[2]), normals)
    return BlockSurface(mesh, chosen, ends)


def _outputs(call: Call, num_vertices: int, num_faces: int, colored: bool) -> list[Any]:
    """Vertices, normals, colours and faces, to be filled."""
    if num_vertices > _MOST_VERTICES:
        raise ValueError(f"values: expected a surface of less than 2**31 vertices, got {num_vertices}")
    require_memory("values", 27 * num_vertices + 12 * num_faces, f"a mesh of {num_faces} triangles")
    vertices, normals = (call.empty((num_vertices, 3), "float32") for _ in range(2))
    colors = call.empty((num_vertices, 3), "uint8") if colored else None
    return [vertices, normals, colors, call.empty((num_faces, 3), "int32")]


def _empty(colored: bool) -> BlockSurface:
    none = np.zeros((0, 3), np.float32)
    mesh = Mesh(none, np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint8) if colored else None, none)
    return BlockSurface(mesh, np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
