# SPDX-License-Identifier: Apache-2.0
"""Pictures of voxels: which one a camera's pixels see, and how far away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ._photographs import NOT_CAST, camera_of, num_tiles, view_geometry
from .occupancy import Occupancy


def render_voxels(
    occupancy: Occupancy, camera: Any, *, size: tuple[int, int] | None = None, num_threads: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the first occupied voxel on the ray through the centre of every pixel.

    Parameters
    ----------
    occupancy : Occupancy
        The voxels.
    camera : pair (Camera, cam_from_world), or (3, 4) array
        A pinhole camera and its pose, or a projection matrix as ``carve`` takes it.
    size : (int, int), optional
        Height and width of the picture, where the camera is a matrix.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    voxels : (H, W) int64 array
        Numbers of the voxels in raster order, the index into a flattened (Z, Y, X) array; -1 where there is none. The
        silhouette is ``voxels >= 0``.
    depths : (H, W) float32 array
        Where the rays enter them, along z of the camera in scene units; 0 where there is none.

    Raises
    ------
    ValueError
        A camera with lens distortion, a singular matrix, a pose that is not rigid, no size or a wrong one, a grid that
        does not fit into memory as an array of bytes.

    References
    ----------
    Amanatides & Woo 1987, "A fast voxel traversal algorithm for ray tracing".

    Examples
    --------
    >>> from fastcv import voxels
    >>> grid = voxels.VoxelGrid([-1, -1, 4], 0.25, (8, 8, 8))
    >>> occupancy = voxels.Occupancy.from_dense(np.ones(grid.shape, bool), grid)
    >>> camera = np.array([[20.0, 0, 8, 0], [0, 20, 8, 0], [0, 0, 1, 0]])
    >>> seen, depths = voxels.render_voxels(occupancy, camera, size=(16, 16))
    >>> np.unravel_index(seen[8, 8], grid.shape), float(depths[8, 8]), int((seen >= 0).sum())
    ((np.int64(0), np.int64(4), np.int64(4)), 4.0, 100)
    """
    if num_threads < 0:
        raise ValueError(f"num_threads: expected 0 (default) or more, got {num_threads}")
    matrix, size = camera_of(camera, size, occupancy.grid)
    seen, depths = np.full(size, NOT_CAST, np.int64), np.zeros(size, np.float32)
    states = occupancy.to_dense().view(np.uint8)
    tiles, changed = np.ones(num_tiles(size), np.uint8), np.empty(num_tiles(size), np.uint8)
    geometry = view_geometry(matrix, occupancy.grid)
    backend("cpu").voxels.cast_rays(geometry, states, seen, depths, tiles, changed, num_threads)
    return seen, depths


def colors_of(
    seen: NDArray[np.int64], voxels: NDArray[np.int32], colors: NDArray[np.uint8], shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """(H, W, 3): the colours of the voxels that pixels see, black where they see none; voxels are in raster order."""
    picture = np.zeros((*seen.shape, 3), np.uint8)
    rows = np.searchsorted(np.ravel_multi_index(tuple(voxels.T), shape), seen[seen >= 0])
    picture[seen >= 0] = colors[rows]
    return picture
