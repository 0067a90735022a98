# SPDX-License-Identifier: Apache-2.0
"""The visual hull of the 36 Oxford dinosaur views, packing of the masks included, against loops over voxels.

The C++ loop leaves a voxel at the first view that shows background; it is compiled here, for this processor.
``beyond_before_bytes`` is the most memory that the process had while ours ran, less what it had before.
"""

from __future__ import annotations

import ctypes
import functools

import cv2
import numpy as np
from benchmarks._harness import Contest, case, data_dir
from benchmarks.voxels.tools import compiler, compiler_version, library, with_memory

from fastcv import get_num_threads, io, voxels

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
