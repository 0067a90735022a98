# SPDX-License-Identifier: Apache-2.0
"""Projection matrices taken apart: against OpenCV, mirrored worlds, bad input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fastcv.camera import decompose_projection, rotation_from_angle_axis


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    K = np.array([[rng.uniform(200, 900), rng.uniform(-50, 50), 320], [0, rng.uniform(200, 900), 240], [0, 0, 1]])
    pose = np.column_stack([rotation_from_angle_axis(rng.normal(size=(1, 3)))[0], rng.normal(size=3)])
    P = rng.uniform(0.1, 9) * K @ pose
    ours, found = decompose_projection(P)
    theirs, R, center, *_ = cv2.decomposeProjectionMatrix(P)
    np.testing.assert_allclose(ours, theirs / theirs[2, 2], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found[:, :3], R, atol=1e-10)
    np.testing.assert_allclose(-found[:, :3].T @ found[:, 3], (center[:3] / center[3]).ravel(), atol=1e-8)
    np.testing.assert_allclose(ours, K, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(found, pose, atol=1e-9)


def test_a_mirrored_world_has_a_negative_focal_length() -> None:
    K, pose = np.array([[500.0, 3, 320], [0, 510, 240], [0, 0, 1]]), np.c_[np.eye(3), [1, 2, 5]]
    P = K @ pose @ np.diag([1, 1, -1, 1])
    found_K, found = decompose_projection(P)
    assert found_K[0, 0] < 0 < found_K[1, 1]
    assert np.linalg.det(found[:, :3]) == pytest.approx(1)
    np.testing.assert_allclose(found_K @ found, P, atol=1e-9)


@pytest.mark.parametrize("matrix", [np.eye(3), np.zeros((3, 4)), np.full((3, 4), np.nan), np.ones((3, 4))])
def test_matrices_that_are_no_cameras(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="P: expected "):
        decompose_projection(matrix)
