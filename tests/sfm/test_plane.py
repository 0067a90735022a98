# SPDX-License-Identifier: Apache-2.0
"""Decomposition of homographies against OpenCV and against the motion that they came from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fastcv.scene import Camera
from fastcv.sfm.plane import decompose_homography, plane_poses

CAMERA = Camera("SIMPLE_RADIAL", 1024, 768, np.array([900.0, 512, 384, -0.05]), True)


def motion(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    rotation = Rotation.from_rotvec(rng.normal(0, 0.2, 3)).as_matrix()
    normal = np.array([0.3, -0.2, 1.0]) + 0.1 * rng.normal(size=3)
    return rotation, rng.normal(0, 0.3, 3), normal / np.linalg.norm(normal)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_opencv(seed: int) -> None:
    rotation, translation, normal = motion(seed)
    H = rotation + np.outer(translation, normal)
    _, rotations, translations, normals = cv2.decomposeHomographyMat(7.0 * H, np.eye(3))
    theirs = sorted(
        np.concatenate([R.ravel(), t.ravel(), n.ravel()]).round(6).tolist()
        for R, t, n in zip(rotations, translations, normals, strict=True)
    )
    ours = sorted(np.concatenate([R.ravel(), t, n]).round(6).tolist() for R, t, n in decompose_homography(7.0 * H))
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_a_rotation_shows_no_plane() -> None:
    assert decompose_homography(motion(0)[0]) == []


@pytest.mark.parametrize("seed", range(3))
def test_the_true_pose_is_among_the_answers(seed: int) -> None:
    rotation, translation, normal = motion(seed)
    rng = np.random.default_rng(seed)
    rays = np.column_stack([rng.uniform(-0.5, 0.5, (150, 2)), np.ones(150)])
    points = 5 * rays / (rays @ normal)[:, None]  # on the plane n·x = 5
    pixels = []
    for moved in (points, points @ rotation.T + 5 * translation):
        x = moved[:, :2] / moved[:, 2:]
        distorted = x * (1 - 0.05 * (x**2).sum(axis=1, keepdims=True))
        pixels.append(900 * distorted + [512, 384] + 0.2 * rng.normal(size=x.shape))
    pixels[1][:40] = rng.uniform(0, 768, (40, 2))
    poses = plane_poses(*pixels, CAMERA, CAMERA, threshold=2.0, seed=0)
    assert 1 <= len(poses) <= 2
    true = np.column_stack([rotation, translation / np.linalg.norm(translation)])
    # 0.2 px over 110 points: a few hundredths of a degree for R, tenths for the direction of t.
    assert min(np.abs(pose - true).max() for pose in poses) < 0.01
