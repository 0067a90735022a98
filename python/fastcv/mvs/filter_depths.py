# SPDX-License-Identifier: Apache-2.0
"""Consistency filter: keep the depths that other views confirm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._arrays import Call, handle
from .views import Array, DepthMap, RefinedDepth, View, camera_of, size_of, source_from_reference

MAX_NEIGHBORS = 64


def filter_depths(
    views: Sequence[View],
    depth_maps: Sequence[DepthMap | Any],
    *,
    sources: Sequence[Sequence[int]] | None = None,
    min_consistent: int = 2,
    max_reprojection_px: float = 1.0,
    max_relative_depth: float = 0.01,
    min_confidence: float = 0.0,
    num_threads: int = 0,
) -> list[Any]:
    """Set depths to 0 that fewer than ``min_consistent`` other views confirm.

    A pixel's point is projected into another view; that view's depth there is carried back. The other view confirms
    the depth if the point comes back within ``max_reprojection_px`` and ``max_relative_depth``.

    Parameters
    ----------
    views : sequence of View
        Their images are not read, only the sizes.
    depth_maps : sequence of DepthMap, RefinedDepth or (H, W) float32 array
        One per view; depth 0 means none.
    sources : sequence of sequences of int, optional
        Per view the positions in ``views`` of those that may confirm it, at most 64; None for all others.
    min_consistent : int, optional
        How many other views must confirm a depth.
    max_reprojection_px : float, optional
        Largest distance between a pixel and where its point comes back, in pixels.
    max_relative_depth : float, optional
        Largest difference between the two depths, relative to the pixel's own.
    min_confidence : float, optional
        Depths with less confidence are removed before; needs ``DepthMap`` entries where it is positive.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    list of (H, W) float32 array
        The depths, 0 where they were removed. Same framework and device as the input.

    References
    ----------
    Schönberger et al. 2016, "Pixelwise view selection for unstructured multi-view stereo", section 4.3.

    Examples
    --------
    >>> from fastcv import mvs
    >>> K = [[50.0, 0, 8], [0, 50.0, 6], [0, 0, 1]]
    >>> image = np.zeros((12, 16), np.uint8)
    >>> views = [mvs.View(image, K, np.c_[np.eye(3), [-0.1 * i, 0, 0]]) for i in range(3)]
    >>> wall = np.full((12, 16), 5.0, np.float32)
    >>> wrong = wall.copy()
    >>> wrong[6, 8] = 4.0
    >>> kept = mvs.filter_depths(views, [wrong, wall, wall])
    >>> float(kept[0][6, 8]), float(kept[0][6, 9])
    (0.0, 5.0)
    """
    neighbors = check_neighbors(views, depth_maps, sources)
    rule = check_rule(min_consistent, max_reprojection_px, max_relative_depth)
    call = Call()
    depths = _confident_depths(call, views, depth_maps, min_confidence)
    return [_confirmed(call, views, depths, i, others, rule, num_threads) for i, others in enumerate(neighbors)]


def filter_depth(
    views: Sequence[View],
    depth_maps: Sequence[DepthMap | Any],
    *,
    min_consistent: int = 2,
    max_reprojection_px: float = 1.0,
    max_relative_depth: float = 0.01,
    min_confidence: float = 0.0,
    num_threads: int = 0,
) -> Any:
    """The depths of the FIRST view that the others confirm: ``filter_depths`` for one view at a time.

    Parameters are those of ``filter_depths``; only the first view and those that may confirm it, at most 64, have to be
    at hand.

    Returns
    -------
    (H, W) float32 array
        The first view's depths, 0 where they were removed. Same framework and device as the input.

    Examples
    --------
    >>> from fastcv import mvs
    >>> K = [[50.0, 0, 8], [0, 50.0, 6], [0, 0, 1]]
    >>> wall = np.full((12, 16), 5.0, np.float32)
    >>> views = [mvs.View(wall, K, np.c_[np.eye(3), [-0.1 * i, 0, 0]]) for i in range(3)]  # of the images' size
    >>> int(np.count_nonzero(mvs.filter_depth(views, [wall, wall, wall])))  # two columns are out of the third's sight
    168
    """
    check_neighbors(views, depth_maps, [list(range(1, len(views))), *([] for _ in views[1:])])
    rule = check_rule(min_consistent, max_reprojection_px, max_relative_depth)
    call = Call()
    depths = _confident_depths(call, views, depth_maps, min_confidence)
    return _confirmed(call, views, depths, 0, range(1, len(views)), rule, num_threads)


def _confirmed(
    call: Call,
    views: Sequence[View],
    depths: Sequence[Any],
    i: int,
    others: Sequence[int],
    rule: tuple[int, float, float],
    num_threads: int,
) -> Any:
    out = call.empty(size_of(f"views[{i}]", views[i]), "float32")
    call.backend.mvs.filter_depths(
        handle(depths[i]),
        [handle(depths[j]) for j in others],
        transfers(views, i, others),
        *rule,
        handle(out),
        call.execution(num_threads),
    )
    return call.result(out)


def _confident_depths(
    call: Call, views: Sequence[View], depth_maps: Sequence[DepthMap | Any], min_confidence: float
) -> list[Any]:
    entries = enumerate(zip(views, depth_maps, strict=True))
    return [confident_depth(call, i, view, depth_map, min_confidence) for i, (view, depth_map) in entries]


def confident_depth(call: Call, i: int, view: View, depth_map: DepthMap | Any, min_confidence: float) -> Any:
    """The depth array of an entry, checked against its view, 0 where the confidence is too low."""
    name = f"depth_maps[{i}]"
    depth = depth_map.depth if isinstance(depth_map, (DepthMap, RefinedDepth)) else depth_map
    depth = call.input(name, depth, size_of(f"views[{i}]", view), ("float32",))
    if min_confidence <= 0:
        return depth
    if not isinstance(depth_map, (DepthMap, RefinedDepth)):
        raise TypeError(f"{name}: expected a DepthMap where min_confidence is positive, got {type(depth_map).__name__}")
    return depth * (depth_map.confidence >= min_confidence)


def transfers(views: Sequence[View], i: int, others: Sequence[int]) -> Array:
    """Rows of ``Neighbor.from_reference`` and ``to_reference`` (cpp/mvs/consistency.h), (S, 24)."""
    cameras = {j: camera_of(f"views[{j}]", views[j]) for j in {i, *others}}
    rows = [
        [*source_from_reference(cameras[i], cameras[j]), *source_from_reference(cameras[j], cameras[i])] for j in others
    ]
    return np.array([np.concatenate([part.ravel() for part in row]) for row in rows]).reshape(-1, 24)


def check_neighbors(
    views: Sequence[View], depth_maps: Sequence[Any], sources: Sequence[Sequence[int]] | None
) -> list[list[int]]:
    """Per view its neighbours, checked."""
    n = len(views)
    if n == 0 or len(depth_maps) != n:
        raise ValueError(f"depth_maps: expected one per view and at least one, got {len(depth_maps)} for {n} views")
    if sources is None:
        sources = [[j for j in range(n) if j != i] for i in range(n)]
    if len(sources) != n:
        raise ValueError(f"sources: expected one list per view ({n}), got {len(sources)}")
    check_sources(sources)
    return [list(row) for row in sources]


def check_sources(sources: Sequence[Sequence[int]]) -> None:
    """Raise ValueError unless there is a list of other views for every view."""
    n = len(sources)
    for i, row in enumerate(sources):
        if len(row) > MAX_NEIGHBORS or len(set(row)) != len(row) or not all(0 <= j < n and j != i for j in row):
            rule = f"at most {MAX_NEIGHBORS} different positions of other views"
            raise ValueError(f"sources[{i}]: expected {rule}, got {list(row)}")


def check_rule(min_consistent: int, max_reprojection_px: float, max_relative_depth: float) -> tuple[int, float, float]:
    """The rule of consistency as the kernels take it."""
    if min_consistent < 0:
        raise ValueError(f"min_consistent: expected 0 or more, got {min_consistent}")
    for name, value in (("max_reprojection_px", max_reprojection_px), ("max_relative_depth", max_relative_depth)):
        if not value > 0:
            raise ValueError(f"{name}: expected more than 0, got {value}")
    return min_consistent, float(max_reprojection_px), float(max_relative_depth)
