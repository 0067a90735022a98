# SPDX-License-Identifier: Apache-2.0
"""Points from tracks: many at once, in compressed rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ._checks import Array, finite


def _tracks(
    image_indices: Any, point_offsets: Any, num_observations: int, num_images: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The index arrays, checked so that the native loops never leave their arrays."""
    for name, array in (("image_indices", image_indices), ("point_offsets", point_offsets)):
        if np.asarray(array).dtype.kind not in "iu" or np.ndim(array) != 1:
            raise TypeError(f"{name}: expected a one-dimensional integer array, got {np.asarray(array).dtype}")
    image_indices, point_offsets = np.asarray(image_indices), np.asarray(point_offsets)
    if len(image_indices) != num_observations:
        raise ValueError(f"image_indices: expected {num_observations} rows, got {len(image_indices)}")
    if num_observations and not (image_indices.min() >= 0 and image_indices.max() < num_images):
        raise ValueError(
            f"image_indices: expected 0 to {num_images - 1}, got {image_indices.min()} to {image_indices.max()}"
        )
    ends = len(point_offsets) > 0 and point_offsets[0] == 0 and point_offsets[-1] == num_observations
    if not ends or (np.diff(point_offsets) < 0).any():
        raise ValueError(f"point_offsets: expected ascending offsets from 0 to {num_observations}")
    return np.ascontiguousarray(image_indices, np.int32), np.ascontiguousarray(point_offsets, np.int64)


def triangulate(
    points2D: Any,
    image_indices: Any,
    point_offsets: Any,
    cam_from_world: Any,
    *,
    refine_steps: int = 2,
    num_threads: int = 0,
) -> Array:
    """Triangulate many tracks.

    The point nearest to a track's rays (a linear system), then Gauss-Newton steps on the reprojection error.

    Parameters
    ----------
    points2D : (K, 2) array
        Observations in normalised coordinates, ``(x, y)`` of a ray ``(x, y, 1)``, sorted by track.
    image_indices : (K,) integer array
        The row of ``cam_from_world`` of each observation.
    point_offsets : (N + 1,) integer array
        Track i owns observations ``point_offsets[i]`` to ``point_offsets[i + 1] - 1``.
    cam_from_world : (I, 3, 4) array
        Poses ``[R | t]``.
    refine_steps : int
        Gauss-Newton steps on the sum of squared reprojection errors (normalised image plane); a step that does not
        lower it ends the refinement. 0 keeps the linear solution.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 3) float64 array
        World points; NaN for a track with fewer than two observations or with parallel rays. A point may lie behind a
        camera: see its depth.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, with NaN or infinity, or indices out of range.

    References
    ----------
    Hartley & Sturm 1997, Triangulation, CVIU 68(2).

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> poses = np.array([np.eye(3, 4), np.eye(3, 4)])
    >>> poses[1, 0, 3] = -1  # the second camera stands one unit to the right
    >>> fastcv.geometry.triangulate([[0.1, 0.2], [-0.1, 0.2]], [0, 1], [0, 2], poses)
    array([[0.5, 1. , 5. ]])
    """
    points2D = finite("points2D", points2D, ("K", 2))
    poses = finite("cam_from_world", cam_from_world, ("I", 3, 4))
    indices, offsets = _tracks(image_indices, point_offsets, len(points2D), len(poses))
    if not 0 <= refine_steps <= 100:
        raise ValueError(f"refine_steps: expected 0 to 100, got {refine_steps}")
    if num_threads < 0:
        raise ValueError(f"num_threads: expected 0 (default) or more, got {num_threads}")
    out = np.empty((len(offsets) - 1, 3))
    backend("cpu").geometry.triangulate(
        points2D, indices, offsets, poses.reshape(-1, 12), refine_steps, out, num_threads
    )
    return out


def triangulation_angles(
    xyz: Any, centers: Any, image_indices: Any, point_offsets: Any, *, num_threads: int = 0
) -> Array:
    """The largest angle between two rays of each track.

    Parameters
    ----------
    xyz : (N, 3) array
        World points.
    centers : (I, 3) array
        Projection centres of the images, in the world frame.
    image_indices : (K,) integer array
        The row of ``centers`` of each observation.
    point_offsets : (N + 1,) integer array
        Track i owns observations ``point_offsets[i]`` to ``point_offsets[i + 1] - 1``.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N,) float64 array
        Radians between 0 and π/2, rays taken as lines: the nearer to π/2, the surer the depth. 0 for a track with
        fewer than two observations, NaN for a point that is NaN.

    Raises
    ------
    TypeError, ValueError
        For arrays of another type or shape, or indices out of range.

    Examples
    --------
    >>> import numpy as np, fastcv.geometry
    >>> centers = np.array([[0.0, 0, 0], [1, 0, 0]])
    >>> np.degrees(fastcv.geometry.triangulation_angles([[0.0, 0, 1]], centers, [0, 1], [0, 2]))
    array([45.])
    """
    xyz = np.ascontiguousarray(xyz, np.float64)
    centers = finite("centers", centers, ("I", 3))
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise ValueError(f"xyz: expected shape (N, 3), got {xyz.shape}")
    indices, offsets = _tracks(image_indices, point_offsets, len(image_indices), len(centers))
    if len(offsets) != len(xyz) + 1:
        raise ValueError(f"point_offsets: expected {len(xyz) + 1} rows, got {len(offsets)}")
    if num_threads < 0:
        raise ValueError(f"num_threads: expected 0 (default) or more, got {num_threads}")
    out = np.empty(len(xyz))
    backend("cpu").geometry.triangulation_angles(xyz, centers, indices, offsets, out, num_threads)
    return out
