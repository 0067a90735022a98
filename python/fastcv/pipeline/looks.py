# SPDX-License-Identifier: Apache-2.0
"""Pictures of a mesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .. import meshes
from ..mesh import Mesh
from ..scene import Camera

GROUND = (18, 18, 18)  # behind meshes


def look(mesh: Mesh, camera: Camera, cam_from_world: NDArray[np.floating], num_threads: int = 0) -> meshes.RenderedMesh:
    """A mesh in its colours, or as grey clay where it has none."""
    return meshes.render_mesh(mesh, camera, cam_from_world, background=GROUND, num_threads=num_threads)


def look_twice(
    mesh: Mesh, camera: Camera, cam_from_world: NDArray[np.floating], num_threads: int = 0
) -> NDArray[np.uint8]:
    """A mesh in its colours, if it has any, and as grey clay beside that."""
    clay = replace(mesh, colors=None, texture=None)
    looks = [clay] if mesh.colors is None and mesh.texture is None else [mesh, clay]
    return np.hstack([look(one, camera, cam_from_world, num_threads).colors for one in looks])


def as_pinhole(projection: NDArray[np.float64], width: int, height: int) -> tuple[Camera, NDArray[np.float64]]:
    """A PINHOLE camera and an affine ``cam_from_world`` whose product is a projection matrix, which has depth as its
    third coordinate: skew and mirrors go into the pose."""
    K, pose = camera_room.decompose_projection(projection)
    camera = Camera("PINHOLE", width, height, np.abs([K[0, 0], K[1, 1], 0, 0]) + [0, 0, *K[:2, 2]])
    return camera, np.linalg.solve(camera.matrix, K) @ pose
