# SPDX-License-Identifier: Apache-2.0
"""Projection of camera-frame points to pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import FLOATS, Call
from ..scene import Camera


def project(points: Any, camera: Camera, *, out: Any = None, num_threads: int = 0) -> Any:
    """Project camera-frame points to pixels.

    Parameters
    ----------
    points : (N, 3) float32 or float64 array
        Points in the camera frame (x right, y down, z forward), in scene units.
    camera : Camera
        The intrinsics.
    out : (N, 2) array, optional
        Where to write the result, same dtype as ``points``.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 2) array
        Pixels; (0, 0) is the top-left corner of the image.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> fastcv.camera.project(np.array([[0.1, 0.0, 1.0]]), camera)
    array([[370., 240.]])
    """
    call = Call()
    points = call.input("points", points, ("N", 3), FLOATS)
    if call.is_torch:
        from . import _torch

        return _torch.project(points, camera.model_id, camera.params)
    out = call.output("out", out, ("N", 2), str(points.dtype))
    params = np.asarray(camera.params)
    call.backend.camera.project(camera.model_id, params, points, out, call.execution(num_threads))
    return call.result(out)
