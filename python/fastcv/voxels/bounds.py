# SPDX-License-Identifier: Apache-2.0
"""The box around what silhouettes can leave: where a grid has to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from ..scene import Camera
from ._cameras import check_views, is_pair, is_pinhole, nearest, on_host, rigid_pose, scaled_matrix
from .carve import carve
from .grid import VoxelGrid

Array = NDArray[np.float64]

_CELLS = 32  # along each axis of a box that is being shrunk
_FINE = 128  # voxels along the longest side in the last step, with the silhouettes themselves
_MAX_ROUNDS = 40
_REACH = 2.0  # the search begins this many times as far from the middle as the farthest camera


def hull_bounds(
    masks: Sequence[Any],
    cameras: Sequence[ArrayLike] | Sequence[tuple[Camera, ArrayLike]] | NDArray[np.floating],
    *,
    max_violations: int = 0,
) -> Array:
    """A box around the visual hull, a few hundredths larger than it.

    First the box of the pyramids behind the rectangles around the silhouettes, which shrinks over cells that are kept
    when in doubt; then a coarse carving with silhouettes that are widened by what a voxel can cover. A silhouette that
    touches a side of its image does not bound the hull there.

    Parameters
    ----------
    masks : (V, H, W) bool or uint8 array, or sequence of V (H, W) arrays
        Silhouettes, as for ``carve``.
    cameras : (V, 3, 4) array, or sequence of (3, 4) arrays or of pairs (Camera, cam_from_world)
        One per mask, as for ``carve``. The hull counts as in front of cameras that are matrices.
    max_violations : int, optional
        How many views may contradict a place that stays.

    Returns
    -------
    (2, 3) float64 array
        The lowest and the highest corner.

    Raises
    ------
    ValueError
        No mask; another number of cameras; a mask of another size than its camera, or without foreground; a singular
        matrix; a pose that is not rigid; silhouettes that do not bound a box, or that have nothing in common.

    Examples
    --------
    >>> from fastcv import voxels
    >>> mask = np.zeros((40, 40), bool)
    >>> mask[10:30, 10:30] = True
    >>> K = np.array([[2000.0, 0, 20], [0, 2000.0, 20], [0, 0, 1]])
    >>> along_z = K @ np.c_[np.eye(3), [0, 0, 100]]
    >>> along_x = K @ np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 100]])
    >>> low, high = voxels.hull_bounds([mask, mask], [along_z, along_x])
    >>> bool((low < -0.5).all() and (low > -0.6).all() and (high > 0.5).all() and (high < 0.6).all())
    True
    """
    check_views("mask", masks, cameras)
    views = [_view(i, mask, camera) for i, (mask, camera) in enumerate(zip(masks, cameras, strict=True))]
    middle = _middle(views)
    views = [(mask, P * np.sign(P[2] @ [*middle, 1.0])) for mask, P in views]
    planes = [_sides(mask, P) for mask, P in views]
    centers = np.array([-np.linalg.solve(P[:, :3], P[:, 3]) for _, P in views])
    reach = _REACH * np.linalg.norm(centers - middle, axis=1).max()
    root = np.array([middle - reach, middle + reach])
    box = root
    for _ in range(_MAX_ROUNDS):
        smaller = _shrunk(box, planes, max_violations)
        done = np.prod(np.ptp(smaller, axis=0)) > 0.98 * np.prod(np.ptp(box, axis=0))
        box = smaller
        if done:
            break
    if (np.abs(box - root) < 1e-6 * reach).any():
        raise ValueError("masks: expected silhouettes whose viewing cones bound a box, got cones that leave it open")
    return _carved(box, views, max_violations)


def _view(i: int, mask: Any, camera: Any) -> tuple[NDArray[np.bool_], Array]:
    """A mask and its projection matrix, scaled so that w is depth up to sign."""
    mask = on_host(mask) != 0
    if mask.ndim != 2:
        raise ValueError(f"masks[{i}]: expected shape (H, W), got {mask.shape}")
    if not mask.any():
        raise ValueError(f"masks[{i}]: expected foreground, got none")
    if is_pair(camera):
        intrinsics, pose = camera[0], rigid_pose(f"cameras[{i}]", camera[1])
        if mask.shape != (expected := (intrinsics.height, intrinsics.width)):
            raise ValueError(f"masks[{i}]: expected its camera's size {expected}, got shape {mask.shape}")
        if not is_pinhole(intrinsics):
            positions, intrinsics = camera_room.undistort_map(intrinsics)
            shown, inside = nearest(mask, positions)
            mask = shown | ~inside  # a pixel that the photograph does not have may show the object
        return mask, intrinsics.matrix @ pose
    return mask, scaled_matrix(f"cameras[{i}]", camera)


def _rectangle(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """First column, row and last column, row with foreground."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def _middle(views: Sequence[tuple[NDArray[np.bool_], Array]]) -> Array:
    """The point that is nearest to the rays through the middles of the silhouettes, in the sense of least squares."""
    A, b = np.zeros((3, 3)), np.zeros(3)
    for mask, P in views:
        left, top, right, bottom = _rectangle(mask)
        inverse = np.linalg.inv(P[:, :3])
        ray = inverse @ [(left + right + 1) / 2, (top + bottom + 1) / 2, 1.0]
        ray /= np.linalg.norm(ray)
        across = np.eye(3) - np.outer(ray, ray)
        A += across
        b += across @ (-inverse @ P[:, 3])
    return np.asarray(np.linalg.lstsq(A, b, rcond=1e-9)[0], np.float64)


