# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment as one writes it by hand: numpy residuals, scipy's least squares with a sparsity pattern."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.optimize
import scipy.sparse
from numpy.typing import NDArray

from fastcv.io import BalProblem

Array = NDArray[np.float64]


def solve_with_scipy(bal: BalProblem, max_evaluations: int, tolerance: float, record: Callable[[float], None]) -> str:
    """Why scipy's trust region stopped; derivatives by differences.

    ``record`` gets the cost of the start and after every iteration, 1/2 the sum of squared residuals in px², and raises
    StopIteration to stop. Rotations are vectors relative to the start; 9 unknowns a camera, 3 a point.
    """
    num_cameras, num_points = len(bal.params), len(bal.points)
    translations = bal.cam_from_world[:, :, 3]
    cameras = np.concatenate([np.zeros((num_cameras, 3)), translations, bal.params], axis=1)

    def residuals(unknowns: Array) -> Array:
        c = unknowns[: 9 * num_cameras].reshape(-1, 9)[bal.camera_indices]
        points = unknowns[9 * num_cameras :].reshape(-1, 3)[bal.point_indices]
        turned = np.einsum("kij,kj->ki", bal.cam_from_world[bal.camera_indices, :, :3], points)
        x = rotate(c[:, :3], turned) + c[:, 3:6]
        xy = x[:, :2] / x[:, 2:]
        r2 = np.sum(xy**2, axis=1)
        scale = c[:, 6] * (1 + c[:, 7] * r2 + c[:, 8] * r2**2)
        return (scale[:, None] * xy - bal.observations).ravel()

    start = np.concatenate([cameras.ravel(), bal.points.ravel()])
    record(0.5 * float(np.sum(residuals(start) ** 2)))
    result = scipy.optimize.least_squares(
        residuals,
        start,
        jac_sparsity=sparsity(bal, num_cameras, num_points),
        x_scale="jac",
        ftol=tolerance,
        method="trf",
        max_nfev=max_evaluations,
        callback=lambda intermediate_result: record(float(intermediate_result.cost)),
    )
    return str(result.message)


def rotate(vectors: Array, points: Array) -> Array:
    """Rodrigues' formula, (K, 3) rotation vectors on (K, 3) points."""
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    axis = vectors / np.where(angle > 0, angle, 1)
    along = axis * np.sum(axis * points, axis=1, keepdims=True)
    return along + np.cos(angle) * (points - along) + np.sin(angle) * np.cross(axis, points)


def sparsity(bal: BalProblem, num_cameras: int, num_points: int) -> scipy.sparse.csr_matrix:
    """Which unknown each residual depends on."""
    first = np.concatenate(
        [
            9 * bal.camera_indices[:, None].astype(np.int64) + np.arange(9),
            9 * num_cameras + 3 * bal.point_indices[:, None].astype(np.int64) + np.arange(3),
        ],
        axis=1,
    )
    columns = np.repeat(first, 2, axis=0)
    rows = np.repeat(np.arange(len(columns)), 12)
    shape = (len(columns), 9 * num_cameras + 3 * num_points)
    return scipy.sparse.csr_matrix((np.ones(columns.size, np.int8), (rows, columns.ravel())), shape)
