# SPDX-License-Identifier: Apache-2.0
"""Synthetic two-view and camera-pose problems with ground truth, and the real correspondences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import fastcv

Array = NDArray[np.float64]

CAMERA = fastcv.Camera("PINHOLE", 1000, 800, [900.0, 950.0, 510.0, 390.0])


def cross_matrix(t: Array) -> Array:
    return np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]])


def direction_error(a: Array, b: Array) -> float:
    """Degrees between two directions."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def rotation_error(a: Array, b: Array) -> float:
    """Degrees between two rotations."""
    return float(np.degrees(Rotation.from_matrix(a.T @ b).magnitude()))


def up_to_sign(a: Array, b: Array) -> float:
    """Largest difference of two matrices scaled to unit norm, of either sign."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(min(np.abs(a - b).max(), np.abs(a + b).max()))


@dataclass
class TwoViews:
    """Points in front of two cameras: rays with z = 1, pixels, and the truth."""

    rays1: Array
    rays2: Array
    pixels1: Array
    pixels2: Array
    rotation: Array
    translation: Array

    @property
    def essential(self) -> Array:
        return cross_matrix(self.translation) @ self.rotation

    @property
    def fundamental(self) -> Array:
        inverse = np.linalg.inv(CAMERA.matrix)
        return inverse.T @ self.essential @ inverse


def two_views(n: int, seed: int, *, planar: bool = False) -> TwoViews:
    rng = np.random.default_rng(seed)
    rotation = Rotation.from_rotvec(rng.uniform(-0.4, 0.4, 3)).as_matrix()
    translation = rng.normal(size=3)
    translation /= np.linalg.norm(translation)
    points = rng.uniform(-2, 2, (n, 3)) + np.array([0, 0, 6])
    if planar:
        points[:, 2] = 6 + 0.3 * points[:, 0] - 0.2 * points[:, 1]
    in_cam2 = points @ rotation.T + translation
    rays1, rays2 = points / points[:, 2:], in_cam2 / in_cam2[:, 2:]
    pixels1, pixels2 = (rays @ CAMERA.matrix.T for rays in (rays1, rays2))
    return TwoViews(rays1, rays2, pixels1[:, :2].copy(), pixels2[:, :2].copy(), rotation, translation)


def add_outliers(pixels: Array, share: float, seed: int, sigma: float = 0.0) -> tuple[Array, NDArray[np.bool_]]:
    """Pixels with noise, a share of them replaced by random ones; and which are still good."""
    rng = np.random.default_rng(seed)
    good = rng.uniform(size=len(pixels)) >= share
    noisy = pixels + rng.normal(0, sigma, pixels.shape)
    return np.where(good[:, None], noisy, rng.uniform(0, 800, pixels.shape)), good


@pytest.fixture(scope="session")
def matches_dir(data_dir: Path) -> Path:
    return data_dir / "matches"


def pose_set(n: int, seed: int) -> tuple[Array, Array]:
    """World points in front of a camera, and its cam_from_world."""
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    translation = rng.normal(0, 3, 3)
    in_cam = rng.uniform(-2, 2, (n, 3)) + np.array([0, 0, 6])
    return (in_cam - translation) @ rotation, np.column_stack([rotation, translation])
