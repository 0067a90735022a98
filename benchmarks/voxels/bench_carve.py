# SPDX-License-Identifier: Apache-2.0
"""The visual hull of the 36 Oxford dinosaur views, packing of the masks included, against loops over voxels.

The C++ loop leaves a voxel at the first view that shows background; it is compiled here, for this processor.
``beyond_before_bytes`` is the most memory that the process had while ours ran, less what it had before.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from benchmarks._harness import Contest, Timing, case, data_dir

from fastcv import get_num_threads, voxels

FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-std=c++20", "-shared", "-fPIC", "-pthread"]
FROM_PIXEL_CENTERS = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # the matrices count from them
CENTER = [0.0, 0.0, -0.62, 1.0]


@functools.cache
def views() -> tuple[np.ndarray, np.ndarray]:
    """(36, H, W) masks and (36, 3, 4) matrices."""
    folder = data_dir() / "silhouettes" / "vgg_dino36"
    matrices = FROM_PIXEL_CENTERS @ np.loadtxt(folder / "P.txt").reshape(-1, 3, 4)
    paths = [folder / "masks" / f"{i:03d}.png" for i in range(len(matrices))]
    return np.stack([np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in paths]), matrices


def grid_of(side: int) -> voxels.VoxelGrid:
    """A cube of side 0.2 that holds the dinosaur."""
    return voxels.VoxelGrid([-0.1, -0.1, -0.72], 0.2 / side, (side, side, side))


@functools.cache
def compiler() -> str:
    """A C++ compiler; "" where there is none."""
    return shutil.which("c++") or shutil.which("g++") or ""


@functools.cache
def library(name: str = "brute_force.cpp") -> Any:
    """A file of this folder, compiled and loaded."""
    source = Path(__file__).with_name(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.so"
        subprocess.run([compiler(), *FLAGS, str(source), "-o", str(path)], check=True)
        return ctypes.CDLL(str(path))


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


def memory(key: str) -> int:
    """Bytes of a line of /proc/self/status: VmRSS is what the process has now, VmHWM the most that it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])


def with_memory(run: Callable[[], Any]) -> Callable[[], Timing]:
    def measured() -> Timing:
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
        base, start = memory("VmRSS"), time.perf_counter()
        result = run()
        seconds = time.perf_counter() - start
        return Timing(seconds, result, facts={"beyond_before_bytes": memory("VmHWM") - base})

    return measured


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
    version = subprocess.run([compiler(), "-dumpfullversion"], capture_output=True, text=True, check=True).stdout
    library()
    contest.peer("c++ loop, gcc", version.strip(), lambda: brute_force(side), check=same_voxels)


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
