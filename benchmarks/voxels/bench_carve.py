# SPDX-License-Identifier: Apache-2.0
"""The visual hull of the 36 Oxford dinosaur views, packing of the masks included, against loops over voxels.

The C++ loop leaves a voxel at the first view that shows background; it is compiled here, for this processor.
``beyond_before_bytes`` is the most memory that the process had while a contestant ran, less what it had before.

Open3D's ``carve_silhouette`` carves by all of the views, one after the other, with one thread. Its time is without the
making of its grid, which takes half as long again (``create_s``). It keeps a voxel where one of its eight corners falls
within a pixel of the silhouette, ours where the centre does, so that it keeps all of ours and some around.
"""

from __future__ import annotations

import ctypes
import functools
import time
from typing import Any

import cv2
import numpy as np
from benchmarks._harness import Contest, Timing, case, data_dir
from benchmarks.voxels.tools import compiler, compiler_version, installed, library, memory, with_memory
from scipy.ndimage import binary_dilation

from fastcv import camera, get_num_threads, io, voxels

CENTER = [0.0, 0.0, -0.62, 1.0]


@functools.cache
def views() -> tuple[np.ndarray, np.ndarray]:
    """(36, H, W) masks and (36, 3, 4) matrices."""
    folder = data_dir() / "silhouettes" / "vgg_dino36"
    matrices = io.read_projections(folder / "P.txt")
    paths = [folder / "masks" / f"{i:03d}.png" for i in range(len(matrices))]
    return np.stack([np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in paths]), matrices


def grid_of(side: int) -> voxels.VoxelGrid:
    """A cube of side 0.2 that holds the dinosaur."""
    return voxels.VoxelGrid([-0.1, -0.1, -0.72], 0.2 / side, (side, side, side))


def brute_force(side: int) -> np.ndarray:
    """(Z, Y, X) uint8."""
    masks, matrices = views()
    facing = matrices * np.sign(matrices[:, 2] @ CENTER)[:, None, None]
    image_from_voxel = np.ascontiguousarray(facing @ grid_of(side).world_from_voxel)
    out = np.empty((side, side, side), np.uint8)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (masks, image_from_voxel, out)]
    sizes = [ctypes.c_int64(size) for size in masks.shape]
    library().carve(*sizes, *pointers[:2], ctypes.c_int64(side), pointers[2], get_num_threads())
    return out


def same_voxels(ours: voxels.Occupancy, theirs: np.ndarray) -> tuple[str, bool]:
    wrong = np.count_nonzero(ours.to_dense() != theirs.view(bool))
    return f"{wrong} of {theirs.size} voxels differ, {ours.num_occupied} stay", wrong == 0 and ours.num_occupied > 0


def open3d_carve(side: int) -> Timing:
    """What Open3D makes of all views."""
    o3d, start, base = installed("open3d"), time.perf_counter(), memory("VmRSS")
    masks, matrices = views()
    grid = grid_of(side)
    extent = side * grid.voxel_size
    result = o3d.geometry.VoxelGrid.create_dense(grid.origin, np.zeros(3), grid.voxel_size, extent, extent, extent)
    facts = {"create_s": time.perf_counter() - start, "beyond_before_bytes": memory("VmRSS") - base}
    seconds = 0.0
    for mask, P in zip(masks, matrices, strict=True):
        parameters, image = o3d.camera.PinholeCameraParameters(), o3d.geometry.Image((mask != 0).astype(np.float32))
        K, pose = camera.decompose_projection(P * np.sign(P[2] @ CENTER))
        parameters.intrinsic = o3d.camera.PinholeCameraIntrinsic(mask.shape[1], mask.shape[0], 1.0, 1.0, 0.0, 0.0)
        parameters.intrinsic.intrinsic_matrix = K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
        parameters.extrinsic = np.vstack([pose, [0, 0, 0, 1]])
        start = time.perf_counter()
        result.carve_silhouette(image, parameters)
        seconds += time.perf_counter() - start
    return Timing(seconds, result, facts=facts)


def within(ours: voxels.Occupancy, theirs: Any) -> tuple[str, bool]:
    """Whether Open3D has all of our voxels, and of others mostly those nearby; others are sampled."""
    dense, grid = ours.to_dense(), ours.grid
    near = binary_dilation(dense, np.ones((3, 3, 3)), iterations=2)
    samples = np.random.default_rng(0).integers(0, grid.shape, (400_000, 3))
    indices = np.concatenate([np.argwhere(dense), samples])
    points = np.asarray(grid.origin) + grid.voxel_size * (indices[:, ::-1] + 0.5)
    kept = np.array(theirs.check_if_included(installed("open3d").utility.Vector3dVector(points)))
    missing = np.count_nonzero(~kept[: ours.num_occupied])
    sampled = tuple(indices[kept & ~dense[tuple(indices.T)]].T)
    share = np.mean(near[sampled])
    how = f"it keeps all but {missing} of our {ours.num_occupied} voxels; of its others {share:.1%} lie within 2 voxels"
    return how, missing == 0 and share > 0.95


def contest_of(contest: Contest, side: int) -> None:
    if contest.quick and side > 256:
        return
    if not compiler():
        contest.skip("no C++ compiler for the loop")
        return
    masks, matrices = views()
    occupancy = voxels.carve(masks, matrices, grid_of(side))
    contest.note(views=len(masks), voxels=side**3, result_bytes=occupancy.nbytes, mixed_blocks=len(occupancy.bits))
    contest.ours(with_memory(lambda: voxels.carve(masks, matrices, grid_of(side))))
    library()
    contest.peer("c++ loop, gcc", compiler_version(), lambda: brute_force(side), check=same_voxels)
    if side == 256 and installed("open3d"):
        contest.peer("Open3D", installed("open3d").__version__, lambda: open3d_carve(side), check=within)


@case
def carve_128(contest: Contest) -> None:
    contest_of(contest, 128)


@case
def carve_256(contest: Contest) -> None:
    contest_of(contest, 256)


@case
def carve_512(contest: Contest) -> None:
    contest_of(contest, 512)


@case
def carve_1024(contest: Contest) -> None:
    contest_of(contest, 1024)
