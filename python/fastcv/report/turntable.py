# SPDX-License-Identifier: Apache-2.0
"""Where to see a mesh from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..mesh import Mesh
from ..scene import Camera

_DISTANCE = 2.0  # from the middle of the mesh, in its diagonals
_MARGIN = 0.94  # of the picture that the mesh takes at most
_MAX_VERTICES = 100_000  # that decide what the pictures have to hold
_ELEVATION = np.radians(20)  # from which the mesh is seen


def turntable_views(
    mesh: Mesh, up: NDArray[np.floating], count: int, width: int, height: int
) -> list[tuple[Camera, NDArray]]:
    """Cameras and poses around a mesh with vertices, all with the same zoom; the first depends on ``up`` alone."""
    vertices = mesh.vertices[:: len(mesh.vertices) // _MAX_VERTICES + 1].astype(np.float64)
    # What lies far from the bulk, by Tukey's fences, is not what people want to see: specks, and what stands behind.
    first, third = np.percentile(vertices, (25, 75), axis=0)
    fence = 1.5 * (third - first) + 1e-9
    near = vertices[((vertices >= first - fence) & (vertices <= third + fence)).all(axis=1)]
    low, high = near.min(axis=0), near.max(axis=0)
    middle, distance = (low + high) / 2, _DISTANCE * float(np.linalg.norm(high - low)) or 1.0
    up = up / np.linalg.norm(up)
    front = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    front /= np.linalg.norm(front)
    side = np.cross(up, front)
    poses, reach = [], 1e-9
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        level = np.cos(angle) * front + np.sin(angle) * side
        backward = np.cos(_ELEVATION) * level + np.sin(_ELEVATION) * up
        right = np.cross(up, backward) / np.cos(_ELEVATION)
        R = np.stack([right, np.cross(right, backward), -backward])
        poses.append(np.column_stack([R, -R @ (middle + distance * backward)]))
        x, y, z = R @ near.T + poses[-1][:, 3:]
        reach = max(reach, float((np.maximum(np.abs(x) / width, np.abs(y) / height) / z).max()))
    focal = _MARGIN / 2 / reach
    camera = Camera("PINHOLE", width, height, np.array([focal, focal, width / 2, height / 2]))
    return [(camera, pose) for pose in poses]
