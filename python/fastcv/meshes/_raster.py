# SPDX-License-Identifier: Apache-2.0
"""Pixels of triangles, and colours between the pixels of a picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._backend import backend


class Raster(NamedTuple):
    """Of (H, W) pixels: ``depth``, 0 for none; ``faces``, -1 for none; ``weights`` (H, W, 3) of the corners."""

    depth: NDArray[np.float32]
    faces: NDArray[np.int32]
    weights: NDArray[np.float32]


def rasterize(vertices: NDArray[Any], faces: NDArray[np.int32], shape: tuple[int, int], num_threads: int) -> Raster:
    """What lies nearest at each pixel's centre, of triangles between (N, 3) homogeneous pixels x w, y w, w = depth."""
    raster = Raster(np.empty(shape, np.float32), np.empty(shape, np.int32), np.empty((*shape, 3), np.float32))
    points, corners = np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces)
    backend("cpu").meshes.rasterize(points, corners, *raster, num_threads)
    return raster


def sample_image(image: NDArray[np.uint8], places: NDArray[Any]) -> NDArray[np.float32]:
    """(P, 3), bilinear between the centres of the pixels around (P, 2) places."""
    height, width = image.shape[:2]
    at = np.clip(places - 0.5, 0, [width - 1, height - 1])
    low = at.astype(np.int64)
    fx, fy = (at - low).astype(np.float32).T[..., None]
    x, y = low.T
    right, below = np.minimum(x + 1, width - 1), np.minimum(y + 1, height - 1)
    top = image[y, x] * (1 - fx) + image[y, right] * fx
    return top * (1 - fy) + (image[below, x] * (1 - fx) + image[below, right] * fx) * fy
