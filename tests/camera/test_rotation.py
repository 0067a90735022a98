# SPDX-License-Identifier: Apache-2.0
"""Rotations against SciPy and the numpy reference, for small angles and angles close to pi too."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv.camera import _reference, angle_axis_from_rotation, rotation_from_angle_axis

ANGLES = np.concatenate(
    [[0.0, 1e-300, 1e-160, 1e-20, 1e-9, 1e-8, 1e-4, 0.1, 1.0, 2.0, 3.0], np.pi - np.geomspace(1e-12, 0.1, 9), [np.pi]]
)


def angle_axis() -> np.ndarray:
    axes = np.random.default_rng(8).normal(size=(12, 3))
    axes[:6] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 1e-9, 0], [1, 1, 0], [1, 1, 1]]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return (ANGLES[:, None, None] * axes).reshape(-1, 3)


def test_rotation_from_angle_axis(device):
    w = angle_axis()
    ours = device.get(rotation_from_angle_axis(device.put(w)))
    np.testing.assert_allclose(ours, Rotation.from_rotvec(w).as_matrix(), rtol=0, atol=1e-15)
    np.testing.assert_allclose(ours, _reference.rotation_from_angle_axis(w), rtol=0, atol=1e-15)
    single = device.get(rotation_from_angle_axis(device.put(w.astype(np.float32))))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, Rotation.from_rotvec(w.astype(np.float32)).as_matrix(), rtol=0, atol=5e-7)


def test_angle_axis_from_rotation(device):
    w = angle_axis()
    ours = device.get(angle_axis_from_rotation(device.put(Rotation.from_rotvec(w).as_matrix())))
    # At pi the axis has no sign: the nearer of both.
    close = np.linalg.norm(w, axis=1) > np.pi - 1e-9
    flip = close & ((ours * w).sum(axis=1) < 0)
    ours[flip] *= 1 - 2 * np.pi / np.linalg.norm(ours[flip], axis=1, keepdims=True)
    np.testing.assert_allclose(ours, w, rtol=0, atol=3e-15)
    assert (np.linalg.norm(ours[~close], axis=1) <= np.pi).all()


def test_the_reference_agrees_with_scipy():
    w = angle_axis()
    w = w[np.linalg.norm(w, axis=1) > 1e-4]
    rotations = Rotation.from_rotvec(w).as_matrix()
    back = Rotation.from_rotvec(_reference.angle_axis_from_rotation(rotations)).as_matrix()
    np.testing.assert_allclose(back, rotations, rtol=0, atol=1e-11)  # the null vector of a matrix of size 1e-4


def test_round_trip_of_many():
    rotations = Rotation.random(10_001, random_state=9).as_matrix()
    back = rotation_from_angle_axis(angle_axis_from_rotation(rotations, num_threads=3), num_threads=2)
    np.testing.assert_allclose(back, rotations, rtol=0, atol=2e-15)


@pytest.mark.parametrize("n", [0, 1])
def test_sizes(n):
    assert rotation_from_angle_axis(np.zeros((n, 3))).shape == (n, 3, 3)
    assert angle_axis_from_rotation(np.zeros((n, 3, 3))).shape == (n, 3)


def test_layouts():
    w = angle_axis()
    expected = rotation_from_angle_axis(w)
    w.flags.writeable = False
    np.testing.assert_array_equal(rotation_from_angle_axis(np.asfortranarray(w)), expected)
    np.testing.assert_array_equal(rotation_from_angle_axis(w), expected)


def test_not_a_number():
    assert np.isnan(rotation_from_angle_axis(np.full((1, 3), np.nan))).any()
    assert np.isnan(angle_axis_from_rotation(np.full((1, 3, 3), np.nan))).all()


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"^angle_axis: expected shape \(N, 3\), got \(2, 4\)$"):
        rotation_from_angle_axis(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"^rotations: expected shape \(N, 3, 3\), got \(3, 3\)$"):
        angle_axis_from_rotation(np.eye(3))
    with pytest.raises(TypeError, match=r"^rotations: expected dtype float32 or float64, got int64$"):
        angle_axis_from_rotation(np.zeros((1, 3, 3), int))
