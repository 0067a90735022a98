# SPDX-License-Identifier: Apache-2.0
"""Rays of pixels, and how far from the optical axis a model can be inverted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import FLOATS, Call, dtype_name, handle
from ..scene import Camera
from ._params import model_params, on_host, refuse_out


def unproject(pixels: Any, camera: Camera, *, params: Any = None, out: Any = None, num_threads: int = 0) -> Any:
    """Rays on which the pixels lie.

    Parameters
    ----------
    pixels : (N, 2) float32 or float64 array
        Pixels; (0, 0) is the top-left corner of the image.
    camera : Camera
        The intrinsics.
    params : (P,) array, optional
        Used instead of ``camera.params``; a torch tensor that requires a gradient gets one.
    out : (N, 3) array, optional
        Where to write the result, same dtype as ``pixels``. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 3) array
        Rays ``(x, y, 1)`` in the camera frame: ``rays * depth[:, None]`` are camera-frame points. x and y are NaN for
        pixels that have no ray: beyond the fold of the distortion, or 90° and more from the optical axis.
        ``EQUIRECTANGULAR`` looks behind too and gives unit vectors instead, to be multiplied by distances; its pixels
        repeat every turn in x, and have no ray above and below the image.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.

    Notes
    -----
    Distortion is inverted by a Newton iteration of at most 40 steps, until a step is below the rounding of the dtype;
    the lenses of ``DIVISION``, ``EUCM`` and ``EQUIRECTANGULAR`` have a closed inverse;
    gradients come from the implicit function theorem, not from the iteration.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> fastcv.camera.unproject(np.array([[370.0, 240.0]]), camera)
    array([[0.1, 0. , 1. ]])
    """
    call = Call()
    pixels = call.input("pixels", pixels, ("N", 2), FLOATS)
    execution = call.execution(num_threads)
    values = model_params(call, camera, params)
    if call.is_torch and out is None:
        from . import _torch

        return _torch.unproject(pixels, values, camera.model_id, num_threads)
    refuse_out(pixels=pixels, params=values)
    out = call.output("out", out, ("N", 3), dtype_name(pixels))
    call.backend.camera.unproject(camera.model_id, on_host(values), handle(pixels), handle(out), execution)
    return call.result(out)


def max_valid_angle(camera: Camera) -> float:
    """The angle from the optical axis up to which the camera's radial distortion is one-to-one.

    Parameters
    ----------
    camera : Camera
        The intrinsics. Tangential and thin prism terms are left out: they are small in real lenses.

    Returns
    -------
    float
        Radians, at most pi/2; pi for ``EQUIRECTANGULAR``, which sees everything.

    Notes
    -----
    The image radius r g(s), s = r², stops growing where d(r g)/dr = g + 2 s g'(s) = 0: with g = n/d, at the smallest
    positive root of n d + 2 s (n' d - n d'), or where d = 0. ``DIVISION`` folds for k > 0, at r = 1 / (2 sqrt(k));
    ``EUCM`` only for an alpha outside [0, 1].

    Examples
    --------
    >>> import fastcv
    >>> round(fastcv.camera.max_valid_angle(fastcv.Camera("SIMPLE_RADIAL", 640, 480, [500, 320, 240, -0.3])), 4)
    0.8117
    """
    params = dict(zip(camera.param_names, camera.params.tolist(), strict=True))
    if camera.is_spherical:
        return math.pi
    if "DIVISION" in camera.model:
        return math.atan(0.5 / math.sqrt(params["k"])) if params["k"] > 0 else math.pi / 2
    if camera.model == "EUCM":
        return _enhanced_unified_angle(params["alpha"], params["beta"])
    fold = _fold(camera)
    # A fisheye's radius is the angle itself, a perspective lens's its tangent.
    return min(fold, math.pi / 2) if "FISHEYE" in camera.model else math.atan(fold)


def _enhanced_unified_angle(alpha: float, beta: float) -> float:
    """Where r / (alpha sqrt(1 + beta r²) + 1 - alpha) reaches infinity, for alpha < 0, or its top, for alpha > 1."""
    if beta <= 0:
        return 0.0
    steep = max(alpha, 1 - alpha)
    if steep <= 1:
        return math.pi / 2
    return math.atan(math.sqrt(((steep / (steep - 1)) ** 2 - 1) / beta))


def _fold(camera: Camera) -> float:
    """The radius where a polynomial or rational distortion folds back."""
    values = [value for name, value in zip(camera.param_names, camera.params, strict=True) if name[0] == "k"]
    split = 3 if camera.model == "FULL_OPENCV" else len(values)
    n, d = (np.polynomial.Polynomial([1.0, *part]) for part in (values[:split], values[split:]))
    growth = n * d + np.polynomial.Polynomial([0.0, 2.0]) * (n.deriv() * d - n * d.deriv())
    roots = np.concatenate([growth.trim().roots(), d.trim().roots()])
    folds = roots.real[(abs(roots.imag) < 1e-9) & (roots.real > 0)]
    return math.sqrt(folds.min()) if len(folds) else math.inf
