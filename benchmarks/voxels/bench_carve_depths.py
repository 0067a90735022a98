# SPDX-License-Identifier: Apache-2.0
"""Carving by 50 depth maps of a Kinect that is carried through a room, against a C++ loop over voxels.

The loop leaves a voxel at the first view that looks through it; ``brute_force.cpp`` is compiled here.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np
from benchmarks._harness import Contest, case
from benchmarks.voxels.bench_carve import same_voxels
from benchmarks.voxels.tools import compiler, compiler_version, kinect, library, with_memory

from fastcv import Camera, get_num_threads, voxels

MARGIN = 0.05  # metres: the noise of the sensor, and half a voxel's diagonal


@functools.cache
def views() -> tuple[np.ndarray, list[tuple[Camera, np.ndarray]]]:
    """(50, 480, 640) depths in metres, 0 for none, and the cameras."""
    frames = kinect()
    return frames.depths * np.float32(1e-3), [(frames.camera, pose) for pose in frames.poses]


def grid_of(side: int) -> voxels.VoxelGrid:
    """A cube of side 2.5 m around what the first camera looks at."""
    _, cameras = views()
    pose = cameras[0][1]
    middle = pose[:, :3].T @ (np.array([0, 0, 2.0]) - pose[:, 3])
    return voxels.VoxelGrid(middle - 1.25, 2.5 / side, (side, side, side))


def brute_force(
    depths: np.ndarray, cameras: list[tuple[Camera, np.ndarray]], grid: voxels.VoxelGrid, margin: float
) -> np.ndarray:
    """(Z, Y, X) uint8, of a cube."""
    matrices = np.stack([camera.matrix @ pose for camera, pose in cameras])
    image_from_voxel = np.ascontiguousarray(matrices @ grid.world_from_voxel)
    out = np.empty(grid.shape, np.uint8)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (depths, image_from_voxel, out)]
    sizes = [ctypes.c_int64(size) for size in depths.shape]
    rest = ctypes.c_double(margin), ctypes.c_int64(grid.shape[0]), pointers[2]
    library().carve_depths(*sizes, *pointers[:2], *rest, get_num_threads())
    return out


def contest_of(contest: Contest, side: int) -> None:
    if contest.quick and side > 256:
        return
    if not compiler():
        contest.skip("no C++ compiler for the loop")
        return
    depths, cameras = views()
    grid = grid_of(side)
    occupancy = voxels.carve_depths(depths, cameras, grid, margin=MARGIN)
    contest.note(views=len(depths), voxels=side**3, result_bytes=occupancy.nbytes, mixed_blocks=len(occupancy.bits))
    contest.ours(with_memory(lambda: voxels.carve_depths(depths, cameras, grid, margin=MARGIN)))
    library()
    contest.peer(
        "c++ loop, gcc", compiler_version(), lambda: brute_force(depths, cameras, grid, MARGIN), check=same_voxels
    )


@case
def carve_depths_128(contest: Contest) -> None:
    contest_of(contest, 128)


@case
def carve_depths_256(contest: Contest) -> None:
    contest_of(contest, 256)


@case
def carve_depths_512(contest: Contest) -> None:
    contest_of(contest, 512)
