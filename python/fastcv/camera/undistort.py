# SPDX-License-Identifier: Apache-2.0
"""Undistortion: the image that a pinhole camera at the same place, turned or not, would have taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, handle
from ..scene import Camera
from .project import project
from .unproject import max_valid_angle, unproject

_MAX_HALF_FIELD = math.radians(70)  # a pinhole image spends most of its pixels on the rim of a wider field


def undistorted_pinhole(camera: Camera) -> Camera:
    """The pinhole camera that keeps the field of view of a camera.

    Parameters
    ----------
    camera : Camera
        The camera that took the photograph.

    Returns
    -------
    Camera
        ``PINHOLE``, with the size and the principal point of ``camera``. Both focal lengths are scaled by one factor:
        the largest for which the points of the four image sides that lie straight left, right, above and below of the
        principal point stay in the image. Where such a point is further than 70° from the optical axis, or has no ray,
        70° or the last angle that can be inverted takes its place.

    Raises
    ------
    ValueError
        No principal point that sees the image; or an ``EQUIRECTANGULAR`` camera, of which no pinhole camera keeps the
        field of view.

    Examples
    --------
    >>> import fastcv
    >>> camera = fastcv.Camera("SIMPLE_RADIAL", 640, 480, [500, 320, 240, -0.1])
    >>> [round(float(p), 2) for p in fastcv.camera.undistorted_pinhole(camera).params]
    [477.55, 477.55, 320.0, 240.0]
    """
    if camera.is_spherical:
        raise ValueError(f"camera: expected a model whose field a pinhole camera can keep, got {camera.model}")
    matrix = camera.matrix
    focal, center = matrix[[0, 1], [0, 1]], matrix[:2, 2]
    size = np.array([camera.width, camera.height], np.float64)
    sides = np.array([[0, center[1]], [size[0], center[1]], [center[0], 0], [center[0], size[1]]])
    outward = np.array([center[0], size[0] - center[0], center[1], size[1] - center[1]])
    rays = unproject(sides, camera, num_threads=1)
    limit = math.tan(min(_MAX_HALF_FIELD, max_valid_angle(camera)))
    radius = np.fmin(np.hypot(rays[:, 0], rays[:, 1]), limit)
    inside = outward > 0  # a principal point outside of the image has nothing to keep on that side
    scale = np.min((outward / np.repeat(focal, 2))[inside] / radius[inside], initial=math.inf)
    if not math.isfinite(scale):
        raise ValueError(f"camera: expected a principal point that sees the image, got ({center[0]}, {center[1]})")
    return Camera("PINHOLE", camera.width, camera.height, np.array([*(focal * scale), *center]))


def _ray_from_pixel(
    camera: Camera, pinhole: Camera | None, cam_from_pinhole: ArrayLike | None
) -> tuple[Camera, NDArray[np.float64]]:
    """The camera of the result, and the matrix from its pixels to rays of ``camera``."""
    if pinhole is None:
        if cam_from_pinhole is not None:
            raise ValueError("pinhole: expected a camera where cam_from_pinhole is given, got None")
        pinhole = undistorted_pinhole(camera)
    if pinhole.model not in ("PINHOLE", "SIMPLE_PINHOLE"):
        raise ValueError(f"pinhole: expected a PINHOLE or SIMPLE_PINHOLE camera, got {pinhole.model}")
    K = pinhole.matrix
    inverse = np.array([[1 / K[0, 0], 0, -K[0, 2] / K[0, 0]], [0, 1 / K[1, 1], -K[1, 2] / K[1, 1]], [0, 0, 1]])
    if cam_from_pinhole is None:
        return pinhole, inverse
    R = np.asarray(cam_from_pinhole, np.float64)
    if R.shape != (3, 3):
        raise ValueError(f"cam_from_pinhole: expected shape (3, 3), got {R.shape}")
    if not (np.abs(R @ R.T - np.eye(3)).max() < 1e-5 and np.linalg.det(R) > 0):
        raise ValueError(f"cam_from_pinhole: expected a rotation, got {R.tolist()}")
    return pinhole, R @ inverse


def undistort_map(
    camera: Camera, *, pinhole: Camera | None = None, cam_from_pinhole: ArrayLike | None = None
) -> tuple[NDArray[np.float64], Camera]:
    """Where each pixel of the undistorted image lies in the photograph.

    Parameters
    ----------
    camera : Camera
        The camera that took the photograph.
    pinhole : Camera, optional
        ``PINHOLE`` or ``SIMPLE_PINHOLE`` camera of the undistorted image; ``undistorted_pinhole(camera)`` where absent.
    cam_from_pinhole : (3, 3) array, optional
        How that camera is turned: ``x_cam = R @ x_pinhole``. Not at all where absent.

    Returns
    -------
    positions : (H, W, 2) float64 array
        x and y in pixels of the photograph, (0, 0) its top-left corner, for the centre of every pixel. Functions that
        count from pixel centres (``cv2.remap``) want ``positions - 0.5``.
    pinhole : Camera
        The camera of the undistorted image.
    """
    pinhole, matrix = _ray_from_pixel(camera, pinhole, cam_from_pinhole)
    x, y = np.meshgrid(np.arange(pinhole.width) + 0.5, np.arange(pinhole.height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ matrix.T
    return project(rays, camera).reshape(pinhole.height, pinhole.width, 2), pinhole


def undistort_image(
    image: Any,
    camera: Camera,
    *,
    pinhole: Camera | None = None,
    cam_from_pinhole: ArrayLike | None = None,
    out: Any = None,
    num_threads: int = 0,
) -> tuple[Any, Camera]:
    """Resample a photograph to the image of a pinhole camera at the same place.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8 or float32 array, C from 1 to 4
        The photograph, of the camera's size.
    camera : Camera
        The camera that took it.
    pinhole : Camera, optional
        ``PINHOLE`` or ``SIMPLE_PINHOLE`` camera of the result; ``undistorted_pinhole(camera)`` where absent. With an
        ``EQUIRECTANGULAR`` camera it has to be given.
    cam_from_pinhole : (3, 3) array, optional
        How that camera is turned: ``x_cam = R @ x_pinhole``. Not at all where absent.
    out : array, optional
        Where to write the result.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    image : array
        Same dtype and channels as ``image``, size of ``pinhole``; bilinear, and 0 where the photograph has no pixel.
        Not differentiable.
    pinhole : Camera
        The camera of the result.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> camera = fastcv.Camera("SIMPLE_RADIAL", 64, 48, [50, 32, 24, -0.1])
    >>> image, pinhole = fastcv.camera.undistort_image(np.full((48, 64), 200, np.uint8), camera)
    >>> pinhole.model, image.shape, int(image[24, 32])
    ('PINHOLE', (48, 64), 200)
    """
    call = Call()
    channels = ("C",) if len(getattr(image, "shape", ())) == 3 else ()
    image = call.input("image", image, (camera.height, camera.width, *channels), ("uint8", "float32"))
    if channels and not 1 <= call.dims["C"] <= 4:
        raise ValueError(f"image: expected 1 to 4 channels, got {call.dims['C']}")
    execution = call.execution(num_threads)
    pinhole, matrix = _ray_from_pixel(camera, pinhole, cam_from_pinhole)
    shape = (pinhole.height, pinhole.width, *channels)
    if call.is_torch and out is None:
        from . import _torch

        return _torch.undistort_image(image, camera, pinhole, matrix, num_threads), pinhole
    out = call.output("out", out, shape, str(image.dtype).removeprefix("torch."))
    flat = [a if channels else a[:, :, None] for a in (image, out)]
    call.backend.camera.undistort_image(
        camera.model_id, camera.params, matrix.ravel(), handle(flat[0]), handle(flat[1]), execution
    )
    return call.result(out), pinhole
