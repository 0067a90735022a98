# SPDX-License-Identifier: Apache-2.0
"""Surface normals of a depth map."""

from __future__ import annotations

from typing import Any

from .._arrays import Call, handle
from .views import View, camera_of, size_of


def depth_normals(view: View, depth: Any, *, num_threads: int = 0) -> Any:
    """Normal of the plane through each pixel's neighbourhood in a depth map.

    On a plane inverse depth is linear in the pixel, so the plane is a least-squares fit to the inverse depths of a 5 x
    5 window, those beyond an edge (2 % of depth per pixel) left out.

    Parameters
    ----------
    view : View
        Its image is not read, only the size.
    depth : (H, W) float32 array
        0 where there is none.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    (H, W, 3) float32 array
        Unit vectors in the camera frame, towards the camera; 0 where there is no depth, against the ray where too few
        neighbours have one. Same framework and device as the depth.

    Examples
    --------
    >>> from fastcv import mvs
    >>> wall = np.full((12, 16), 5.0, np.float32)
    >>> normals = mvs.depth_normals(mvs.View(wall, [[50, 0, 8], [0, 50, 6], [0, 0, 1]], np.eye(3, 4)), wall)
    >>> float(normals[6, 8, 2])
    -1.0
    """
    K, _ = camera_of("view", view)
    call = Call()
    depth = call.input("depth", depth, size_of("view", view), ("float32",))
    normals = call.empty((*depth.shape, 3), "float32")
    call.backend.mvs.depth_normals(handle(depth), K, handle(normals), call.execution(num_threads))
    return call.result(normals)
