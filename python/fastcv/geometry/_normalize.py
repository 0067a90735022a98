# SPDX-License-Identifier: Apache-2.0
"""Pixels to normalised coordinates, with the local scale that turns distances between them back into pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from ..scene import Camera
from ._checks import Array


def normalize(pixels: Array, camera: Camera) -> tuple[Array, Array, NDArray[np.bool_]]:
    """``(x, y)`` of the rays ``(x, y, 1)``, for each the pixels per normalised unit around it, and whether it is one.

    The scale is the square root of the area that the camera model gives to a unit of the normalised plane there:
    ``sqrt(fx * fy)`` for a pinhole. Pixels beyond the fold of a distortion have no ray; their rows hold zeros and ones.
    """
    if camera.is_spherical:
        raise ValueError(f"camera: expected a model whose rays all go forward, got {camera.model}")
    rays = camera_room.unproject(pixels, camera)
    usable = np.isfinite(rays).all(axis=1)
    rays[~usable] = 0, 0, 1
    d_point = camera_room.project_jacobian(rays, camera)[1]
    (a, b), (c, d) = d_point[:, :, :2].transpose(1, 2, 0)
    scales = np.sqrt(np.abs(a * d - b * c))
    usable &= scales > 0
    scales[~usable] = 1
    return np.ascontiguousarray(rays[:, :2]), scales, usable
