# SPDX-License-Identifier: Apache-2.0
"""Verification of pairs of which the motion is known: what kind they are, and which matches are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fastcv import sfm
from fastcv.features import Features
from fastcv.scene import Camera

FOCAL = 900.0
CAMERA = Camera("SIMPLE_PINHOLE", 1024, 768, np.array([FOCAL, 512, 384]), True)
GUESS = Camera("SIMPLE_PINHOLE", 1024, 768, np.array([1.2 * 1024, 512, 384]), False)
TURN = Rotation.from_euler("yx", [8, 3], degrees=True).as_matrix()
POSE = np.column_stack([TURN, [-0.9, 0.1, 0.3]])


def features_at(pixels: NDArray[Any]) -> Features:
    n = len(pixels)
    zero = np.zeros(n, np.float32)
    return Features(pixels.astype(np.float32), zero, zero, np.zeros((n, 128), np.uint8), np.zeros((n, 3), np.uint8))


def pair(points: NDArray[Any], pose: NDArray[Any], wrong: int = 0) -> tuple[Features, Features, NDArray[np.int32]]:
    """Two views of points with 0.3 px of noise, and as many random matches more."""
    rng = np.random.default_rng(1)
    views = []
    for p in (np.eye(3, 4), pose):
        seen = points @ p[:, :3].T + p[:, 3]
        pixels = FOCAL * seen[:, :2] / seen[:, 2:] + [512, 384] + 0.3 * rng.normal(size=(len(points), 2))
        views.append(features_at(np.vstack([pixels, rng.uniform(0, 768, (wrong, 2))])))
    rows = np.arange(len(points) + wrong, dtype=np.int32)
    return views[0], views[1], np.stack([rows, rows], axis=1)


def relief(n: int, depth: float = 3.0) -> NDArray[Any]:
    return np.random.default_rng(0).uniform((-2, -1.5, 5), (2, 1.5, 5 + depth), (n, 3))


@pytest.mark.parametrize(("camera", "kind"), [(CAMERA, "calibrated"), (GUESS, "uncalibrated")])
def test_a_motion_through_a_relief(camera: Camera, kind: str) -> None:
    a, b, matches = pair(relief(300), POSE, wrong=150)
    found = sfm.verify_pair(a, b, matches, camera, camera)
    assert found.kind == kind
    true = found.matches[:, 0] < 300
    # A random match lies within 4 px of its epipolar line with a chance of about 8 / 700.
    assert true.sum() >= 297
    assert (~true).sum() <= 8
    ones = np.ones(len(found.matches))
    x1 = np.column_stack([a.keypoints[found.matches[:, 0]], ones])
    x2 = np.column_stack([b.keypoints[found.matches[:, 1]], ones])
    line = x1 @ found.F.T
    distance = np.abs((x2 * line).sum(axis=1)) / np.linalg.norm(line[:, :2], axis=1)
    assert np.median(distance[true]) < 0.5


def test_pose_and_angle() -> None:
    points = relief(300)
    found = sfm.verify_pair(*pair(points, POSE), CAMERA, CAMERA)
    turn = found.cam2_from_cam1[:, :3] @ TURN.T
    assert np.rad2deg(np.linalg.norm(Rotation.from_matrix(turn).as_rotvec())) < 0.1
    direction = POSE[:, 3] / np.linalg.norm(POSE[:, 3])
    assert np.rad2deg(np.arccos(found.cam2_from_cam1[:, 3] @ direction)) < 1
    center = -TURN.T @ POSE[:, 3]
    a, b = -points, center - points
    angles = np.arccos((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))
    assert found.triangulation_angle == pytest.approx(np.median(angles), rel=0.02)


@pytest.mark.parametrize("camera", [CAMERA, GUESS])
def test_a_turn_has_no_baseline(camera: Camera) -> None:
    turn = np.column_stack([TURN, np.zeros(3)])
    found = sfm.verify_pair(*pair(relief(200), turn), camera, camera)
    assert found.kind == "panoramic"
    assert found.triangulation_angle == 0
    assert len(found.matches) >= 198


def test_identical_photographs_have_no_baseline() -> None:
    a, _, matches = pair(relief(200), np.eye(3, 4))
    assert sfm.verify_pair(a, a, matches, CAMERA, CAMERA).kind == "panoramic"


@pytest.mark.parametrize("camera", [CAMERA, GUESS])
def test_a_plane_is_told_from_a_turn(camera: Camera) -> None:
    points = relief(200, depth=0)
    points[:, 2] += 0.3 * points[:, 0]
    found = sfm.verify_pair(*pair(points, POSE), camera, camera)
    assert found.kind == "planar"
    assert found.triangulation_angle > np.deg2rad(2)


def test_random_matches_are_degenerate() -> None:
    rng = np.random.default_rng(5)
    a, b = (features_at(rng.uniform(0, 768, (60, 2))) for _ in range(2))
    rows = np.arange(60)
    found = sfm.verify_pair(a, b, np.stack([rows, rows], axis=1), CAMERA, CAMERA)
    assert found.kind == "degenerate"
    assert found.matches.shape == (0, 2)


@pytest.mark.parametrize("count", [0, 1, 8, 14])
def test_too_few_matches_are_degenerate(count: int) -> None:
    assert sfm.verify_pair(*pair(relief(count), POSE), CAMERA, CAMERA).kind == "degenerate"


def test_the_seed_decides_alone() -> None:
    views = pair(relief(200), POSE, wrong=100)
    one, other = (sfm.verify_pair(*views, CAMERA, CAMERA, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.matches, other.matches)
    np.testing.assert_array_equal(one.F, other.F)
    np.testing.assert_array_equal(one.cam2_from_cam1, other.cam2_from_cam1)


def test_wrong_arguments() -> None:
    a, b, matches = pair(relief(20), POSE)
    with pytest.raises(ValueError, match="min_inliers: expected 8 or more, got 5"):
        sfm.verify_pair(a, b, matches, CAMERA, CAMERA, min_inliers=5)
    with pytest.raises(TypeError, match="matches: expected dtype"):
        sfm.verify_pair(a, b, matches.astype(float), CAMERA, CAMERA)
    with pytest.raises(ValueError, match=r"matches: expected shape \(K, 2\)"):
        sfm.verify_pair(a, b, matches[:, 0], CAMERA, CAMERA)
