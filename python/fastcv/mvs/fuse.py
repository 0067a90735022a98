# SPDX-License-Identifier: Apache-2.0
"""Fusion: the depth maps of many views become one coloured, oriented point cloud."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, framework
from .._backend import backend
from .._cache import Cache
from ..errors import DeviceError
from ._used_pixels import UsedPixels
from .depth_normals import depth_normals
from .filter_depths import check_neighbors, check_rule, check_sources, confident_depth, transfers
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
    depth_maps : sequence of DepthMap, RefinedDepth or (H, W) float32 array
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
    neighbors = check_neighbors(views, depth_maps, sources)
    rule = check_rule(min_consistent, max_reprojection_px, max_relative_depth)
    parts = []
    for part in _fuse_views(lambda i: (views[i], depth_maps[i]), neighbors, rule, None, None, num_threads):
        parts.append(part)
        if progress is not None:
            progress(len(parts), len(views))
    return PointCloud(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def fuse_views(
    load: Callable[[int], tuple[View, DepthMap | Any]],
    sources: Sequence[Sequence[int]],
    *,
    min_consistent: int = 1,
    max_reprojection_px: float = 1.0,
    max_relative_depth: float = 0.01,
    max_bytes: int | None = None,
    scratch: str | os.PathLike[str] | None = None,
    num_threads: int = 0,
) -> Iterator[PointCloud]:
    """``fuse`` for more views than fit into memory: the same points, view by view, of views loaded when needed.

    Parameters
    ----------
    load : callable
        From a position to the view and its depth map, see ``fuse``. Called again after they were dropped.
    sources : sequence of sequences of int
        Per view the positions of those that it is merged with, at most 64. Their number is that of the views.
    min_consistent, max_reprojection_px, max_relative_depth : optional
        See ``fuse``.
    max_bytes : int, optional
        Of loaded depth maps and colours (7 bytes a pixel) to keep; None for no limit. A view and its sources are held
        in any case, with 1 byte a pixel for what is used up. Beside them a step needs 39 bytes for each pixel of its
        view.
    scratch : path-like, optional
        Folder for a temporary file with 1 bit for each pixel of the views that were touched and are still needed; None
        keeps the bits in memory. The file has no name, so a killed process leaves none behind.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Yields
    ------
    PointCloud
        The points of one view after the other, in order.

    Examples
    --------
    >>> from fastcv import io, mvs
    >>> K = [[50.0, 0, 8], [0, 50.0, 6], [0, 0, 1]]
    >>> image, wall = np.full((12, 16), 100, np.uint8), np.full((12, 16), 5.0, np.float32)
    >>> def load(i):  # from files, where there are many
    ...     return mvs.View(image, K, np.c_[np.eye(3), [-0.1 * i, 0, 0]]), wall
    >>> with io.PlyWriter("fused.ply", rgb=True, normals=True) as cloud:
    ...     for part in mvs.fuse_views(load, [[1], [0, 2], [1]], max_bytes=10_000):
    ...         cloud.append(part.xyz, rgb=part.rgb, normals=part.normals)
    >>> len(io.read_ply("fused.ply")["xyz"])
    192
    """
    check_sources(sources)
    rule = check_rule(min_consistent, max_reprojection_px, max_relative_depth)
    return _fuse_views(load, [list(row) for row in sources], rule, max_bytes, scratch, num_threads)


class _Loaded(NamedTuple):
    """A view as the kernel takes it."""

    view: View
    depth: NDArray[np.float32]
    colors: NDArray[np.uint8]
    world_from_pixel: NDArray[np.float64]


def _fuse_views(
    load: Callable[[int], tuple[View, DepthMap | Any]],
    neighbors: list[list[int]],
    rule: tuple[int, float, float],
    max_bytes: int | None,
    scratch: str | os.PathLike[str] | None,
    num_threads: int,
) -> Iterator[PointCloud]:
    def prepare(i: int) -> _Loaded:
        view, depth_map = load(i)
        call = Call()
        depth = confident_depth(call, i, view, depth_map, 0.0)
        if call.device != "cpu":
            raise DeviceError(f"depth_maps[{i}]: expected an array on cpu, got {call.device}")
        depth = np.asarray(depth)
        # The image itself is not kept, only its size.
        return _Loaded(view._replace(image=depth), depth, _colors(view.image), _world_from_pixel(f"views[{i}]", view))

    cache = Cache(prepare, lambda loaded: loaded.depth.nbytes + loaded.colors.nbytes, max_bytes)
    last_use = {j: i for i, row in enumerate(neighbors) for j in (i, *row)}
    with UsedPixels(scratch) as used:
        for i, row in enumerate(neighbors):
            group = [i, *row]
            loaded = [cache[j] for j in group]
            masks = [used.take(j, member.depth.shape) for j, member in zip(group, loaded, strict=True)]
            yield _fuse_step(i, loaded, masks, rule, num_threads)
            for j, mask in zip(group, masks, strict=True):
                if last_use[j] > i:
                    used.put(j, mask)


def _fuse_step(
    i: int, loaded: list[_Loaded], masks: list[NDArray[np.uint8]], rule: tuple[int, float, float], num_threads: int
) -> PointCloud:
    """The points of view i, the first of those loaded; marks their pixels in the masks."""
    reference = loaded[0]
    normals = depth_normals(reference.view, reference.depth, num_threads=num_threads)
    _, pose = camera_of(f"views[{i}]", reference.view)
    capacity = int(np.count_nonzero((reference.depth > 0) & (masks[0] == 0)))
    xyz, rgb, oriented = np.empty((capacity, 3), "f4"), np.empty((capacity, 3), "u1"), np.empty((capacity, 3), "f4")
    count = backend("cpu").mvs.fuse_view(
        [member.depth for member in loaded],
        [member.colors for member in loaded],
        masks,
        np.array([member.world_from_pixel for member in loaded]),
        transfers([member.view for member in loaded], 0, range(1, len(loaded))),
        *rule,
        normals,
        np.ascontiguousarray(pose[:, :3].T),
        xyz,
        rgb,
        oriented,
    )
    for column in (xyz, rgb, oriented):
        column.resize((count, 3), refcheck=False)  # in place: gives the rest back without a copy
    return PointCloud(xyz, rgb, oriented)


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
