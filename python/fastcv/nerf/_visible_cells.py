# SPDX-License-Identifier: Apache-2.0
"""Which cells of a grid any of some cameras sees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from .._arrays import check
from ..scene import Camera

_MOST_POINTS = 2**20  # at a time


def _in_image(camera: Camera, pose: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the camera sees points (N, 3)."""
    seen = np.zeros(len(points), bool)
    for first in range(0, len(points), _MOST_POINTS):
        part = slice(first, first + _MOST_POINTS)
        pixels = camera_room.project(points[part] @ pose[:, :3].T + pose[:, 3], camera)
        seen[part] = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(1)  # NaN where it sees nothing
    return seen


def visible_cells(
    cameras: Sequence[tuple[Camera, ArrayLike]], resolution: int, box: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(Z, Y, X) whether a camera sees a corner of a cell, or is nearer to it than the cell's diagonal."""
    size = (box[1] - box[0]) / resolution
    z, y, x = np.indices([resolution + 1] * 3, np.int16)
    corners = np.stack([x, y, z], -1).reshape(-1, 3)
    seen = np.zeros(len(corners), bool)
    near = np.zeros([resolution] * 3, bool)
    centers = [box[0, axis] + size[axis] * (np.arange(resolution) + 0.5) for axis in range(3)]
    for i, (camera, cam_from_world) in enumerate(cameras):
        pose = np.asarray(cam_from_world, np.float64)
        check(f"cameras[{i}]", pose, (3, 4))
        unseen = np.flatnonzero(~seen)
        seen[unseen] = _in_image(camera, pose, box[0] + corners[unseen] * size)
        eye = -pose[:, :3].T @ pose[:, 3]
        squares = [(centers[axis] - eye[axis]) ** 2 for axis in range(3)]
        near |= squares[2][:, None, None] + squares[1][:, None] + squares[0] < size @ size
    grid = seen.reshape([resolution + 1] * 3)
    for shift in product((0, 1), repeat=3):
        near |= grid[tuple(slice(s, s + resolution) for s in shift)]
    return near
