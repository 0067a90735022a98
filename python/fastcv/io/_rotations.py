# SPDX-License-Identifier: Apache-2.0
"""Rotations as file formats write them (quaternions w, x, y, z and angle-axis) against 3×3 matrices, in batches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def matrix_from_quaternion(wxyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 4) unit quaternions to (..., 3, 3) matrices. They are normalised first."""
    w, x, y, z = np.moveaxis(wxyz / np.linalg.norm(wxyz, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def quaternion_from_matrix(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3, 3) rotations to (..., 4) unit quaternions w, x, y, z with w >= 0.

    The four columns of ``4 q qᵀ`` are known from the matrix; the one with the largest diagonal is the best
    conditioned (the choice of Markley, J. Guidance,
    Control and Dynamics 31(2), 2008).

    Raises
    ------
    ValueError
        A matrix is not a rotation to 1e-6.
    """
    check_rotations(matrix)
    m = np.moveaxis(matrix, (-2, -1), (0, 1))
    outer = np.empty((4, 4, *m.shape[2:]))
    outer[0, 0] = 1 + m[0, 0] + m[1, 1] + m[2, 2]
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[i + 1, i + 1] = 1 + m[i, i] - m[j, j] - m[k, k]
        outer[0, i + 1] = outer[i + 1, 0] = m[k, j] - m[j, k]
        outer[j + 1, k + 1] = outer[k + 1, j + 1] = m[k, j] + m[j, k]
    best = np.argmax(np.einsum("ii...->i...", outer), axis=0)
    quaternion = np.moveaxis(np.take_along_axis(outer, best[None, None], 0)[0], 0, -1)
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)
    return np.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def matrix_from_angle_axis(angle_axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3) angle-axis vectors in radians to (..., 3, 3) matrices, through half-angle quaternions."""
    angle = np.linalg.norm(angle_axis, axis=-1, keepdims=True)
    # np.sinc(x) = sin(pi x) / (pi x), so this is sin(angle / 2) / angle, exact at 0.
    xyz = angle_axis * (0.5 * np.sinc(angle / (2 * np.pi)))
    return matrix_from_quaternion(np.concatenate([np.cos(angle / 2), xyz], -1))


def angle_axis_from_matrix(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3, 3) rotations to (..., 3) angle-axis vectors in radians, angle in [0, pi]."""
    quaternion = quaternion_from_matrix(matrix)
    w, xyz = quaternion[..., :1], quaternion[..., 1:]
    sine = np.linalg.norm(xyz, axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, w)
    # For tiny angles sine = angle / 2 to rounding.
    return xyz * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def check_rotations(matrix: NDArray[np.float64]) -> None:
    """Raise ValueError, with its index, for a matrix that is not orthonormal to 1e-6 or mirrors."""
    flat = matrix.reshape(-1, 3, 3)
    with np.errstate(over="ignore", invalid="ignore"):  # NaN and huge values fail the comparisons
        error = np.abs(flat @ flat.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
        bad = ~((error < 1e-6) & (np.linalg.det(flat) > 0))
    if bad.any():
        item = int(np.argmax(bad))
        raise ValueError(f"rotation {item}: expected orthonormal rows and determinant 1, got {flat[item].tolist()}")
