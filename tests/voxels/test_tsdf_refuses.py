# SPDX-License-Identifier: Apache-2.0
"""What fusion refuses, without a change to the volume, and that Ctrl-C reaches it."""

from __future__ import annotations

import re
import signal
import threading
import time

import numpy as np
import pytest

from fastcv.voxels import TsdfVolume, VoxelGrid, _memory

from .fusion import CAMERA, assert_same, noisy_frames, state

POSE = np.eye(3, 4)
DEPTH = np.full((70, 90), 2, np.float32)
COLOR = np.zeros((70, 90, 3), np.uint8)


@pytest.mark.parametrize(
    ("depth", "pose", "options", "message"),
    [
        (DEPTH.T, POSE, {}, "depth: expected its camera's size (70, 90), got shape (90, 70)"),
        (DEPTH[None], POSE, {}, "cam_from_world: expected shape (1, 3, 4), got (3, 4)"),
        (DEPTH, POSE[None], {}, "cam_from_world: expected shape (3, 4), got (1, 3, 4)"),
        (DEPTH[0], POSE, {}, "depth: expected shape (*, *), got (90,)"),
        (DEPTH, np.eye(4), {}, "cam_from_world: expected shape (3, 4), got (4, 4)"),
        (DEPTH, 2 * POSE, {}, "cam_from_world: expected a rotation and a translation"),
        (DEPTH, POSE * np.nan, {}, "cam_from_world: expected a rotation and a translation"),
        (DEPTH, np.diag([1.0, 1, -1, 1])[:3], {}, "cam_from_world: expected a rotation and a translation"),
        (DEPTH, POSE, {"color": COLOR}, "color: expected none, as the volume was made without color=True, got one"),
        (DEPTH, POSE, {"weight": 0}, "weight: expected a positive finite number, or an array, got 0"),
        (DEPTH, POSE, {"weight": np.inf}, "weight: expected a positive finite number"),
        (DEPTH, POSE, {"weight": DEPTH[:3]}, "weight: expected shape (70, 90), got (3, 90)"),
        (DEPTH, POSE, {"depth_scale": 0}, "depth_scale: expected a positive finite number, got 0"),
        (DEPTH, POSE, {"max_depth": np.nan}, "max_depth: expected a positive number, got nan"),
        (DEPTH, POSE, {"num_threads": -1}, "num_threads: expected 0 (default) or more, got -1"),
        (
            DEPTH * 1e30,
            POSE,
            {},
            "depth: expected surfaces within 2**23 voxels of the origin (see max_depth), got up to",
        ),
        (DEPTH, np.c_[np.eye(3), [0, 0, 1e6]], {}, "depth: expected surfaces within 2**23 voxels of the origin"),
        (DEPTH, np.c_[np.eye(3), [0, 0, 1e300]], {}, "cam_from_world: expected projections of the volume below 1e100"),
    ],
)
def test_bad_frames(depth, pose, options, message):
    volume = TsdfVolume(0.05)
    with pytest.raises(ValueError, match=re.escape(message)):
        volume.integrate(depth, CAMERA, pose, **options)
    assert len(volume.blocks) == 0


def test_bad_types():
    with pytest.raises(TypeError, match="depth: expected dtype float32 or uint16, got float64"):
        TsdfVolume(0.05).integrate(DEPTH.astype(np.float64), CAMERA, POSE)
    with pytest.raises(ValueError, match="color: expected an image, got none"):
        TsdfVolume(0.05, color=True).integrate(DEPTH, CAMERA, POSE)
    with pytest.raises(TypeError, match="color: expected dtype uint8, got float32"):
        TsdfVolume(0.05, color=True).integrate(DEPTH, CAMERA, POSE, color=COLOR.astype(np.float32))


