# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of voxels share: loops in C++, memory, peers that may be missing, and the Kinect sequence."""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from benchmarks._harness import Timing, data_dir

from fastcv import Camera, io

FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-std=c++20", "-shared", "-fPIC", "-pthread"]


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


def compiler_version() -> str:
    """Of the compiler, as it says itself."""
    return subprocess.run([compiler(), "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


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


def installed(name: str) -> Any:
    """A module, None where it is not installed; its absence leaves a peer out."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


class Sequence(NamedTuple):
    """Depths (50, H, W) in millimetres, RGB, rigid poses and the calibration, from corners of pixels."""

    depths: np.ndarray
    colors: np.ndarray
    poses: np.ndarray
    camera: Camera


@functools.cache
def kinect() -> Sequence:
    """kinect7scenes."""
    sequence = io.read_rgbd(data_dir() / "mvs" / "kinect7scenes")
    depths = np.stack([io.read_image16(frame.depth) for frame in sequence.frames])
    depths[depths == 65535] = 0  # no measurement
    colors = np.stack([io.read_photo(frame.color) for frame in sequence.frames if frame.color])
    poses = np.stack([frame.cam_from_world for frame in sequence.frames])
    return Sequence(depths, colors, poses, sequence.camera)
