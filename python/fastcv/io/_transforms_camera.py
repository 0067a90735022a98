# SPDX-License-Identifier: Apache-2.0
"""Cameras as ``transforms.json`` spells them."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from ..errors import FormatError
from ..scene import Camera

_PERSPECTIVE = ("PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
_FISHEYE = "OPENCV_FISHEYE"
_WHOLE_SKY = "EQUIRECTANGULAR"
_NAMES = {"fx": "fl_x", "fy": "fl_y", "f": "fl_x", "k": "k1"}  # where they are not COLMAP's


def number(path: str | os.PathLike[str], settings: dict[str, Any], key: str, default: float) -> float:
    """A finite number, or the default where there is no such key."""
    value = settings.get(key, default)
    try:
        result = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    except OverflowError:  # JSON has integers of any size
        result = math.inf
    if not math.isfinite(result):
        raise FormatError(path, f"{key}: expected a finite number, got {str(value)[:60]}")
    return result


def camera_from_settings(path: str | os.PathLike[str], settings: dict[str, Any], frame: int) -> Camera:
    """The camera of a frame from its keys and the file's, ``w`` and ``h`` among them."""
    width, height = (number(path, settings, key, 0) for key in ("w", "h"))
    if not (width >= 1 and height >= 1 and width % 1 == 0 and height % 1 == 0):
        raise FormatError(path, f"frames[{frame}]: expected w and h in whole pixels, got {width} and {height}")
    size = int(width), int(height)
    model = settings.get("camera_model")
    if model == _WHOLE_SKY:
        return Camera(_WHOLE_SKY, *size, np.array(size, np.float64))
    if model not in (None, _FISHEYE, *_PERSPECTIVE):
        rule = f"camera_model: expected one of {', '.join([*_PERSPECTIVE, _FISHEYE, _WHOLE_SKY])}"
        raise FormatError(path, f"frames[{frame}]: {rule}, got {str(model)[:60]}")
    fx = _focal_length(path, settings, "x", width, None)
    if fx is None:
        raise FormatError(path, f"frames[{frame}]: expected fl_x or camera_angle_x, got neither")
    fy = _focal_length(path, settings, "y", height, fx)
    pinhole = [fx, fy, number(path, settings, "cx", width / 2), number(path, settings, "cy", height / 2)]
    k1, k2, k3, k4, k5, k6, p1, p2 = (
        number(path, settings, key, 0) for key in ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
    )
    if model == _FISHEYE or (model is None and settings.get("is_fisheye") is True):
        if p1 or p2:
            raise FormatError(path, f"frames[{frame}]: expected a fisheye without p1 and p2, got {p1} and {p2}")
        return Camera(_FISHEYE, *size, np.array([*pinhole, k1, k2, k3, k4]))
    if model != "FULL_OPENCV" and (k4 or k5 or k6):
        raise FormatError(path, f"frames[{frame}]: expected k4 to k6 of FULL_OPENCV or a fisheye alone, got {model}")
    if k3 or k4 or k5 or k6:
        return Camera("FULL_OPENCV", *size, np.array([*pinhole, k1, k2, p1, p2, k3, k4, k5, k6]))
    if k1 or k2 or p1 or p2:
        return Camera("OPENCV", *size, np.array([*pinhole, k1, k2, p1, p2]))
    return Camera("PINHOLE", *size, np.array(pinhole))


def settings_from_camera(camera: Camera) -> dict[str, Any]:
    """The keys that ``camera_from_settings`` reads."""
    if camera.model not in (_FISHEYE, _WHOLE_SKY, *_PERSPECTIVE):
        known = ", ".join([*_PERSPECTIVE, _FISHEYE, _WHOLE_SKY])
        raise ValueError(f"transforms: expected cameras of {known}, got {camera.model}")
    settings: dict[str, Any] = {"camera_model": camera.model, "w": camera.width, "h": camera.height}
    if camera.model == _WHOLE_SKY:
        return settings
    values = zip(camera.param_names, camera.params.tolist(), strict=True)
    return settings | {_NAMES.get(name, name): value for name, value in values}


def _focal_length(
    path: str | os.PathLike[str], settings: dict[str, Any], axis: str, size: float, default: float | None
) -> float | None:
    """In pixels; by the angle of view where it is not given itself."""
    if f"fl_{axis}" in settings:
        focal = number(path, settings, f"fl_{axis}", 0)
    elif f"camera_angle_{axis}" in settings:
        angle = number(path, settings, f"camera_angle_{axis}", 0)
        focal = 0.5 * size / math.tan(0.5 * angle) if 0 < angle < math.pi else 0.0
    else:
        return default
    if focal <= 0:
        raise FormatError(path, f"expected a positive fl_{axis} or angle below pi, got a focal length of {focal:g}")
    return focal
