# SPDX-License-Identifier: Apache-2.0
"""Depth maps from coarse to fine: all planes where the images are small, a few around each pixel where they are not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import Call, dtype_name, handle
from ._hypotheses import Surfaces, increasing
from ._sweep import arrays_of
from .clean_disparity import fill_disparity
from .plane_sweep import estimate_depth
from .planes import DepthRange
from .views import Array, DepthMap, View, camera_of, names_of, size_of

MIN_SIDE = 8  # of an image of the coarsest level, in pixels


class _Planes(NamedTuple):
    """Planes at multiples of a step of inverse depth, from ``first`` (farthest) to ``last``."""

    step: float
    first: int
    last: int

    def depths(self) -> Array:
        return 1 / (self.step * np.arange(self.last, self.first - 1, -1))


def estimate_depth_pyramid(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    *,
    num_levels: int = 3,
    num_local: int = 8,
    num_threads: int = 0,
    **options: Any,
) -> DepthMap:
    """Depth of every reference pixel as ``estimate_depth`` finds it, from small images to large ones.

    Each level has half the size of the one below it, planes twice as far apart, and so an eighth of the work. The
    coarsest one sweeps all of its planes. Every finer one looks at few around the depth that is known so far, twice:
    around the nearest and around the farthest of the neighbouring coarse depths, so that at an edge both sides are in
    reach, and keeps the cheaper of the two. Before that, coarse depths pass a median of 5 x 5 pixels, and those that
    are missing are taken from the farther neighbour in their row, else in their column. Structures that only the
    finest level can tell from noise are lost; surfaces with little texture are found by the larger windows that a
    small image means.

    Parameters
    ----------
    reference : View
    sources : sequence of View
        1 to 32 views of any size. Views are halved by the mean of 2 x 2 pixels; a coarse pixel is masked where any of
        its four is.
    depths : (D,) array
        Depths of the finest level's planes in scene units, evenly spaced in inverse depth as ``inverse_depth_planes``
        spaces them. A level's planes lie at multiples of its step, which doubles from one level to the next.
    num_levels : int, optional
        How many sizes of images; 1 for one sweep of all planes.
    num_local : int, optional
        How many planes a pixel of a finer level looks at each time, at least 4.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.
    **options
        Those of ``estimate_depth``: ``cost``, ``window``, ``num_best``, ``weights``, ``truncation`` for every level
        alike, ``smoothing`` for the coarsest, which decides on what surface a pixel lies.

    Returns
    -------
    DepthMap
        As of ``estimate_depth``. Confidence and cost are those of the finest level; rivals of a depth are looked for
        among the planes around it.

    Raises
    ------
    ValueError
        For depths that are not evenly spaced in inverse depth, or too few of them for this many levels; images that
        become smaller than 8 pixels; and as ``estimate_depth``.

    References
    ----------
    Yang, Pollefeys 2003, "Multi-resolution real-time stereo on commodity graphics hardware". Kopf et al. 2007, "Joint
    bilateral upsampling", for the trouble that interpolated depths have at edges.

    Examples
    --------
    >>> from fastcv import mvs
    >>> rng = np.random.default_rng(0)
    >>> wall = rng.integers(0, 256, (40, 80), np.uint8)
    >>> K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    >>> left = mvs.View(wall[:, :60], K, np.eye(3, 4))
    >>> right = mvs.View(wall[:, 12:72], K, np.c_[np.eye(3), [-1.2, 0, 0]])  # 12 pixels at f = 50: 5 units away
    >>> planes = mvs.inverse_depth_planes(2.5, 10.0, 33)
    >>> depth = mvs.estimate_depth_pyramid(left, [right], planes, num_levels=2).depth
    >>> round(float(depth[20, 30]), 1)
    5.0
    """
    if num_local < 4:
        raise ValueError(f"num_local: expected at least 4, got {num_local}")
    levels = _planes_of(depths, num_levels)
    call, names = Call(), names_of(len(sources))
    views = zip(names, [reference, *sources], strict=True)
    pyramid = [[_level_zero(call, name, view) for name, view in views]]
    for _ in levels[1:]:
        named = zip(names, pyramid[-1], strict=True)
        pyramid.append([_halved(call, name, view, num_threads) for name, view in named])
    result: DepthMap | None = None
    for planes, (reference, *sources) in zip(levels[::-1], pyramid[::-1], strict=True):
        if result is None or not bool((result.depth > 0).any()):
            surfaces: Sequence[Surfaces] = [planes.depths()]
        else:
            size = size_of("reference", reference)
            surfaces = _local_ranges(call, result.depth, size, planes, num_local, num_threads)
            options.pop("smoothing", None)
        found = [estimate_depth(reference, sources, s, num_threads=num_threads, **options) for s in surfaces]
        result = found[0] if len(found) == 1 else _cheaper(*found)
    assert result is not None  # there is a level
    return DepthMap(*map(call.result, result))


def _planes_of(depths: ArrayLike, num_levels: int) -> list[_Planes]:
    """The planes of each level, the finest first."""
    w = 1 / increasing("depths", depths)
    if num_levels < 1:
        raise ValueError(f"num_levels: expected 1 or more, got {num_levels}")
    steps = -np.diff(w)
    if len(w) < 2 or np.ptp(steps) > 1e-2 * steps.mean():
        raise ValueError("depths: expected planes evenly spaced in inverse depth, as of inverse_depth_planes")
    levels = []
    for level in range(num_levels):
        step = 2**level * steps.mean()
        # Where w is a multiple of the step already, rounding must not add a plane.
        first, last = max(1, math.floor(w[-1] / step + 1e-3)), math.ceil(w[0] / step - 1e-3)
        levels.append(_Planes(step, first, last))
    if levels[-1].last - levels[-1].first < 3:
        raise ValueError(f"depths: expected {4 * 2**level} planes or more for {num_levels} levels, got {len(w)}")
    return levels


def _level_zero(call: Call, name: str, view: View) -> View:
    """The view with arrays that the kernels take, checked."""
    K, pose = camera_of(name, view)
    image, mask = arrays_of(call, name, view)
    return View(image if image.shape[2] == 3 else image[..., 0], K, pose, mask)


def _halved(call: Call, name: str, view: View, num_threads: int) -> View:
    """The view at half its size; the last row or column of an odd number is left out."""
    height, width = size_of(name, view)
    if min(height, width) < 2 * MIN_SIDE:
        raise ValueError(
            f"num_levels: expected less for {name} of {height} x {width} pixels, so that {MIN_SIDE} are left, got more"
        )
    image = view.image if view.image.ndim == 3 else view.image[..., None]
    half = call.empty((height // 2, width // 2, image.shape[2]), dtype_name(image))
    call.backend.mvs.halve_image(handle(image), handle(half), call.execution(num_threads))
    mask = view.mask
    if mask is not None:
        mask = call.empty((height // 2, width // 2), "uint8")
        call.backend.mvs.halve_mask(handle(view.mask), handle(mask), call.execution(num_threads))
    half = half if view.image.ndim == 3 else half[..., 0]
    return View(half, np.diag([0.5, 0.5, 1]) @ np.asarray(view.K), view.cam_from_world, mask)


def _local_ranges(
    call: Call, coarse: Any, size: tuple[int, int], planes: _Planes, num_local: int, num_threads: int
) -> list[DepthRange]:
    """Around the nearest and around the farthest coarse depth near each pixel, of depths of which some are known."""
    native, execution = call.backend.mvs, call.execution(num_threads)
    filled = _filled(call, coarse, num_threads)
    smooth, extremes = call.empty(filled.shape, "float32"), call.empty((2, *filled.shape), "float32")
    native.median(handle(filled), handle(smooth), execution)
    native.extremes(handle(smooth), handle(extremes), execution)
    ranges = call.empty((2, 2, *size), "float32")
    native.local_ranges(handle(extremes), *planes, num_local, handle(ranges), execution)
    return [DepthRange(near, far, num_local) for near, far in ranges]


def _filled(call: Call, depth: Any, num_threads: int) -> Any:
    """Inverse depths without holes: what is missing in a row is behind, rows without any look at their columns."""
    w = call.empty(depth.shape, "float32")
    with np.errstate(divide="ignore"):
        w[...] = 1 / depth
    w[depth <= 0] = float("nan")
    by_row = fill_disparity(w, num_threads=num_threads)
    columns = call.empty(depth.shape[::-1], "float32")
    columns[...] = by_row.T
    by_column = fill_disparity(columns, num_threads=num_threads)
    by_row[...] = by_column.T
    return by_row


def _cheaper(near: DepthMap, far: DepthMap) -> DepthMap:
    """Of two depths of a pixel the one that costs less, written into the first."""
    better = (far.depth > 0) & ~((near.depth > 0) & (near.cost <= far.cost))
    for a, b in zip(near, far, strict=True):
        a[better] = b[better]
    return near
