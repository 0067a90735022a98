# SPDX-License-Identifier: Apache-2.0
"""The grid of samples that a field's surface is found on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sample_box(box: NDArray[np.float64], resolution: int) -> tuple[float, tuple[int, int, int]]:
    """Side of a voxel, and (Z, Y, X) voxels of a box with so many along its longest side."""
    if resolution < 2:
        raise ValueError(f"resolution: expected 2 or more, got {resolution}")
    size = box[1] - box[0]
    voxel_size = float(size.max()) / resolution
    x, y, z = (max(2, int(np.ceil(length / voxel_size - 1e-6))) for length in size)
    return voxel_size, (z, y, x)
