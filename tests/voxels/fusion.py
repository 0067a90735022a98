# SPDX-License-Identifier: Apache-2.0
"""Frames around the ball, and how two volumes are compared."""

from __future__ import annotations

import numpy as np

from fastcv import Camera
from fastcv.voxels import TsdfVolume

from .conftest import CENTER, ball_depth, pose_towards

CAMERA = Camera("PINHOLE", 90, 70, np.array([80.0, 85, 44, 36]))


def noisy_frames() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depths with holes and noise, colours and poses around the ball."""
    rng = np.random.default_rng(3)
    eyes = CENTER + 2.5 * (d := rng.standard_normal((6, 3))) / np.linalg.norm(d, axis=1, keepdims=True)
    poses = np.stack([pose_towards(eye, CENTER) for eye in eyes])
    exact = np.stack([ball_depth(CAMERA, pose) for pose in poses])
    depths = np.where(np.isinf(exact), np.float32(3.5), exact)  # a background
    depths += rng.uniform(-0.01, 0.01, depths.shape).astype(np.float32)
    depths[rng.random(depths.shape) < 0.05] = 0
    depths[rng.random(depths.shape) < 0.05] = np.nan
    colors = rng.integers(0, 256, (*depths.shape, 3), np.uint8)
    return depths, poses, colors


def state(volume: TsdfVolume) -> list[np.ndarray]:
    return [volume.blocks, volume.values, volume.weights, *([] if volume.colors is None else [volume.colors])]


def assert_same(a: TsdfVolume, b: TsdfVolume) -> None:
    for ours, theirs in zip(state(a), state(b), strict=True):
        np.testing.assert_array_equal(ours, theirs)
