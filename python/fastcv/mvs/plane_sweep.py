# SPDX-License-Identifier: Apache-2.0
"""Plane sweep: how well the sources agree with the reference on every plane, and the depth where they agree best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from .._arrays import Call, handle
from ._sweep import inverse_depths_of, prepare
from .views import DepthMap, View


def plane_sweep(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    *,
    cost: str = "ncc",
    window: int = 7,
    num_best: int | None = None,
    truncation: float = 0.25,
    out: Any = None,
    num_threads: int = 0,
) -> Any:
    """Matching cost of every reference pixel on every plane.

    A plane is parallel to the reference's image. Its points are projected into every source that sees them, the source
    is sampled there (bilinear, positions rounded to 1/128 pixel, intensities to 8 bits), and a window around the pixel
    is compared. A pixel's cost is the mean over its ``num_best`` cheapest sources, for in some of them the point is
    hidden. Samples outside a source are never replaced: a source whose window is not in view does not count.

    Parameters
    ----------
    reference : View
        The view whose pixels are matched. Windows are clipped at its border.
    sources : sequence of View
        1 to 32 views of any size.
    depths : (D,) array
        Increasing positive depths of the planes along the reference's z axis, in scene units.
    cost : {"ncc", "sad"}, optional
        ``"ncc"``: 1 - normalised cross-correlation of the grey windows, in [0, 2], blind to gain and offset. A
        reference window with a standard deviation below one grey level of 255 has no cost; a source window below it
        counts as having one.
        ``"sad"``: mean absolute difference of the windows in [0, 1], in colour where every view has colour.
    window : int, optional
        Odd side of the window in pixels, at most 31; NCC needs 3 or more.
    num_best : int, optional
        How many of the cheapest sources count; None for half of them, rounded up.
    truncation : float, optional
        SAD: largest difference that one pixel can contribute, in [0, 1].
    out : (D, H, W) float32 array, optional
        Where to write the result.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    (D, H, W) float32 array
        Costs, lower is better; NaN where no source sees the pixel's window. Same framework and device as the images.

    Raises
    ------
    ValueError
        For depths that are empty, not positive or not increasing; a window that is even; no sources; a source without
        baseline or one that sees nothing of the depth range; a K or R that is none; an image with NaN.

    References
    ----------
    Collins 1996, "A space-sweep approach to true multi-image matching". Kang, Szeliski, Chai 2001, "Handling occlusions
    in dense multi-view stereo" (best of the sources).

    Examples
    --------
    >>> from fastcv import mvs
    >>> rng = np.random.default_rng(0)
    >>> wall = rng.integers(0, 256, (40, 80), np.uint8)
    >>> K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    >>> left = mvs.View(wall[:, :60], K, np.eye(3, 4))
    >>> right = mvs.View(wall[:, 10:70], K, np.c_[np.eye(3), [-1.0, 0, 0]])  # 10 pixels at f = 50: 5 units away
    >>> costs = mvs.plane_sweep(left, [right], [4.0, 5.0, 6.0])
    >>> costs.shape, int(costs[:, 20, 30].argmin())
    ((3, 40, 60), 1)
    """
    sweep = prepare(reference, sources, depths, cost, window, num_best, truncation, num_threads)
    call = sweep.call
    out = call.output("out", out, (len(sweep.inverse_depths), *sweep.size), "float32")
    call.backend.mvs.plane_sweep(*sweep.native(), handle(out), call.execution(num_threads))
    return call.result(out)


def estimate_depth(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    *,
    cost: str = "ncc",
    window: int = 7,
    num_best: int | None = None,
    truncation: float = 0.25,
    num_threads: int = 0,
) -> DepthMap:
    """Depth of every reference pixel: ``plane_sweep`` and ``winner_take_all`` at once, without storing the costs.

    Parameters and errors are those of ``plane_sweep``; at least 4 planes are needed. Beside the result it needs memory
    for a few tiles per thread, whatever the number of planes.

    Returns
    -------
    DepthMap
        See ``winner_take_all``. Same framework and device as the images.

    Examples
    --------
    >>> from fastcv import mvs
    >>> rng = np.random.default_rng(0)
    >>> wall = rng.integers(0, 256, (40, 80), np.uint8)
    >>> K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    >>> left = mvs.View(wall[:, :60], K, np.eye(3, 4))
    >>> right = mvs.View(wall[:, 10:70], K, np.c_[np.eye(3), [-1.0, 0, 0]])
    >>> depth = mvs.estimate_depth(left, [right], mvs.inverse_depth_planes(2.5, 10.0, 13)).depth
    >>> round(float(depth[20, 30]), 1)
    5.0
    """
    sweep = prepare(reference, sources, depths, cost, window, num_best, truncation, num_threads)
    _check_num_planes(len(sweep.inverse_depths))
    call = sweep.call
    maps = [call.empty(sweep.size, "float32") for _ in DepthMap._fields]
    call.backend.mvs.estimate_depth(*sweep.native(), *map(handle, maps), call.execution(num_threads))
    return DepthMap(*map(call.result, maps))


def winner_take_all(costs: Any, depths: ArrayLike, *, num_threads: int = 0) -> DepthMap:
    """Depth of every pixel from stored costs.

    The winner is the lowest local minimum over the planes, the first of equal ones. A parabola through it and its two
    neighbours, over inverse depth, gives the depth between planes. The confidence is ``1 - best / rival``, where the
    rival is the second lowest local minimum, or without a second one the highest cost: 0 for a pixel whose costs are
    all equal, which gets no depth.

    Parameters
    ----------
    costs : (D, H, W) float32 array
        Non-negative costs, lower is better; NaN where there is none. D is at least 4.
    depths : (D,) array
        Increasing positive depths of the planes.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    DepthMap
        In the framework and on the device of the costs.

    References
    ----------
    Hu, Mordohai 2012, "A quantitative evaluation of confidence measures for stereo vision" (peak ratio).

    Examples
    --------
    >>> from fastcv import mvs
    >>> costs = np.array([0.9, 0.2, 0.2, 0.8, 0.6, 0.9], np.float32).reshape(6, 1, 1)
    >>> result = mvs.winner_take_all(costs, mvs.inverse_depth_planes(1.0, 2.0, 6))
    >>> round(result.depth.item(), 3), round(result.confidence.item(), 3)
    (1.176, 0.667)
    """
    call = Call()
    costs = call.input("costs", costs, ("D", "H", "W"), ("float32",))
    inverse_depths = inverse_depths_of(depths)
    if len(inverse_depths) != call.dims["D"]:
        raise ValueError(f"depths: expected shape ({call.dims['D']},), got {inverse_depths.shape}")
    _check_num_planes(len(inverse_depths))
    maps = [call.empty(("H", "W"), "float32") for _ in DepthMap._fields]
    native = call.backend.mvs.winner_take_all
    native(handle(costs), inverse_depths, *map(handle, maps), call.execution(num_threads))
    return DepthMap(*map(call.result, maps))


def _check_num_planes(num: int) -> None:
    if num < 4:
        raise ValueError(f"depths: expected at least 4 planes to tell a winner, got {num}")
