# SPDX-License-Identifier: Apache-2.0
"""How far correspondences are from models: errors in pixels, and robust scores of many models at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import camera as camera_room
from .._arrays import FLOATS, Call, dtype_name, handle
from ..scene import Camera
from ._checks import Array, finite, image_world_pairs


def sampson_errors(points1: Any, points2: Any, fundamental: Any, *, out: Any = None, num_threads: int = 0) -> Any:
    """Sampson errors: first-order distances to the epipolar constraint ``x2 @ F @ x1 == 0``.

    Parameters
    ----------
    points1, points2 : (N, 2) float32 or float64 arrays
        Corresponding pixels. Normalised points and an essential matrix give errors in the normalised plane. Use float64
        for pixels: float32 loses a fraction of a pixel to cancellation.
    fundamental : (M, 3, 3) or (3, 3) array, same dtype
        One or several models.
    out : (M, N) array, optional
        Where to write the result; for several models only.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (M, N) array, or (N,) for one model
        Errors in pixels.

    Raises
    ------
    TypeError, ValueError, DeviceError
        For another dtype, shape, framework or device.

    References
    ----------
    Hartley & Zisserman 2004, Multiple View Geometry, equation 11.9.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> F = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # epipolar lines are the image rows
    >>> fastcv.geometry.sampson_errors(np.array([[1.0, 2.0]]), np.array([[5.0, 3.0]]), F)
    array([0.707107])
    """
    call = Call()
    points1 = call.input("points1", points1, ("N", 2), FLOATS)
    points2 = call.input("points2", points2, ("N", 2), (dtype_name(points1),))
    one = len(fundamental.shape) == 2 if hasattr(fundamental, "shape") else np.ndim(fundamental) == 2
    if one and out is not None:
        raise ValueError("out: expected None for one model")
    models = call.input("fundamental", fundamental, (3, 3) if one else ("M", 3, 3), (dtype_name(points1),))
    out = call.output("out", out, (1 if one else len(models), "N"), dtype_name(points1))
    models = models.reshape(-1, 3, 3)
    call.backend.geometry.sampson_errors(
        handle(points1), handle(points2), handle(models), handle(out), call.execution(num_threads)
    )
    return call.result(out[0] if one else out)


def sampson_scores(
    points1: Any, points2: Any, models: Any, *, threshold: float = 1.0, out: Any = None, num_threads: int = 0
) -> Any:
    """Score many fundamental matrices by how well they explain the correspondences.

    Parameters
    ----------
    points1, points2 : (N, 2) float32 or float64 arrays
        Corresponding pixels, or normalised points.
    models : (M, 3, 3) array, same dtype
        Fundamental (essential) matrices.
    threshold : float
        Largest Sampson error of an inlier, in the points' units.
    out : (M, 2) float64 array, optional
        Where to write the result.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (M, 2) float64 array
        Σ max(0, 1 − error² / threshold²), and the number of inliers.

    Raises
    ------
    TypeError, ValueError, DeviceError
        For another dtype, shape, framework or device, or a threshold that is not positive.

    References
    ----------
    Torr & Zisserman 2000, MLESAC, CVIU 78(1).

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> F = np.array([[[0.0, 0, 0], [0, 0, -1], [0, 1, 0]]])
    >>> points1, points2 = np.array([[1.0, 2.0], [3, 4]]), np.array([[5.0, 3.0], [3, 9]])
    >>> fastcv.geometry.sampson_scores(points1, points2, F)
    array([[0.5, 1. ]])
    """
    call = Call()
    points1 = call.input("points1", points1, ("N", 2), FLOATS)
    points2 = call.input("points2", points2, ("N", 2), (dtype_name(points1),))
    models = call.input("models", models, ("M", 3, 3), (dtype_name(points1),))
    out = call.output("out", out, ("M", 2), "float64")
    call.backend.geometry.sampson_scores(
        handle(points1), handle(points2), handle(models), _positive(threshold), handle(out), call.execution(num_threads)
    )
    return call.result(out)


def reprojection_scores(
    points2D: Any, points3D: Any, cam_from_world: Any, *, threshold: float, out: Any = None, num_threads: int = 0
) -> Any:
    """Score many camera poses by how well they explain 2D-3D correspondences.

    Parameters
    ----------
    points2D : (N, 2) float32 or float64 array
        Normalised image points, ``(x, y)`` of a ray ``(x, y, 1)``.
    points3D : (N, 3) array, same dtype
        World points; float32 wants an origin near them.
    cam_from_world : (M, 3, 4) array, same dtype
        Poses ``[R | t]``.
    threshold : float
        Largest reprojection error of an inlier in the normalised plane: pixels divided by the focal length.
    out : (M, 2) float64 array, optional
        Where to write the result.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (M, 2) float64 array
        Σ max(0, 1 − error² / threshold²), and the number of inliers. Points behind the camera are outliers.

    Raises
    ------
    TypeError, ValueError, DeviceError
        For another dtype, shape, framework or device, or a threshold that is not positive.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> points3D = np.array([[0.0, 0, 2], [1, 0, 2], [0, 0, -2]])
    >>> fastcv.geometry.reprojection_scores(np.array([[0.0, 0], [0.5, 0.1], [0, 0]]), points3D, np.eye(3, 4)[None],
    ...     threshold=0.2)
    array([[1.75, 2.  ]])
    """
    call = Call()
    points2D = call.input("points2D", points2D, ("N", 2), FLOATS)
    points3D = call.input("points3D", points3D, ("N", 3), (dtype_name(points2D),))
    poses = call.input("cam_from_world", cam_from_world, ("M", 3, 4), (dtype_name(points2D),))
    out = call.output("out", out, ("M", 2), "float64")
    call.backend.geometry.reprojection_scores(
        handle(points2D),
        handle(points3D),
        handle(poses),
        _positive(threshold),
        handle(out),
        call.execution(num_threads),
    )
    return call.result(out)


def reprojection_errors(points2D: Any, points3D: Any, cam_from_world: Any, camera: Camera) -> Array:
    """Distances in the image between observations and projected world points.

    Parameters
    ----------
    points2D : (N, 2) array
        Observed pixels.
    points3D : (N, 3) array
        World points, in scene units.
    cam_from_world : (3, 4) array
        The camera's pose ``[R | t]``.
    camera : Camera
        Its intrinsics, distortion included.

    Returns
    -------
    (N,) float64 array
        Pixels; infinite for points that the camera does not see. In an EQUIRECTANGULAR image the shorter way round.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, or with NaN or infinity.

    Examples
    --------
    >>> import numpy as np, fastcv, fastcv.geometry
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> fastcv.geometry.reprojection_errors([[323.0, 244]], [[0.0, 0, 1]], np.eye(3, 4), camera)
    array([5.])
    """
    points2D, points3D = image_world_pairs(points2D, points3D)
    pose = finite("cam_from_world", cam_from_world, (3, 4))
    in_cam = points3D @ pose[:, :3].T + pose[:, 3]
    offsets = camera_room.project(in_cam, camera) - points2D
    if camera.is_spherical:
        offsets[:, 0] -= camera.params[0] * np.round(offsets[:, 0] / camera.params[0])
    return np.nan_to_num(np.linalg.norm(offsets, axis=1), nan=np.inf, posinf=np.inf)


def _positive(threshold: float) -> float:
    if not 0 < threshold < np.inf:
        raise ValueError(f"threshold: expected a positive number, got {threshold}")
    return float(threshold)
