# SPDX-License-Identifier: Apache-2.0
"""A ball and its silhouettes in closed form, and the dinosaur's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from fastcv import Camera, io
from fastcv.voxels import VoxelGrid

CENTER, RADIUS = np.array([0.1, -0.2, 0.3]), 0.7


class Scene(NamedTuple):
    """Masks of different sizes and the cameras of them, in both forms that ``carve`` takes."""

    masks: list[np.ndarray]
    matrices: np.ndarray
    pairs: list[tuple[Camera, np.ndarray]]


def pose_towards(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    """cam_from_world of a camera at ``eye`` that looks at ``target``, its y axis down."""
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, [0.1, 0.2, -1.0])
    x /= np.linalg.norm(x)
    R = np.stack([x, np.cross(z, x), z])
    return np.c_[R, -R @ eye]


def ball_depth(camera: Camera, pose: np.ndarray) -> np.ndarray:
    """z of the ball along the viewing rays through the pixels' centres, infinite where they miss it; float32."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.matrix).T
    speed = np.linalg.norm(rays, axis=-1)
    center = pose[:, :3] @ CENTER + pose[:, 3]
    along = rays @ center / speed
    square = RADIUS**2 - (center @ center - along**2)
    near = (along - np.sqrt(np.maximum(square, 0))) / speed
    return np.where(square >= 0, near, np.inf).astype(np.float32)


def ball_mask(camera: Camera, pose: np.ndarray) -> np.ndarray:
    """Pixels whose viewing rays through the centre meet the ball."""
    return np.isfinite(ball_depth(camera, pose))


@pytest.fixture(scope="session")
def ball() -> Scene:
    """Seven views of the ball, all of which see the whole of it."""
    rng = np.random.default_rng(5)
    masks, pairs = [], []
    for i in range(7):
        eye = CENTER + 4 * (direction := rng.standard_normal(3)) / np.linalg.norm(direction)
        camera = Camera("PINHOLE", 150 + 13 * i, 141 + 9 * i, np.array([250.0, 260, 75 + 6 * i, 70 + 5 * i]))
        pairs.append((camera, pose_towards(eye, CENTER)))
        masks.append(ball_mask(*pairs[-1]))
    return Scene(masks, np.stack([camera.matrix @ pose for camera, pose in pairs]), pairs)


def ball_grid(*shape: int) -> VoxelGrid:
    """A grid around the ball, its longest side 2."""
    size = 2 / max(shape)
    return VoxelGrid(CENTER - 0.5 * size * np.array(shape[::-1]), size, shape)


class Sequence(NamedTuple):
    """Depths (N, H, W) in metres, 0 for none, of one camera, and its poses."""

    camera: Camera
    depths: np.ndarray
    poses: np.ndarray


@pytest.fixture(scope="session")
def kinect(data_dir) -> Sequence:
    """Every fifth frame of a room."""
    sequence = io.read_rgbd(data_dir / "mvs" / "kinect7scenes")
    frames = sequence.frames[::5]
    depths = np.stack([io.read_depth_png(frame.depth, sequence.unit) for frame in frames])
    return Sequence(sequence.camera, depths, np.stack([frame.cam_from_world for frame in frames]))
