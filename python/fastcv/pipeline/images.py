# SPDX-License-Identifier: Apache-2.0
"""Photographs at the size that a stage works on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resized(image: NDArray[np.uint8], max_size: int) -> NDArray[np.uint8]:
    """The image with its longer side at most ``max_size``, averaged over pixel areas; never enlarged.

    With (0, 0) at the top-left corner, pixel coordinates scale by the ratio of the sizes and nothing else.
    """
    import cv2

    height, width = image.shape[:2]
    size = resized_size(width, height, max_size)
    return image if size == (width, height) else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def resized_size(width: int, height: int, max_size: int) -> tuple[int, int]:
    """Width and height of the result of ``resized``."""
    ratio = max_size / max(height, width)
    return (width, height) if ratio >= 1 else (max(round(width * ratio), 1), max(round(height * ratio), 1))
