# SPDX-License-Identifier: Apache-2.0
"""Projection of camera-frame points to pixels."""

from __future__ import annotations

from typing import Any

from .._arrays import FLOATS, Call, dtype_name, handle
from ..scene import Camera
from ._params import model_params, on_host, refuse_out


def project(points: Any, camera: Camera, *, params: Any = None, out: Any = None, num_threads: int = 0) -> Any:
    """Project camera-frame points to pixels.

    Parameters
    ----------
    points : (N, 3) float32 or float64 array
        Points in the camera frame (x right, y down, z forward), in scene units.
    camera : Camera
        The intrinsics.
    params : (P,) array, optional
        Used instead of ``camera.params``; a torch tensor that requires a gradient gets one.
    out : (N, 2) array, optional
        Where to write the result, same dtype as ``points``. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 2) array
        Pixels; (0, 0) is the top-left corner of the image. NaN for points that the model does not see: those that are
        not in front of the camera (z <= 0), in every model but ``EQUIRECTANGULAR``, which sees all but the origin; and
        those that ``DIVISION`` with k > 0 has no image radius for. Such points get a gradient of 0.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.

    Notes
    -----
    Beyond the angle of :func:`max_valid_angle` a radial distortion folds back: pixels there are what the formula
    says, but :func:`unproject` does not return to them.

    References
    ----------
    COLMAP, src/colmap/sensor/models.h; Agarwal et al. 2010 for BAL. docs/camera.md has every formula.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> fastcv.camera.project(np.array([[0.1, 0.0, 1.0]]), camera)
    array([[370., 240.]])
    """
    call = Call()
    points = call.input("points", points, ("N", 3), FLOATS)
    execution = call.execution(num_threads)
    values = model_params(call, camera, params)
    if call.is_torch and out is None:
        from . import _torch

        return _torch.project(points, values, camera.model_id, num_threads)
    refuse_out(points=points, params=values)
    out = call.output("out", out, ("N", 2), dtype_name(points))
    call.backend.camera.project(camera.model_id, on_host(values), handle(points), handle(out), execution)
    return call.result(out)


def project_jacobian(points: Any, camera: Camera, *, params: Any = None, num_threads: int = 0) -> tuple[Any, Any, Any]:
    """Project camera-frame points, with the analytic derivatives of the pixels.

    Parameters
    ----------
    points, camera, params, num_threads
        As for :func:`project`. Nothing here is differentiable further by torch.

    Returns
    -------
    pixels : (N, 2) array
    d_point : (N, 2, 3) array
        Derivatives by the point, in pixels per scene unit.
    d_params : (N, 2, P) array
        Derivatives by the parameters, in the order of ``camera.param_names``.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 640, 480, [500, 320, 240])
    >>> pixels, d_point, d_params = fastcv.camera.project_jacobian(np.array([[0.2, 0.0, 2.0]]), camera)
    >>> d_point[0]
    array([[250.,   0., -25.],
           [  0., 250.,  -0.]])
    >>> d_params[0]
    array([[0.1, 1. , 0. ],
           [0. , 0. , 1. ]])
    """
    call = Call()
    points = call.input("points", points, ("N", 3), FLOATS)
    execution = call.execution(num_threads)
    values = model_params(call, camera, params)
    num_params = len(camera.param_names)
    if call.is_torch:
        from . import _torch

        return _torch.project_jacobian(points, values, camera.model_id, num_params, num_threads)
    shapes = (("N", 2), ("N", 2, 3), ("N", 2, num_params))
    pixels, d_point, d_params = (call.empty(shape, dtype_name(points)) for shape in shapes)
    call.backend.camera.project_jacobian(camera.model_id, values, points, pixels, d_point, d_params, execution)
    return call.result(pixels), call.result(d_point), call.result(d_params)
