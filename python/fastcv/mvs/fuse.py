# SPDX-License-Identifier: Apache-2.0
"""Fusion: the depth maps of many views become one coloured, oriented point cloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, framework
from ..errors import DeviceError
from .filter_depths import _check_limits, _neighbors, confident_depth, transfers
from .views import DepthMap, View, camera_of


class PointCloud(NamedTuple):
    """Points with colour and orientation.

    Parameters
    ----------
    xyz : (N, 3) float32 array
        World frame, scene units.
    rgb : (N, 3) uint8 array
    normals : (N, 3) float32 array
        Unit vectors towards the side from which the surface was seen.
    """

    xyz: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    normals: NDArray[np.float32]


def fuse(
    views: Sequence[View],
    depth_maps: Sequence[DepthMap | Any],
    *,
    sources: Sequence[Sequence[int]] | None = None,
    min_consistent: int = 1,
    max_reprojection_px: float = 1.0,
    max_relative_depth: float = 0.01,
    num_threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PointCloud:
    """Merge depth maps: pixels of several views that show the same surface become one point, and each is used once.

    View by view, row by row, a pixel that no point has taken yet looks for pixels of other views that agree with it, by
    the rule of ``filter_depths``. Position and colour are means over them; the normal comes from a plane through the
    pixel's neighbourhood in its own depth map.

    Parameters
    ----------
    views : sequence of View
    depth_maps : sequence of DepthMap or (H, W) float32 array
        One per view, best after ``filter_depths``; numpy arrays or what converts to them.
    sources : sequence of sequences of int, optional
        Per view the positions in ``views`` of those that it is merged with, at most 64; None for all others.
    min_consistent : int, optional
        How many other views' pixels a point needs.
    max_reprojection_px, max_relative_depth : float, optional
        The limits of agreement, see ``filter_depths``.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.
    progress : callable, optional
        Called with the number of views done and in total after each view.

    Returns
    -------
    PointCloud
        Ordered by view, then by pixel.

    References
    ----------
    Merrell et al. 2007, "Real-time visibility-based fusion of depth maps"; Schönberger et al. 2016, section 4.4.

    Examples
    --------
    >>> from fastcv import mvs
    >>> K = [[50.0, 0, 8], [0, 50.0, 6], [0, 0, 1]]
    >>> image = np.full((12, 16), 100, np.uint8)
    >>> views = [mvs.View(image, K, np.c_[np.eye(3), [-0.1 * i, 0, 0]]) for i in range(2)]
    >>> wall = np.full((12, 16), 5.0, np.float32)
    >>> cloud = mvs.fuse(views, [wall, wall])  # one column of each view is out of the other's sight
    >>> cloud.xyz.shape, float(cloud.normals[0, 2]), cloud.rgb[0].tolist()
    ((180, 3), -1.0, [100, 100, 100])
    """
    neighbors = _neighbors(views, depth_maps, sources)
    if min_consistent < 0:
        raise ValueError(f"min_consistent: expected 0 or more, got {min_consistent}")
    _check_limits(max_reprojection_px, max_relative_depth)
    call = Call()
    depths = [confident_depth(call, i, view, d, 0.0) for i, (view, d) in enumerate(zip(views, depth_maps, strict=True))]
    if call.device != "cpu":
        raise DeviceError(f"depth_maps: expected arrays on cpu, got {call.device}")
    depths = [np.asarray(depth) for depth in depths]
    colors = [_colors(view.image) for view in views]
    used = [np.zeros(depth.shape, np.uint8) for depth in depths]
    rays = [_world_from_pixel(f"views[{i}]", view) for i, view in enumerate(views)]
    native = call.backend.mvs
    parts = []
    for i, view in enumerate(views):
        K, pose = camera_of(f"views[{i}]", view)
        normals = np.empty((*depths[i].shape, 3), np.float32)
        native.depth_normals(depths[i], K, normals, num_threads)
        capacity = int(np.count_nonzero((depths[i] > 0) & (used[i] == 0)))
        xyz, rgb, oriented = np.empty((capacity, 3), "f4"), np.empty((capacity, 3), "u1"), np.empty((capacity, 3), "f4")
        rows = [i, *neighbors[i]]
        count = native.fuse_view(
            [depths[j] for j in rows],
            [colors[j] for j in rows],
            [used[j] for j in rows],
            np.array([rays[j] for j in rows]),
            transfers(views, i, neighbors[i]),
            min_consistent,
            float(max_reprojection_px),
            float(max_relative_depth),
            normals,
            np.ascontiguousarray(pose[:, :3].T),
            xyz,
            rgb,
            oriented,
        )
        for column in (xyz, rgb, oriented):
            column.resize((count, 3), refcheck=False)  # in place: gives the rest back without a copy
        parts.append((xyz, rgb, oriented))
        if progress is not None:
            progress(i + 1, len(views))
    return PointCloud(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _world_from_pixel(name: str, view: View) -> NDArray[np.float64]:
    """A (3, 3), then c (3,): ``X = depth * A @ (x, y, 1) + c``."""
    K, pose = camera_of(name, view)
    R, t = pose[:, :3], pose[:, 3]
    return np.concatenate([(R.T @ np.linalg.inv(K)).ravel(), -R.T @ t])


def _colors(image: Any) -> NDArray[np.uint8]:
    """(H, W, 3) uint8."""
    pixels = image.cpu().numpy() if framework(image) == "torch" else np.asarray(image)
    if pixels.dtype != np.uint8:
        pixels = np.floor(pixels * 255 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2))
