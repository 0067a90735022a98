# SPDX-License-Identifier: Apache-2.0
"""From a photograph with any camera model to a view."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import camera as camera_room
from .._arrays import Call, dtype_name, is_torch
from ..scene import Camera
from .views import View

_WHOLE = 255  # a mask's value where all of a bilinear sample may be used


def undistorted_view(
    image: Any,
    camera: Camera,
    cam_from_world: ArrayLike,
    *,
    mask: Any = None,
    pinhole: Camera | None = None,
    num_threads: int = 0,
) -> View:
    """Resample a photograph once to what a pinhole camera at the same place would have taken.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 or float32 array
        The photograph, of the camera's size; float32 in [0, 1].
    camera : Camera
        The camera that took it, of any model of ``fastcv.camera``.
    cam_from_world : (3, 4) array
        ``[R | t]``.
    mask : (H, W) bool or uint8 array, optional
        False or 0 where the photograph is not to be used.
    pinhole : Camera, optional
        The camera of the view; by default one that keeps the field of view, see ``camera.undistorted_pinhole``.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    View
        Its mask is False where the photograph has no pixel, or one that its own mask takes out.

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import mvs
    >>> camera = fastcv.Camera("SIMPLE_RADIAL", 64, 48, [50, 32, 24, -0.1])
    >>> view = mvs.undistorted_view(np.full((48, 64), 200, np.uint8), camera, np.eye(3, 4))
    >>> view.image[24, 32], view.K[0, 0] < 50, bool(view.mask[24, 32])
    (np.uint8(200), np.True_, True)
    """
    usable = _full(image, camera) if mask is None else _as_bytes(mask)
    pixels, pinhole = camera_room.undistort_image(image, camera, pinhole=pinhole, num_threads=num_threads)
    usable, _ = camera_room.undistort_image(usable, camera, pinhole=pinhole, num_threads=num_threads)
    return View(pixels, pinhole.matrix, cam_from_world, usable == _WHOLE)


def _full(image: Any, camera: Camera) -> Any:
    """A mask that takes nothing out, in the framework and on the device of the image."""
    call = Call()
    call.input("image", image, tuple(image.shape), ("uint8", "float32"))
    usable = call.empty((camera.height, camera.width), "uint8")
    usable[...] = _WHOLE
    return usable


def _as_bytes(mask: Any) -> Any:
    if dtype_name(mask) not in ("bool", "uint8"):
        raise TypeError(f"mask: expected dtype bool or uint8, got {dtype_name(mask)}")
    return (mask != 0) * np.uint8(_WHOLE) if not is_torch(mask) else (mask != 0).byte() * _WHOLE
