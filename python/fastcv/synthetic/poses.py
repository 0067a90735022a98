# SPDX-License-Identifier: Apache-2.0
"""Cameras for synthetic scenes: where they stand, and the rays and pixels of COLMAP's simple models."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..scene import Camera

Array = NDArray[np.float64]

FOCAL_LENGTH = 0.95  # in units of the longer image side: a 34 mm lens on a 36 mm sensor
# Mild barrel distortion, as a photograph from a pocket camera has; invertible far beyond the image corners.
_DISTORTION = {"SIMPLE_RADIAL": (-0.06,), "RADIAL": (-0.08, 0.02), "SIMPLE_PINHOLE": (), "PINHOLE": ()}


def make_camera(model: str, width: int, height: int) -> Camera:
    """A camera with the principal point at the image centre and, where the model has it, mild distortion.

    Reconstruction from photographs alone holds the principal point at the centre; were the true one 3 pixels away,
    every rotation would come out 0.2 degrees wrong.
    """
    if model not in _DISTORTION:
        raise ValueError(f"camera_model: expected one of {', '.join(_DISTORTION)}, got {model!r}")
    focal = FOCAL_LENGTH * max(width, height)
    focals = (focal, focal) if model == "PINHOLE" else (focal,)
    params = (*focals, width / 2, height / 2, *_DISTORTION[model])
    return Camera(model, width, height, np.array(params), has_prior_focal_length=True)


def _radial(camera: Camera, squared_radius: Array) -> Array:
    """Factor 1 + k1 r^2 + k2 r^4 of COLMAP's SIMPLE_RADIAL and RADIAL; 1 for the pinhole models."""
    if camera.model not in _DISTORTION:
        raise ValueError(f"camera.model: expected one of {', '.join(_DISTORTION)}, got {camera.model!r}")
    k1, k2 = (*camera.params[3:], 0.0, 0.0)[:2] if "RADIAL" in camera.model else (0.0, 0.0)
    return 1 + squared_radius * (k1 + k2 * squared_radius)


def project(points_in_cam: Array, camera: Camera) -> Array:
    """Camera-frame points (N, 3) with z > 0 to pixels (N, 2)."""
    flat = points_in_cam[:, :2] / points_in_cam[:, 2:]
    flat = flat * _radial(camera, (flat**2).sum(1))[:, None]
    k = camera.matrix
    return flat * (k[0, 0], k[1, 1]) + k[:2, 2]


def unproject(pixels: Array, camera: Camera) -> Array:
    """Pixels (N, 2) to points (N, 3) at depth z = 1 in the camera frame, contiguous columns.

    Undistortion is a fixed-point iteration, x <- x_distorted / (1 + k1 r^2 + ...), which contracts for distortion
    as mild as ``make_camera`` gives; it stops when no ray moves any more.
    """
    k = camera.matrix
    distorted = ((pixels - k[:2, 2]) / (k[0, 0], k[1, 1])).T
    flat = distorted
    for _ in range(100):
        refined = distorted / _radial(camera, flat[0] ** 2 + flat[1] ** 2)
        moved = np.abs(refined - flat).max(initial=0.0)
        flat = refined
        if moved < 1e-14:
            break
    return np.stack([*flat, np.ones(flat.shape[1])]).T


def look_at(center: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 0.0, 1.0)) -> Array:
    """``cam_from_world`` (3, 4) of a camera at ``center`` that looks at ``target`` with ``up`` upwards in the image."""
    center = np.asarray(center, np.float64)
    forward = np.asarray(target, np.float64) - center
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, np.float64))
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.column_stack([rotation, -rotation @ center])


def arc(num_views: int, *, target: ArrayLike, radius: float, height: float, degrees: float, wobble: float) -> Array:
    """Poses (num_views, 3, 4) on an arc about ``target``, in front of it (towards -y), heads at ``target``.

    ``height`` is above the target; it and the radius vary by the fraction ``wobble`` from view to view, as they do
    for a photographer on foot. 360 degrees make a ring without a doubled view.
    """
    steps = np.arange(num_views)
    last = num_views if degrees >= 360 else max(num_views - 1, 1)
    angles = np.deg2rad(degrees) * (steps / last - 0.5 * (num_views > 1))
    radii = radius * (1 + wobble * np.cos(2.4 * steps))
    rise = height * (1 + 4 * wobble * np.sin(1.9 * steps))
    offsets = np.stack([radii * np.sin(angles), -radii * np.cos(angles), rise], axis=1)
    target = np.asarray(target, np.float64)
    return np.stack([look_at(target + offset, target) for offset in offsets])
