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
    ratio = max_size / max(height, width)
    if ratio >= 1:
        return image
    size = max(round(width * ratio), 1), max(round(height * ratio), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
