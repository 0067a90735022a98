# SPDX-License-Identifier: Apache-2.0
"""The pose of one image under known points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..scene import Camera
from .problem import Problem
from .solve import Result, solve


def refine_pose(
    cam_from_world: ArrayLike,
    points3D: ArrayLike,
    points2D: ArrayLike,
    camera: Camera,
    *,
    fixed_params: ArrayLike | None = None,
    **options: Any,
) -> Result:
    """Minimise the reprojection errors of known points over the pose of one image.

    Parameters
    ----------
    cam_from_world : (3, 4) array
        Where to start.
    points3D : (K, 3) array
        World frame, scene units.
    points2D : (K, 2) array
        Their observations in pixels.
    camera : Camera
        The intrinsics.
    fixed_params : (P,) bool array, optional
        Which intrinsics stay; by default all.
    **options
        As for ``solve``.

    Returns
    -------
    Result
        ``cam_from_world[0]`` is the pose, ``cameras[0]`` the camera.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> from fastcv.ba import refine_pose
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 640, 480, [500, 320, 240])
    >>> points = np.array([[0, 0, 4.0], [1, 0, 5], [0, 1, 6], [1, 1, 4]])
    >>> pixels = fastcv.camera.project(points, camera)
    >>> start = np.eye(3, 4)
    >>> start[:, 3] = 0.1
    >>> result = refine_pose(start, points, pixels, camera)
    >>> bool(np.abs(result.cam_from_world[0] - np.eye(3, 4)).max() < 1e-6)
    True
    """
    points = np.asarray(points3D, np.float64)
    rows = np.arange(len(points), dtype=np.int32)
    problem = Problem(
        cameras=[camera],
        image_cameras=np.zeros(1, np.int32),
        cam_from_world=np.asarray(cam_from_world, np.float64)[None],
        points=points,
        image_indices=np.zeros_like(rows),
        point_indices=rows,
        observations=np.asarray(points2D, np.float64),
        fixed_points=np.ones(len(points), bool),
        fixed_params=[np.ones(len(camera.params), bool) if fixed_params is None else np.asarray(fixed_params)],
    )
    return solve(problem, **options)
