# SPDX-License-Identifier: Apache-2.0
"""The room's ops in numpy float64: slow, readable, each with its equation in Hartley & Zisserman 2004."""

from __future__ import annotations

import numpy as np

from ._checks import Array


def homogeneous(points: Array) -> Array:
    """(N, D) points with a 1 appended."""
    return np.column_stack([points, np.ones(len(points))])


def sampson_errors(points1: Array, points2: Array, fundamental: Array) -> Array:
    """(N,) errors of one (3, 3) model. Equation 11.9."""
    x1, x2 = homogeneous(points1), homogeneous(points2)
    line2, line1 = x1 @ fundamental.T, x2 @ fundamental
    algebraic = np.sum(x2 * line2, axis=1)
    return np.abs(algebraic) / np.sqrt(np.sum(line2[:, :2] ** 2, axis=1) + np.sum(line1[:, :2] ** 2, axis=1))


def transfer_errors(points1: Array, points2: Array, homography: Array) -> Array:
    """(N,) distances in image 2 between ``points2`` and the images of ``points1``. Section 4.2.2."""
    mapped = homogeneous(points1) @ homography.T
    return np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - points2, axis=1)


def reprojection_errors(points2D: Array, points3D: Array, cam_from_world: Array) -> Array:
    """(N,) errors in the normalised plane, infinite behind the camera."""
    in_cam = points3D @ cam_from_world[:, :3].T + cam_from_world[:, 3]
    errors = np.linalg.norm(in_cam[:, :2] / in_cam[:, 2:] - points2D, axis=1)
    return np.where(in_cam[:, 2] > 0, errors, np.inf)


def score(errors: Array, threshold: float) -> Array:
    """Σ max(0, 1 − error² / threshold²) and the number of inliers. Torr & Zisserman 2000, the truncated quadratic."""
    gains = np.maximum(0, 1 - errors**2 / threshold**2)
    return np.array([gains.sum(), np.count_nonzero(gains)])


def normalizing_similarity(points: Array) -> Array:
    """(3, 3) T that moves the centroid to 0 and the mean distance to √2. Section 4.4.4."""
    center = points.mean(axis=0)
    scale = np.sqrt(2) / np.linalg.norm(points - center, axis=1).mean()
    return np.array([[scale, 0, -scale * center[0]], [0, scale, -scale * center[1]], [0, 0, 1]])


def eight_point(points1: Array, points2: Array) -> Array:
    """(3, 3) fundamental matrix of unit norm. Algorithm 11.1."""
    t1, t2 = normalizing_similarity(points1), normalizing_similarity(points2)
    x1, x2 = homogeneous(points1) @ t1.T, homogeneous(points2) @ t2.T
    equations = (x2[:, :, None] * x1[:, None, :]).reshape(-1, 9)
    u, s, vt = np.linalg.svd(np.linalg.svd(equations)[2][-1].reshape(3, 3))
    fundamental = t2.T @ (u @ np.diag([s[0], s[1], 0]) @ vt) @ t1
    return fundamental / np.linalg.norm(fundamental)


def dlt_homography(points1: Array, points2: Array) -> Array:
    """(3, 3) homography of unit norm. Algorithm 4.2."""
    t1, t2 = normalizing_similarity(points1), normalizing_similarity(points2)
    x1, x2 = homogeneous(points1) @ t1.T, homogeneous(points2) @ t2.T
    zero = np.zeros_like(x1)
    equations = np.concatenate([np.hstack([x1, zero, -x2[:, :1] * x1]), np.hstack([zero, x1, -x2[:, 1:2] * x1])])
    homography = np.linalg.inv(t2) @ np.linalg.svd(equations)[2][-1].reshape(3, 3) @ t1
    return homography / np.linalg.norm(homography)


def triangulate(points2D: Array, cam_from_world: Array) -> Array:
    """(3,) point of one track: observation k, normalised, under pose k. The direct linear transform, section 12.2."""
    equations = points2D[:, :, None] * cam_from_world[:, 2:] - cam_from_world[:, :2]
    point = np.linalg.svd(equations.reshape(-1, 4))[2][-1]
    return point[:3] / point[3]


def triangulation_angle(xyz: Array, centers: Array) -> float:
    """The largest angle between two rays of one track, as lines, in radians."""
    rays = (xyz - centers) / np.linalg.norm(xyz - centers, axis=1, keepdims=True)
    return float(np.arccos(np.clip(np.abs(rays @ rays.T), 0, 1)).max())
