# SPDX-License-Identifier: Apache-2.0
"""Quaternions and angle-axis vectors against SciPy, near 0 and near pi too."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv.io import _rotations as rotations

# 1e-9 from 0 and from pi lie where naive formulas lose half of the digits.
ANGLES = (0.0, 1e-300, 1e-9, 1e-4, 1.0, 3.0, np.pi - 1e-9, np.pi, 5.0, 40.0)


@pytest.fixture
def angle_axis() -> np.ndarray:
    axes = np.random.default_rng(3).normal(size=(8, 3))
    axes = np.concatenate([axes / np.linalg.norm(axes, axis=1, keepdims=True), np.eye(3), -np.eye(3)])
    return (np.array(ANGLES)[:, None, None] * axes).reshape(-1, 3)


def test_matrix_from_angle_axis(angle_axis: np.ndarray) -> None:
    expected = Rotation.from_rotvec(angle_axis).as_matrix()
    np.testing.assert_allclose(rotations.matrix_from_angle_axis(angle_axis), expected, atol=1e-14)


def test_angle_axis_round_trip(angle_axis: np.ndarray) -> None:
    matrices = Rotation.from_rotvec(angle_axis).as_matrix()
    result = rotations.angle_axis_from_matrix(matrices)
    assert np.linalg.norm(result, axis=1).max() <= np.pi + 1e-15
    # At pi both signs are the same rotation, so matrices are compared.
    np.testing.assert_allclose(Rotation.from_rotvec(result).as_matrix(), matrices, atol=1e-14)
    small = np.linalg.norm(angle_axis, axis=1) <= 3.0
    np.testing.assert_allclose(result[small], angle_axis[small], atol=1e-14)


def test_quaternion_round_trip(angle_axis: np.ndarray) -> None:
    reference = Rotation.from_rotvec(angle_axis)
    xyzw = rotations.quaternion_from_matrix(reference.as_matrix())[:, [1, 2, 3, 0]]
    np.testing.assert_allclose(np.abs(np.sum(xyzw * reference.as_quat(), axis=1)), 1, atol=1e-14)
    assert (xyzw[:, 3] >= 0).all()
    wxyz = reference.as_quat()[:, [3, 0, 1, 2]]
    np.testing.assert_allclose(rotations.matrix_from_quaternion(3 * wxyz), reference.as_matrix(), atol=1e-14)


@pytest.mark.parametrize("bad", [np.zeros((3, 3)), 2 * np.eye(3), np.diag([1.0, 1.0, -1.0]), np.full((3, 3), np.nan)])
def test_what_is_no_rotation_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rotation 1: expected orthonormal rows"):
        rotations.quaternion_from_matrix(np.stack([np.eye(3), bad]))


def test_empty() -> None:
    assert rotations.quaternion_from_matrix(np.empty((0, 3, 3))).shape == (0, 4)
    assert rotations.matrix_from_angle_axis(np.empty((0, 3))).shape == (0, 3, 3)
