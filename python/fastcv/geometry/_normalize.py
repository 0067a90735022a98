# SPDX-License-Identifier: Apache-2.0
"""Pixels to normalised coordinates, with the local scale that turns distances between them back into pixels."""

from __future__ import annotations

import numpy as np

from ..scene import Camera
from ._checks import Array


def normalize(name: str, pixels: Array, camera: Camera) -> tuple[Array, Array]:
    """``(x, y)`` of the rays ``(x, y, 1)`` and, for each, the pixels per normalised unit around it."""
    fx, fy = camera.matrix[0, 0], camera.matrix[1, 1]
    normalized = (pixels - camera.matrix[:2, 2]) / [fx, fy]
    return normalized, np.full(len(pixels), np.sqrt(fx * fy))
