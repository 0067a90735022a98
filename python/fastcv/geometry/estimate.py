# SPDX-License-Identifier: Apache-2.0
"""Robust estimation from correspondences with outliers: fundamental matrix, homography, relative and absolute pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ..scene import Camera
from ._checks import Array, image_pairs, image_world_pairs
from ._normalize import normalize


@dataclass(frozen=True)
class RobustResult:
    """What every robust estimator reports.

    Parameters
    ----------
    inliers : (N,) bool array
        The correspondences within the threshold of the model.
    num_inliers : int
        Their number; 0 means that no model was found, and the model is NaN.
    num_iterations : int
        Samples drawn.
    score : float
        Σ max(0, 1 − error² / threshold²) over the correspondences: between 0 and ``num_inliers``, larger for tighter
        fits.
    """

    inliers: NDArray[np.bool_]
    num_inliers: int
    num_iterations: int
    score: float

    @property
    def inlier_ratio(self) -> float:
        """Share of the correspondences that are inliers."""
        return self.num_inliers / len(self.inliers)

    @property
    def success(self) -> bool:
        """Whether a model was found."""
        return self.num_inliers > 0


@dataclass(frozen=True)
class Estimate(RobustResult):
    """A fundamental matrix or a homography.

    Parameters
    ----------
    model : (3, 3) float64 array
        The matrix, with unit Frobenius norm.
    """

    model: Array


@dataclass(frozen=True)
class RelativePose(RobustResult):
    """The pose of a second camera relative to a first.

    Parameters
    ----------
    cam2_from_cam1 : (3, 4) float64 array
        ``[R | t]`` with ``|t| = 1``: two views do not tell the scale.
    essential : (3, 3) float64 array
        ``[t]× R`` with unit Frobenius norm.
    """

    cam2_from_cam1: Array
    essential: Array


@dataclass(frozen=True)
class AbsolutePose(RobustResult):
    """The pose of a camera in the world.

    Parameters
    ----------
    cam_from_world : (3, 4) float64 array
        ``[R | t]``: ``x_cam = R @ x_world + t``.
    """

    cam_from_world: Array


def _options(
    threshold: float, confidence: float, min_iterations: int, max_iterations: int, ordered: bool, seed: int
) -> Any:
    if not 0 < threshold < np.inf:
        raise ValueError(f"threshold: expected a positive number of pixels, got {threshold}")
    if not 0 <= confidence < 1:
        raise ValueError(f"confidence: expected 0 <= confidence < 1, got {confidence}")
    if not 0 <= min_iterations <= max_iterations:
        raise ValueError(f"min_iterations: expected 0 to max_iterations = {max_iterations}, got {min_iterations}")
    if not 1 <= max_iterations < 2**31:
        raise ValueError(f"max_iterations: expected 1 to 2^31 - 1, got {max_iterations}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed: expected 0 to 2^64 - 1, got {seed}")
    native = backend("cpu").geometry.RansacOptions
    return native(float(threshold), float(confidence), int(min_iterations), int(max_iterations), ordered, int(seed))


def _estimate(native: Callable[..., tuple[float, int, int]], points1: Array, points2: Array, options: Any) -> Estimate:
    model, inliers = np.empty((3, 3)), np.empty(len(points1), bool)
    score, num_inliers, num_iterations = native(points1, points2, options, model, inliers)
    return Estimate(inliers, num_inliers, num_iterations, score, model)


def _scatter(inliers: NDArray[np.bool_], rows: NDArray[np.intp], n: int) -> NDArray[np.bool_]:
    """Inliers among some rows as inliers among all: a pixel without a ray is an outlier."""
    result = np.zeros(n, bool)
    result[rows] = inliers
    return result


def estimate_fundamental(
    points1: Any,
    points2: Any,
    *,
    threshold: float = 1.0,
    confidence: float = 0.9999,
    min_iterations: int = 100,
    max_iterations: int = 10000,
    ordered: bool = False,
    seed: int = 0,
) -> Estimate:
    """Fundamental matrix of two views from correspondences with outliers.

    Seven-point samples, truncated Sampson error, local optimisation of each new best model. A scene in one plane (and a
    camera that only turned) leaves F undetermined: compare the inliers with those of ``estimate_homography``.

    Parameters
    ----------
    points1, points2 : (N, 2) arrays, N >= 7
        Corresponding pixels.
    threshold : float
        Largest Sampson error of an inlier, in pixels.
    confidence : float
        Stop once a sample without outliers was drawn with this probability.
    min_iterations, max_iterations : int
        Bounds of the number of samples.
    ordered : bool
        The correspondences come best first: samples are drawn from the first ones before the others (PROSAC).
    seed : int
        The same seed gives the same result.

    Returns
    -------
    Estimate
        ``model`` is F with ``x2 @ F @ x1 == 0``.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, fewer than seven correspondences, or parameters out
        of range.

    References
    ----------
    Chum, Matas, Kittler 2003, Locally optimized RANSAC. Chum & Matas 2005, Matching with PROSAC. Torr & Zisserman 2000,
    MLESAC (the truncated quadratic).

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> rng = np.random.default_rng(0)
    >>> points = rng.uniform(-1, 1, (100, 3)) + [0, 0, 4]
    >>> pixels1 = 500 * points[:, :2] / points[:, 2:] + 320
    >>> pixels2 = pixels1 + 500 / points[:, 2:] * [1, 0]
    >>> pixels2[:30] = rng.uniform(0, 640, (30, 2))
    >>> fastcv.geometry.estimate_fundamental(pixels1, pixels2).inliers[30:].all()
    np.True_
    """
    points1, points2 = image_pairs(points1, points2, 7)
    options = _options(threshold, confidence, min_iterations, max_iterations, ordered, seed)
    return _estimate(backend("cpu").geometry.estimate_fundamental, points1, points2, options)


def estimate_homography(
    points1: Any,
    points2: Any,
    *,
    threshold: float = 1.0,
    confidence: float = 0.9999,
    min_iterations: int = 100,
    max_iterations: int = 10000,
    ordered: bool = False,
    seed: int = 0,
) -> Estimate:
    """Homography between two views of a plane (or from a camera that only turned), with outliers.

    Parameters
    ----------
    points1, points2 : (N, 2) arrays, N >= 4
        Corresponding pixels.
    threshold : float
        Largest distance between ``points2`` and the image of ``points1`` of an inlier, in pixels.
    confidence, min_iterations, max_iterations, ordered, seed
        As for ``estimate_fundamental``.

    Returns
    -------
    Estimate
        ``model`` is H with ``x2 ~ H @ x1``.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, fewer than four correspondences, or parameters out of
        range.

    References
    ----------
    Hartley & Zisserman 2004, Multiple View Geometry, chapter 4.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> rng = np.random.default_rng(0)
    >>> points1 = rng.uniform(0, 640, (50, 2))
    >>> points2 = 0.5 * points1 + 10
    >>> points2[:20] = rng.uniform(0, 640, (20, 2))
    >>> H = fastcv.geometry.estimate_homography(points1, points2).model
    >>> np.round(H / H[2, 2], 6) + 0.0
    array([[ 0.5,  0. , 10. ],
           [ 0. ,  0.5, 10. ],
           [ 0. ,  0. ,  1. ]])
    """
    points1, points2 = image_pairs(points1, points2, 4)
    options = _options(threshold, confidence, min_iterations, max_iterations, ordered, seed)
    return _estimate(backend("cpu").geometry.estimate_homography, points1, points2, options)


def estimate_relative_pose(
    points1: Any,
    points2: Any,
    camera1: Camera,
    camera2: Camera,
    *,
    threshold: float = 1.0,
    confidence: float = 0.9999,
    min_iterations: int = 100,
    max_iterations: int = 10000,
    ordered: bool = False,
    seed: int = 0,
) -> RelativePose:
    """Relative pose of two calibrated views from correspondences with outliers.

    Five-point samples, truncated Sampson error in pixels, local optimisation over rotation and direction, and of the
    four decompositions the one with most inliers in front of both cameras.

    Parameters
    ----------
    points1, points2 : (N, 2) arrays, N >= 5
        Corresponding pixels.
    camera1, camera2 : Camera
        Intrinsics of the two views.
    threshold : float
        Largest Sampson error of an inlier, in pixels.
    confidence, min_iterations, max_iterations, ordered, seed
        As for ``estimate_fundamental``.

    Returns
    -------
    RelativePose
        Inliers lie within the threshold and in front of both cameras. ``score`` counts those behind as well.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, fewer than five correspondences, parameters out of
        range, or an EQUIRECTANGULAR camera. Pixels that have no ray under the camera model count as outliers.

    References
    ----------
    Nistér 2004, An efficient solution to the five-point relative pose problem, IEEE PAMI 26(6).

    Examples
    --------
    >>> import numpy as np, fastcv, fastcv.geometry
    >>> rng = np.random.default_rng(0)
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> points = rng.uniform(-1, 1, (100, 3)) + [0, 0, 4]
    >>> pixels1 = fastcv.camera.project(points, camera)
    >>> pixels2 = fastcv.camera.project(points + [0.5, 0, 0], camera)
    >>> pixels2[:40] = rng.uniform(0, 480, (40, 2))
    >>> pose = fastcv.geometry.estimate_relative_pose(pixels1, pixels2, camera, camera)
    >>> np.round(pose.cam2_from_cam1, 6) + 0.0
    array([[1., 0., 0., 1.],
           [0., 1., 0., 0.],
           [0., 0., 1., 0.]])
    """
    points1, points2 = image_pairs(points1, points2, 5)
    options = _options(threshold, confidence, min_iterations, max_iterations, ordered, seed)
    normalized1, weights1, usable1 = normalize(points1, camera1)
    normalized2, weights2, usable2 = normalize(points2, camera2)
    rows = np.flatnonzero(usable1 & usable2)
    essential, pose, inliers = np.full((3, 3), np.nan), np.full((3, 4), np.nan), np.zeros(len(rows), bool)
    found = (0.0, 0, 0)
    if len(rows) >= 5:
        found = backend("cpu").geometry.estimate_relative_pose(
            normalized1[rows], normalized2[rows], weights1[rows], weights2[rows], options, essential, pose, inliers
        )
    score, num_inliers, num_iterations = found
    return RelativePose(_scatter(inliers, rows, len(points1)), num_inliers, num_iterations, score, pose, essential)


def estimate_absolute_pose(
    points2D: Any,
    points3D: Any,
    camera: Camera,
    *,
    threshold: float = 1.0,
    confidence: float = 0.9999,
    min_iterations: int = 100,
    max_iterations: int = 10000,
    ordered: bool = False,
    seed: int = 0,
) -> AbsolutePose:
    """Pose of a calibrated camera from 2D-3D correspondences with outliers.

    Three-point samples, truncated reprojection error, local optimisation over rotation and translation.

    Parameters
    ----------
    points2D : (N, 2) array, N >= 3
        Pixels.
    points3D : (N, 3) array
        World points, in scene units.
    camera : Camera
        Intrinsics.
    threshold : float
        Largest reprojection error of an inlier, in pixels (through a distorted camera, to first order).
    confidence, min_iterations, max_iterations, ordered, seed
        As for ``estimate_fundamental``.

    Returns
    -------
    AbsolutePose

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, fewer than three correspondences, parameters out of
        range, or an EQUIRECTANGULAR camera. Pixels that have no ray under the camera model count as outliers.

    References
    ----------
    Persson & Nordberg 2018, Lambda Twist: an accurate fast robust perspective three point solver, ECCV.

    Examples
    --------
    >>> import numpy as np, fastcv, fastcv.geometry
    >>> rng = np.random.default_rng(0)
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> points3D = rng.uniform(-1, 1, (100, 3))
    >>> points2D = fastcv.camera.project(points3D + [0.1, 0.2, 4], camera)
    >>> points2D[:60] = rng.uniform(0, 480, (60, 2))
    >>> pose = fastcv.geometry.estimate_absolute_pose(points2D, points3D, camera)
    >>> np.round(pose.cam_from_world, 6) + 0.0
    array([[1. , 0. , 0. , 0.1],
           [0. , 1. , 0. , 0.2],
           [0. , 0. , 1. , 4. ]])
    """
    points2D, points3D = image_world_pairs(points2D, points3D, 3)
    options = _options(threshold, confidence, min_iterations, max_iterations, ordered, seed)
    normalized, weights, usable = normalize(points2D, camera)
    rows = np.flatnonzero(usable)
    pose, inliers = np.full((3, 4), np.nan), np.zeros(len(rows), bool)
    found = (0.0, 0, 0)
    if len(rows) >= 3:
        found = backend("cpu").geometry.estimate_absolute_pose(
            normalized[rows], points3D[rows], weights[rows], options, pose, inliers
        )
    score, num_inliers, num_iterations = found
    return AbsolutePose(_scatter(inliers, rows, len(points2D)), num_inliers, num_iterations, score, pose)
