# SPDX-License-Identifier: Apache-2.0
"""Carving by depth maps: the voxels that no camera has looked through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call
from ..scene import Camera
from ._blocks import carve_by, require_blocks, rule_of
from ._cameras import check_views
from ._depth_maps import depth_view_of, pack_depths
from .grid import VoxelGrid
from .occupancy import Occupancy


def carve_depths(
    depths: Any,
    cameras: Sequence[ArrayLike] | Sequence[tuple[Camera, ArrayLike]] | NDArray[np.floating],
    grid: VoxelGrid,
    *,
    margin: float,
    min_views: int = 1,
    max_violations: int = 0,
    outside: Literal["ignore", "carve"] = "ignore",
    num_threads: int = 0,
) -> Occupancy:
    """Keep the voxels that depth maps do not look through.

    A view sees a voxel's centre if the centre lies in front of the camera and falls into a pixel with a depth. It
    contradicts the voxel if the centre lies nearer than that depth by more than ``margin``: the camera has looked
    through it. A voxel at or behind the measured surface is not contradicted, for nobody knows what lies there. A voxel
    stays if at least ``min_views`` views see it and at most ``max_violations`` of them contradict it. The result is
    that of testing every voxel, bit for bit, for every number of threads, instruction set and device.

    Parameters
    ----------
    depths : (V, H, W) float32 array, or sequence of V (H, W) arrays
        Along z in the camera frame, in scene units. 0 or NaN is none: such a pixel says nothing, whatever ``outside``
        is. Infinity is background, as ``np.where(mask, depth, np.inf)`` gives it for a silhouette. On a GPU where they
        are torch or CuPy arrays there.
    cameras : (V, 3, 4) array, or sequence of (3, 4) arrays or of pairs (Camera, cam_from_world)
        As for ``carve``. A matrix's scale does not matter: depth is measured in scene units all the same.
    grid : VoxelGrid
        The voxels.
    margin : float
        How far in front of a depth a centre may lie, in scene units, 0 or more: the error of the depths, and half a
        voxel's diagonal where all voxels that the surface passes through are wanted.
    min_views : int, optional
        How many views must see a voxel, 0 to V.
    max_violations : int, optional
        How many views may contradict it.
    outside : {"ignore", "carve"}, optional
        A view that has a voxel behind it or beside its image says nothing of it, or contradicts it.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    Occupancy
        In numpy arrays, wherever the depths are.

    Raises
    ------
    TypeError
        Depths of another dtype.
    ValueError
        No depth map; another number of cameras; a map of another size than its camera; a negative depth; a margin that
        is not a number of 0 or more; and as for ``carve``.

    References
    ----------
    Curless & Levoy 1996, "A volumetric method for building complex models from range images", section 4, for carving
    what lies between camera and surface.

    Examples
    --------
    A wall 2 units before the camera, with a hole in the measurements:

    >>> from fastcv import voxels
    >>> K = np.array([[40.0, 0, 20], [0, 40.0, 20], [0, 0, 1]])
    >>> depth = np.full((40, 40), 2.0, np.float32)
    >>> depth[18:22, 18:22] = 0
    >>> grid = voxels.VoxelGrid([-0.5, -0.5, 1.5], 0.125, (8, 8, 8))
    >>> dense = voxels.carve_depths([depth], [K @ np.eye(3, 4)], grid, margin=0.01).to_dense()
    >>> dense[:, 2, 2].astype(int), dense[:, 4, 4].any()
    (array([0, 0, 0, 0, 1, 1, 1, 1]), np.False_)
    """
    check_views("depth", depths, cameras)
    if not 0 <= margin < math.inf:
        raise ValueError(f"margin: expected a finite number of 0 or more, got {margin}")
    rule = rule_of(len(depths), min_views, max_violations, outside)
    require_blocks(grid)
    call = Call()
    views = [depth_view_of(call, i, *pair, grid) for i, pair in enumerate(zip(depths, cameras, strict=True))]
    arguments = [*pack_depths(call, views, grid, float(margin), num_threads), *rule]
    native = call.backend.voxels
    execution = call.execution(num_threads)
    return carve_by(call, native.classify_blocks_by_depth, native.carve_blocks_by_depth, arguments, grid, execution)
