# SPDX-License-Identifier: Apache-2.0
"""What camera a projection matrix stands for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def decompose_projection(P: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Calibration and pose of a projection matrix.

    Parameters
    ----------
    P : (3, 4) array
        Projects homogeneous world points to pixels, in any scale; points in front of the camera have a positive third
        coordinate.

    Returns
    -------
    K : (3, 3) float64 array
        Upper triangular with K[2, 2] = 1 and positive focal length K[1, 1]; K[0, 1] is the skew. K[0, 0] is negative
        where the world is mirrored.
    cam_from_world : (3, 4) float64 array
        ``[R | t]``; ``K @ cam_from_world`` is P up to its scale.

    Raises
    ------
    ValueError
        Another shape, values that are not finite, or a left 3×3 part that is singular.

    References
    ----------
    Hartley, Zisserman 2004, "Multiple View Geometry in Computer Vision", section 6.2.4.

    Examples
    --------
    >>> from fastcv.camera import decompose_projection
    >>> K, pose = decompose_projection([[1000, 0, 640, 0], [0, 1000, 480, 0], [0, 0, 2, 4]])
    >>> K.round(9).tolist(), pose[:, 3].round(9).tolist()
    ([[500.0, 0.0, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]], [-1.28, -0.96, 2.0])
    """
    matrix = np.asarray(P, np.float64)
    if matrix.shape != (3, 4):
        raise ValueError(f"P: expected shape (3, 4), got {matrix.shape}")
    if not np.isfinite(matrix).all() or np.linalg.matrix_rank(matrix[:, :3]) < 3:
        raise ValueError(f"P: expected finite values and a left 3x3 part that is not singular, got {matrix.tolist()}")
    matrix = matrix / np.linalg.norm(matrix[2, :3])
    # The QR decomposition of the reversed matrix, reversed, is M = K R.
    q, r = np.linalg.qr(matrix[::-1, :3].T)
    K, R = r.T[::-1, ::-1], q.T[::-1]
    signs = np.sign(np.diag(K))
    K, R = K * signs, signs[:, None] * R
    if np.linalg.det(R) < 0:  # a mirror that neither K with positive focal lengths nor a rotation explains
        K, R = K * [-1, 1, 1], [[-1], [1], [1]] * R
    t = np.linalg.solve(K, matrix[:, 3])
    return np.triu(K / K[2, 2]), np.column_stack([R, t])
