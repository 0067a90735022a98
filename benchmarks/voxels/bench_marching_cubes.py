# SPDX-License-Identifier: Apache-2.0
"""Marching cubes at 256³, dense and in blocks around the surface, against Open3D, scikit-image and PyMCubes.

Ours has vertex normals; of the peers, scikit-image has. ``beyond_before_bytes`` is the most memory that the process had
while a contestant ran, less what it had before.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks._harness import Check, Contest, case
from benchmarks.voxels.tools import installed, with_memory

from fastcv import voxels
from fastcv.mesh import Mesh

SIDE = 256


@functools.cache
def field() -> tuple[np.ndarray, voxels.VoxelGrid]:
    """(Z, Y, X) float32 distances, nearly, to a ball with bumps, negative inside."""
    grid = voxels.VoxelGrid([-1, -1, -1], 2 / SIDE, (SIDE, SIDE, SIDE))
    values = np.empty(grid.shape, np.float32)
    for z in range(SIDE):
        x, y, height = np.moveaxis(grid.centers(z), -1, 0)
        bumps = np.sin(9 * x) * np.sin(11 * y) * np.sin(10 * height)
        values[z] = np.sqrt(x**2 + y**2 + height**2) - 0.75 + 0.06 * bumps
    return values, grid


@functools.cache
def blocks() -> tuple[np.ndarray, np.ndarray]:
    """(M, 3) and (M, 8, 8, 8): those that a fusion with a truncation of 4 voxels would have."""
    values, grid = field()
    n = SIDE // 8
    split = values.reshape(n, 8, n, 8, n, 8).transpose(0, 2, 4, 1, 3, 5).reshape(-1, 8, 8, 8)
    near = np.flatnonzero(np.abs(split).min((1, 2, 3)) < 4 * grid.voxel_size)
    return np.stack(np.unravel_index(near, (n, n, n)), -1).astype(np.int32), np.ascontiguousarray(split[near])


def area(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = np.moveaxis(vertices.astype(np.float64)[faces], 1, 0)
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def same_surface(as_voxels: Callable[[Any], tuple[np.ndarray, np.ndarray]]) -> Check:
    """``as_voxels`` gives a peer's vertices, as x, y, z in voxels with samples at whole numbers, and its faces."""
    spatial = importlib.import_module("scipy.spatial")

    def check(ours: Mesh, theirs: Any) -> tuple[str, bool]:
        _, grid = field()
        vertices = (ours.vertices - np.asarray(grid.origin)) / grid.voxel_size - 0.5
        other, faces = as_voxels(theirs)
        sample = other[:: max(1, len(other) // 50_000)]
        farthest = float(spatial.KDTree(vertices).query(sample)[0].max())
        ratio = area(other, faces) / area(vertices, ours.faces)
        how = f"areas differ by {abs(ratio - 1):.1g}, their vertices lie within {farthest:.1g} voxels of ours"
        return f"{how}, {len(ours.faces)} triangles", abs(ratio - 1) < 1e-3 and farthest < 1e-3

    return check


@case
def marching_cubes_256(contest: Contest) -> None:
    open3d, mcubes = installed("open3d"), installed("mcubes")
    measure = installed("skimage.measure") if installed("skimage") else None
    if not (open3d or measure or mcubes):
        contest.skip("none of Open3D, scikit-image and PyMCubes is installed")
        return
    values, grid = field()
    contest.note(voxels=values.size)
    contest.ours(with_memory(lambda: voxels.marching_cubes(values, grid)))
    if open3d:
        tensor = open3d.core.Tensor.from_numpy(values)
        run = functools.partial(open3d.t.geometry.TriangleMesh.create_isosurfaces, tensor)
        check = same_surface(lambda mesh: (mesh.vertex.positions.numpy(), mesh.triangle.indices.numpy()))
        contest.peer("Open3D isosurfaces", open3d.__version__, with_memory(run), check=check)
    if measure:
        version = importlib.import_module("skimage").__version__
        check = same_surface(lambda result: (result[0][:, ::-1], result[1]))
        for method in ("lorensen", "lewiner"):
            run = functools.partial(measure.marching_cubes, values, 0.0, method=method)
            contest.peer(f"skimage {method}", version, with_memory(run), check=check)
    if mcubes:
        check = same_surface(lambda result: (result[0][:, ::-1], result[1].astype(np.int64)))
        run = functools.partial(mcubes.marching_cubes, values, 0.0)
        contest.peer("PyMCubes", importlib.metadata.version("PyMCubes"), with_memory(run), check=check)


@case
def marching_cubes_blocks(contest: Contest) -> None:
    open3d = installed("open3d")
    if not open3d:
        contest.skip("Open3D is not installed")
        return
    coordinates, samples = blocks()
    _, grid = field()
    contest.note(blocks=len(samples), samples=samples.size)
    place = grid.origin, grid.voxel_size
    contest.ours(with_memory(lambda: voxels.marching_cubes_blocks(coordinates, samples, *place)))
    theirs = open3d.t.geometry.VoxelBlockGrid(
        ("tsdf", "weight"), (open3d.core.float32,) * 2, ((1), (1)), 1.0, 8, len(samples), open3d.core.Device("CPU:0")
    )
    keys = open3d.core.Tensor.from_numpy(np.ascontiguousarray(coordinates[:, ::-1]))
    rows, _ = theirs.hashmap().activate(keys)
    shaped = samples.reshape(len(samples), 8, 8, 8, 1)
    theirs.attribute("tsdf")[rows] = open3d.core.Tensor.from_numpy(shaped)
    theirs.attribute("weight")[rows] = open3d.core.Tensor.from_numpy(np.ones_like(shaped))
    check = same_surface(lambda mesh: (mesh.vertex.positions.numpy(), mesh.triangle.indices.numpy()))
    run = functools.partial(theirs.extract_triangle_mesh, 0.5)
    contest.peer("Open3D VoxelBlockGrid", open3d.__version__, with_memory(run), check=check)