@pytest.mark.parametrize(
    ("voxels", "options", "message"),
    [
        (0, {}, "voxel_size: expected a positive finite number, got 0"),
        (-1, {}, "voxel_size: expected a positive finite number, got -1"),
        (np.nan, {}, "voxel_size: expected a positive finite number, got nan"),
        (1, {"truncation": 0}, "truncation: expected a positive finite number, got 0.0"),
        (1, {"truncation": np.inf}, "truncation: expected a positive finite number, got inf"),
        (1, {"max_weight": 0}, "max_weight: expected a positive number, got 0.0"),
        (1, {"max_memory": 0}, "max_memory: expected a positive number of bytes, got 0"),
        (1, {"origin": [0, 0]}, "origin: expected 3 finite numbers, got [0, 0]"),
        (VoxelGrid([0, 0, 0], 1, (10**6,) * 3), {}, "max_memory: expected blocks that fit into"),
    ],
)
def test_bad_volumes(voxels, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TsdfVolume(voxels, **options)


def test_bad_arrays():
    blocks, values = np.zeros((2, 3), np.int32), np.zeros((2, 8, 8, 8), np.float32)
    with pytest.raises(ValueError, match="blocks: expected different coordinates, got the same twice"):
        TsdfVolume.from_arrays(blocks, values, values, voxels=1)
    blocks[1] = 2**20
    with pytest.raises(
        ValueError, match=r"blocks: expected coordinates from -2\*\*20 to 2\*\*20 - 1, got 0 to 1048576"
    ):
        TsdfVolume.from_arrays(blocks, values, values, voxels=1)
    blocks[1] = 1
    with pytest.raises(ValueError, match="values: expected shape"):
        TsdfVolume.from_arrays(blocks, values[:1], values, voxels=1)
    with pytest.raises(TypeError, match="weights: expected dtype float32, got float64"):
        TsdfVolume.from_arrays(blocks, values, values.astype(np.float64), voxels=1)
    with pytest.raises(ValueError, match="blocks: expected those of the grid in raster order, got others"):
        TsdfVolume.from_arrays(blocks, values, values, voxels=VoxelGrid([0, 0, 0], 1, (8, 8, 16)))
    volume = TsdfVolume.from_arrays(blocks, values, values, voxels=1)
    with pytest.raises(ValueError, match="grid: expected one of the volume's voxels"):
        volume.to_dense(VoxelGrid([0.5, 0, 0], 1, (4, 4, 4)))
    with pytest.raises(ValueError, match="grid: expected one, as the volume has none of its own, got None"):
        volume.to_dense()


def test_memory_is_refused_before_it_is_allocated(monkeypatch):
    depths, poses, _ = noisy_frames()
    whole = TsdfVolume(0.05)
    whole.integrate(depths, CAMERA, poses)
    small = TsdfVolume(0.05, max_memory=whole.nbytes)
    small.integrate(depths, CAMERA, poses)
    assert_same(small, whole)
    tight = TsdfVolume(0.05, max_memory=whole.nbytes - 1)
    tight.integrate(depths[:4], CAMERA, poses[:4])
    before = [array.copy() for array in state(tight)]
    with pytest.raises(
        ValueError, match=r"max_memory: expected blocks that fit into .* GB, got \d+ blocks of 8³ voxels"
    ):
        tight.integrate(depths[4:], CAMERA, poses[4:])
    for now, then in zip(state(tight), before, strict=True):
        np.testing.assert_array_equal(now, then)
    with pytest.raises(ValueError, match="max_memory: expected blocks"):  # 10¹⁴ voxels of the wall; found out soon
        TsdfVolume(1e-6, max_memory=10**8).integrate(DEPTH, CAMERA, POSE)
    monkeypatch.setattr(_memory, "_total", lambda: 10**6)
    with pytest.raises(ValueError, match=r"grid: expected a size that fits into 0\.0 GB of memory, got 2 arrays"):
        whole.to_dense(VoxelGrid([0, 0, 0], 0.05, (64, 64, 64)))


def test_ctrl_c():
    """Pressed while blocks too many to find in seconds are looked for."""
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        TsdfVolume(2e-5, max_memory=10**13).integrate(DEPTH, CAMERA, POSE)
    timer.join()
    assert time.monotonic() - begin < 60
