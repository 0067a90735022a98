# SPDX-License-Identifier: Apache-2.0
"""Hard carving: the voxels that silhouettes leave, the visual hull and its relaxations by votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call
from ..scene import Camera
from ._blocks import carve_by, require_blocks, rule_of
from ._cameras import check_views
from ._silhouettes import pack, view_of
from .grid import VoxelGrid
from .occupancy import Occupancy


def carve(
    masks: Any,
    cameras: Sequence[ArrayLike] | Sequence[tuple[Camera, ArrayLike]] | NDArray[np.floating],
    grid: VoxelGrid,
    *,
    min_views: int = 1,
    max_violations: int = 0,
    outside: Literal["ignore", "carve"] = "ignore",
    num_threads: int = 0,
) -> Occupancy:
    """Keep the voxels whose centres project into the silhouettes.

    A view sees a voxel's centre if the centre lies in front of the camera and in its image; the pixel that it falls
    into decides between foreground and background. A voxel stays if at least ``min_views`` views see it and at most
    ``max_violations`` of the views that see it show background there: with 0 that is the visual hull, otherwise a vote
    that forgives so many wrong silhouettes. Blocks that all views agree on are decided as a whole; the result is that
    of testing every voxel, bit for bit, for every number of threads, instruction set and device.

    Parameters
    ----------
    masks : (V, H, W) bool or uint8 array, or sequence of V (H, W) arrays
        Silhouettes, of any sizes: False or 0 is background. On a GPU where they are torch or CuPy arrays there.
    cameras : (V, 3, 4) array, or sequence of (3, 4) arrays or of pairs (Camera, cam_from_world)
        One per mask. A matrix P projects homogeneous world points to pixels, (0, 0) the top-left corner of the image;
        it may have any scale and sign, and the centre of the grid counts as in front of the camera. A pair has no such
        ambiguity and suits cameras within the grid; the mask of one with lens distortion is first resampled to a
        pinhole camera, each pixel from the one of the mask that its centre lies in.
    grid : VoxelGrid
        The voxels.
    min_views : int, optional
        How many views must see a voxel, 0 to V.
    max_violations : int, optional
        How many views may contradict it.
    outside : {"ignore", "carve"}, optional
        A view that does not see a voxel says nothing of it, or contradicts it.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    Occupancy
        In numpy arrays, wherever the masks are.

    Raises
    ------
    TypeError
        Masks of another dtype.
    ValueError
        No mask; another number of cameras; a mask of another size than its camera; a singular matrix; a pose that is
        not rigid; a number out of its range; a grid whose blocks do not fit into memory.

    References
    ----------
    Laurentini 1994, "The visual hull concept for silhouette-based image understanding". Szeliski 1993, "Rapid octree
    construction from image sequences", for the order from coarse to fine.

    Examples
    --------
    Two views of a square silhouette, along z and along x, leave a cube:

    >>> from fastcv import voxels
    >>> mask = np.zeros((40, 40), bool)
    >>> mask[10:30, 10:30] = True
    >>> K = np.array([[2000.0, 0, 20], [0, 2000.0, 20], [0, 0, 1]])
    >>> along_z = K @ np.c_[np.eye(3), [0, 0, 100]]
    >>> along_x = K @ np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 100]])
    >>> grid = voxels.VoxelGrid([-1, -1, -1], 1 / 16, (32, 32, 32))
    >>> occupancy = voxels.carve([mask, mask], [along_z, along_x], grid)
    >>> dense = occupancy.to_dense()
    >>> occupancy.num_occupied, dense.any((1, 2)).sum(), dense.any((0, 1)).sum()
    (4096, np.int64(16), np.int64(16))
    """
    check_views("mask", masks, cameras)
    rule = rule_of(len(masks), min_views, max_violations, outside)
    require_blocks(grid)
    call = Call()
    views = [view_of(call, i, *pair, grid) for i, pair in enumerate(zip(masks, cameras, strict=True))]
    arguments = [*pack(call, views, grid, num_threads), *rule]
    native = call.backend.voxels
    execution = call.execution(num_threads)
    return carve_by(call, native.classify_blocks, native.carve_blocks, arguments, grid, execution)
