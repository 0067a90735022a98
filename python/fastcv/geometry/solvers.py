# SPDX-License-Identifier: Apache-2.0
"""Models from exact correspondences: minimal and linear solvers without outliers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._backend import backend
from ._checks import Array, finite, image_pairs, image_world_pairs


def five_point(rays1: Any, rays2: Any) -> Array:
    """Essential matrices from five correspondences.

    Parameters
    ----------
    rays1, rays2 : (5, 3) arrays
        Directions in each camera's frame, of any length (``camera.unproject`` gives them).

    Returns
    -------
    (S, 3, 3) float64 array
        The S ≤ 10 real solutions of ``ray2 @ E @ ray1 == 0`` with unit Frobenius norm. None for rays that determine no
        finite set of solutions, such as five times the same one.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, or with NaN or infinity.

    References
    ----------
    Nistér 2004, An efficient solution to the five-point relative pose problem, IEEE PAMI 26(6).

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> points = np.random.default_rng(0).uniform(-1, 1, (5, 3)) + [0, 0, 4]
    >>> E = fastcv.geometry.five_point(points, points + [1, 0, 0])
    >>> bool(np.abs(np.einsum("ni,sij,nj->sn", points + [1, 0, 0], E, points)).max() < 1e-10)
    True
    """
    rays1, rays2 = finite("rays1", rays1, (5, 3)), finite("rays2", rays2, (5, 3))
    out = np.empty((10, 9))
    return out[: backend("cpu").geometry.five_point(rays1, rays2, out)].reshape(-1, 3, 3)


def seven_point(points1: Any, points2: Any) -> Array:
    """Fundamental matrices from seven correspondences.

    Parameters
    ----------
    points1, points2 : (7, 2) arrays
        Coordinates near 1 for full accuracy: normalised, or pixels moved and scaled.

    Returns
    -------
    (S, 3, 3) float64 array
        One or three solutions of ``x2 @ F @ x1 == 0`` with rank two and unit Frobenius norm.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, or with NaN or infinity.

    References
    ----------
    Hartley & Zisserman 2004, Multiple View Geometry, section 11.1.2.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> points = np.random.default_rng(0).uniform(-1, 1, (7, 3)) + [0, 0, 4]
    >>> points1, points2 = points[:, :2] / points[:, 2:], points[:, :2] / points[:, 2:] + 1 / points[:, 2:]
    >>> F = fastcv.geometry.seven_point(points1, points2)
    >>> bool(np.abs(np.linalg.det(F)).max() < 1e-12)
    True
    """
    points1, points2 = finite("points1", points1, (7, 2)), finite("points2", points2, (7, 2))
    out = np.empty((3, 9))
    return out[: backend("cpu").geometry.seven_point(points1, points2, out)].reshape(-1, 3, 3)


def eight_point(points1: Any, points2: Any) -> Array:
    """The fundamental matrix of eight or more correspondences, without outliers.

    Parameters
    ----------
    points1, points2 : (N, 2) arrays, N >= 8
        Pixels.

    Returns
    -------
    (3, 3) float64 array
        F with ``x2 @ F @ x1 == 0`` in the least-squares sense, rank two, unit Frobenius norm.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, and for points that leave more than one solution
        (all in one plane of the scene, on a line, or repeated).

    References
    ----------
    Hartley 1997, In defense of the eight-point algorithm, IEEE PAMI 19(6).

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> points = np.random.default_rng(0).uniform(-1, 1, (20, 3)) + [0, 0, 4]
    >>> pixels1 = 500 * points[:, :2] / points[:, 2:] + 320
    >>> pixels2 = pixels1 + 500 / points[:, 2:] * [1, 0]
    >>> F = fastcv.geometry.eight_point(pixels1, pixels2)  # a sideways step: epipolar lines are the image rows
    >>> np.round(F / F[2, 1], 6) + 0.0
    array([[ 0.,  0.,  0.],
           [ 0.,  0., -1.],
           [ 0.,  1.,  0.]])
    """
    points1, points2 = image_pairs(points1, points2, 8)
    out = np.empty((3, 3))
    if not backend("cpu").geometry.eight_point(points1, points2, out):
        raise ValueError(
            "points1, points2: expected points in general position, got a plane, a line or repeated points"
        )
    return out


def dlt_homography(points1: Any, points2: Any) -> Array:
    """The homography of four or more correspondences, without outliers.

    Parameters
    ----------
    points1, points2 : (N, 2) arrays, N >= 4
        Pixels.

    Returns
    -------
    (3, 3) float64 array
        H with ``x2 ~ H @ x1`` in the algebraic least-squares sense, unit Frobenius norm.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, and for points that leave more than one solution
        (all but one on a line, or repeated).

    References
    ----------
    Hartley & Zisserman 2004, Multiple View Geometry, algorithm 4.2.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    >>> H = fastcv.geometry.dlt_homography(square, 2 * square + 5)
    >>> np.round(H / H[2, 2], 6) + 0.0
    array([[2., 0., 5.],
           [0., 2., 5.],
           [0., 0., 1.]])
    """
    points1, points2 = image_pairs(points1, points2, 4)
    out = np.empty((3, 3))
    if not backend("cpu").geometry.dlt_homography(points1, points2, out):
        raise ValueError("points1, points2: expected points in general position, got a line or repeated points")
    return out


def p3p(rays: Any, points3D: Any) -> Array:
    """Camera poses from three 2D-3D correspondences.

    Parameters
    ----------
    rays : (3, 3) array
        Directions in the camera's frame, of any length.
    points3D : (3, 3) array
        World points, in scene units.

    Returns
    -------
    (S, 3, 4) float64 array
        The S ≤ 4 poses ``cam_from_world`` that see each point at a positive distance along its ray. None for collinear
        points.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, or with NaN or infinity.

    References
    ----------
    Persson & Nordberg 2018, Lambda Twist: an accurate fast robust perspective three point solver, ECCV.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> points3D = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    >>> poses = fastcv.geometry.p3p(points3D + [0.2, 0.1, 4], points3D)
    >>> bool(np.abs(poses[:, :, 3] - [0.2, 0.1, 4]).max(axis=1).min() < 1e-10)
    True
    """
    rays, points3D = finite("rays", rays, (3, 3)), finite("points3D", points3D, (3, 3))
    out = np.empty((4, 12))
    return out[: backend("cpu").geometry.p3p(rays, points3D, out)].reshape(-1, 3, 4)


def dlt_pnp(points2D: Any, points3D: Any) -> Array:
    """The camera pose of six or more 2D-3D correspondences, without outliers.

    Parameters
    ----------
    points2D : (N, 2) array, N >= 6
        Normalised image points, ``(x, y)`` of a ray ``(x, y, 1)``.
    points3D : (N, 3) array
        World points, in scene units.

    Returns
    -------
    (3, 4) float64 array
        ``cam_from_world``.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, and for points that leave more than one solution
        (all in one plane, or repeated).

    References
    ----------
    Hartley & Zisserman 2004, Multiple View Geometry, section 7.1.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> points3D = np.random.default_rng(0).uniform(-1, 1, (8, 3))
    >>> seen = points3D + [0.2, 0.1, 4]
    >>> np.round(fastcv.geometry.dlt_pnp(seen[:, :2] / seen[:, 2:], points3D), 6) + 0.0
    array([[1. , 0. , 0. , 0.2],
           [0. , 1. , 0. , 0.1],
           [0. , 0. , 1. , 4. ]])
    """
    points2D, points3D = image_world_pairs(points2D, points3D, 6)
    out = np.empty((3, 4))
    if not backend("cpu").geometry.dlt_pnp(points2D, points3D, out):
        raise ValueError("points3D: expected points in general position, got a plane or repeated points")
    return out


def decompose_essential(essential: Any) -> Array:
    """The four relative poses of an essential matrix.

    Parameters
    ----------
    essential : (3, 3) array
        E with ``ray2 @ E @ ray1 == 0``, of any scale.

    Returns
    -------
    (4, 3, 4) float64 array
        ``cam2_from_cam1`` candidates ``[R | t]`` with ``|t| = 1``: ``(R1, t), (R1, -t), (R2, t), (R2, -t)``. One of
        them sees the scene in front of both cameras.

    Raises
    ------
    TypeError, ValueError
        For an array of another type or shape, or with NaN or infinity.

    References
    ----------
    Hartley & Zisserman 2004, Multiple View Geometry, result 9.19.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> E = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # a step along x, no rotation
    >>> poses = fastcv.geometry.decompose_essential(E)
    >>> bool(np.isclose(poses, np.eye(3, 4) + np.outer([1, 0, 0], [0, 0, 0, 1])).all(axis=(1, 2)).any())
    True
    """
    essential = finite("essential", essential, (3, 3))
    out = np.empty((4, 12))
    backend("cpu").geometry.decompose_essential(essential, out)
    return out.reshape(4, 3, 4)