def _sides(mask: NDArray[np.bool_], P: Array) -> Array:
    """Planes, (K, 4), that are positive in the pyramid behind the rectangle around a silhouette."""
    left, top, right, bottom = _rectangle(mask)
    height, width = mask.shape
    planes = [P[2]]
    planes += [P[0] - left * P[2]] if left > 0 else []
    planes += [(right + 1) * P[2] - P[0]] if right < width - 1 else []
    planes += [P[1] - top * P[2]] if top > 0 else []
    planes += [(bottom + 1) * P[2] - P[1]] if bottom < height - 1 else []
    return np.array(planes)


def _shrunk(box: Array, views: Sequence[Array], max_violations: int) -> Array:
    """The box around those cells of a box that at most ``max_violations`` pyramids miss for certain."""
    size = np.ptp(box, axis=0) / _CELLS
    axes = [box[0, k] + size[k] * (np.arange(_CELLS) + 0.5) for k in range(3)]
    violations = np.zeros((_CELLS, _CELLS, _CELLS), np.int32)
    for planes in views:
        # The largest value of a plane in a cell: that at its centre, and how far the corners can raise it.
        reach = np.abs(planes[:, :3]) @ (size / 2) + planes[:, 3]
        along = [planes[:, k, None] * axes[k] for k in range(3)]
        largest = (
            along[0][:, :, None, None]
            + along[1][:, None, :, None]
            + along[2][:, None, None]
            + reach[:, None, None, None]
        )
        violations += (largest < 0).any(axis=0)
    kept = np.argwhere(violations <= max_violations)
    if len(kept) == 0:
        raise ValueError("masks: expected silhouettes of one object, got viewing cones that have nothing in common")
    return np.array([box[0] + size * kept.min(axis=0), box[0] + size * (kept.max(axis=0) + 1)])


def _carved(box: Array, views: Sequence[tuple[NDArray[np.bool_], Array]], max_violations: int) -> Array:
    """The box around a coarse carving, a voxel larger on every side."""
    size = float(np.ptp(box, axis=0).max()) / _FINE
    shape = np.maximum(np.ceil(np.ptp(box, axis=0) / size).astype(int), 1)[::-1]
    grid = VoxelGrid(box[0], size, tuple(shape.tolist()))
    wide = [_widened(mask, _pixels_of_voxel(P, box, size)) for mask, P in views]
    kept = np.argwhere(carve(wide, [P for _, P in views], grid, max_violations=max_violations).to_dense())[:, ::-1]
    if len(kept) == 0:
        raise ValueError("masks: expected silhouettes of one object, got viewing cones that have nothing in common")
    low, high = kept.min(axis=0) - 1, kept.max(axis=0) + 2
    return np.array([np.maximum(box[0] + size * low, box[0]), np.minimum(box[0] + size * high, box[1])])


def _pixels_of_voxel(P: Array, box: Array, size: float) -> int:
    """How far the projection of a point of a voxel can lie from that of its centre, in a box before the camera."""
    corners = np.array(np.meshgrid(*box.T)).reshape(3, -1)
    x, y, w = P[:, :3] @ corners + P[:, 3:]
    nearest = max(float(w.min()), 1e-3 * float(np.abs(w).max()))
    u, v = x / w, y / w
    # The derivative of x / w is (P0 - u P2) / w.
    slopes = [np.linalg.norm(P[i, :3, None] - t * P[2, :3, None], axis=0).max() for i, t in ((0, u), (1, v))]
    return int(np.ceil(max(slopes) / nearest * size * np.sqrt(3) / 2))


def _widened(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Pixels with foreground at most ``radius`` rows and columns away, by sums over windows."""
    for axis in (0, 1):
        radius_here = min(radius, mask.shape[axis] - 1)
        edge = [(radius_here + 1, radius_here) if k == axis else (0, 0) for k in (0, 1)]
        sums = np.cumsum(np.pad(mask, edge), axis=axis, dtype=np.int32)
        width = 2 * radius_here + 1
        mask = np.take(sums, range(width, sums.shape[axis]), axis) > np.take(
            sums, range(sums.shape[axis] - width), axis
        )
    return mask
