# SPDX-License-Identifier: Apache-2.0
"""Plane sweep: how well the sources agree with the reference on every surface, and the depth where they agree best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from .._arrays import Call, handle
from ._hypotheses import Surfaces, hypotheses_of_costs
from ._sweep import Options, prepare
from .planes import DepthRange
from .smoothing import SemiGlobal, native_smoothing
from .views import DepthMap, View


def plane_sweep(
    reference: View,
    sources: Sequence[View],
    depths: Surfaces,
    *,
    cost: str = "ncc",
    window: int = 7,
    num_best: int | None = None,
    weights: ArrayLike | None = None,
    truncation: float = 0.25,
    out: Any = None,
    num_seen: Any = None,
    num_threads: int = 0,
) -> Any:
    """Matching cost of every reference pixel on every surface of a sweep.

    The surfaces are planes parallel to the reference's image, slanted planes, or around a depth that every pixel has of
    its own. Their points are projected into every source that sees them, the source is sampled there (bilinear,
    positions rounded to 1/128 pixel, intensities to 8 bits), and a window around the pixel is compared. A pixel's cost
    is the mean over its ``num_best`` cheapest sources, for in some of them the point is hidden. Samples outside a
    source are never replaced: a source whose window is not in view does not count.

    Parameters
    ----------
    reference : View
        The view whose pixels are matched. Windows are clipped at its border and its mask.
    sources : sequence of View
        1 to 32 views of any size.
    depths : (D,) array, SlantedPlanes or DepthRange
        An array: increasing positive depths of planes along the reference's z axis, in scene units.
    cost : {"ncc", "sad", "census", "gradient"}, optional
        ``"ncc"``: 1 - normalised cross-correlation of the grey windows, in [0, 2], blind to gain and offset. A
        reference window with a standard deviation below one grey level of 255 has no cost; a source window below it
        counts as having one.
        ``"sad"``: mean absolute difference of the windows in [0, 1], in colour where every view has colour.
        ``"census"``: share of the window's other pixels that are darker than its centre in one of the grey images and
        not in the other, in [0, 1], blind to any change of brightness that keeps the order.
        ``"gradient"``: mean over the window of what the grey images' central differences along x and y differ by, in
        [0, 1]: half of ``|dx - dx'| + |dy - dy'|`` with differences of 255 levels a pixel as 1. Blind to offsets.
    window : int, optional
        Odd side of the window in pixels, at most 31; NCC and census need 3 or more.
    num_best : int, optional
        How many of the cheapest sources count; None for half of them, rounded up.
    weights : (S,) array, optional
        How much each source counts in the mean; all the same by default.
    truncation : float, optional
        SAD and gradient: largest cost that one pixel can contribute, in [0, 1].
    out : (D, H, W) float32 array, optional
        Where to write the result.
    num_seen : (D, H, W) uint8 array, optional
        Where to write how many sources see each pixel's window.
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
    in dense multi-view stereo" (best of the sources). Zabih, Woodfill 1994, "Non-parametric local transforms for
    computing visual correspondence" (census).

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
    sweep = prepare(reference, sources, depths, Options(cost, window, num_best, weights, truncation), num_threads)
    call, shape = sweep.call, (sweep.num_surfaces, *sweep.size)
    out = call.output("out", out, shape, "float32")
    if num_seen is not None:
        num_seen = call.output("num_seen", num_seen, shape, "uint8")
    call.backend.mvs.plane_sweep(*sweep.native(), handle(out), handle(num_seen), call.execution(num_threads))
    return call.result(out)


def estimate_depth(
    reference: View,
    sources: Sequence[View],
    depths: Surfaces,
    *,
    cost: str = "ncc",
    window: int = 7,
    num_best: int | None = None,
    weights: ArrayLike | None = None,
    truncation: float = 0.25,
    smoothing: SemiGlobal | None = None,
    num_threads: int = 0,
) -> DepthMap:
    """Depth of every reference pixel: ``plane_sweep`` and ``winner_take_all`` at once, without storing the costs.

    Other parameters and errors are those of ``plane_sweep``; at least 4 surfaces are needed. Beside the result it needs
    memory for a few tiles per thread, whatever the number of surfaces.

    Parameters
    ----------
    smoothing : SemiGlobal, optional
        Take the winners of costs that ``smooth_costs`` has smoothed; pixels without costs of their own then get a depth
        where some source sees that point. Needs an array of depths or ``SlantedPlanes``, and memory as it says.

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
    sweep = prepare(reference, sources, depths, Options(cost, window, num_best, weights, truncation), num_threads)
    _check_num_surfaces(sweep.num_surfaces)
    call = sweep.call
    maps = [call.empty(sweep.size, "float32") for _ in DepthMap._fields]
    results, execution = [*map(handle, maps)], call.execution(num_threads)
    if smoothing is None:
        call.backend.mvs.estimate_depth(*sweep.native(), *results, execution)
    else:
        if isinstance(depths, DepthRange):
            raise ValueError("depths: expected planes beside smoothing, got DepthRange, whose surfaces end at a pixel")
        max_cost = {"ncc": 1.0, "census": 0.5}.get(cost, truncation)
        arguments = native_smoothing(smoothing, sweep.num_surfaces, *sweep.size, max_cost)
        call.backend.mvs.estimate_smooth_depth(*sweep.native(), *arguments, *results, execution)
    return DepthMap(*map(call.result, maps))


def winner_take_all(costs: Any, depths: Surfaces, *, K: ArrayLike | None = None, num_threads: int = 0) -> DepthMap:
    """Depth of every pixel from stored costs.

    The winner is the lowest local minimum over the surfaces, the first of equal ones. A parabola through it and its two
    neighbours, over inverse depth, gives the depth between surfaces. The confidence is ``1 - best / rival``, where the
    rival is the second lowest local minimum, or without a second one the highest cost: 0 for a pixel whose costs are
    all equal, which gets no depth.

    Parameters
    ----------
    costs : (D, H, W) float32 array
        Non-negative costs, lower is better; NaN where there is none. D is at least 4.
    depths : (D,) array, SlantedPlanes or DepthRange
        Where the surfaces lie, as for ``plane_sweep``.
    K : (3, 3) array, optional
        The reference's calibration matrix, needed for slanted planes.
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
    planes, bounds = hypotheses_of_costs(call, depths, K)
    _check_num_surfaces(len(planes))
    maps = [call.empty(("H", "W"), "float32") for _ in DepthMap._fields]
    native = call.backend.mvs.winner_take_all
    native(handle(costs), planes, handle(bounds), *map(handle, maps), call.execution(num_threads))
    return DepthMap(*map(call.result, maps))


def _check_num_surfaces(num: int) -> None:
    if num < 4:
        raise ValueError(f"depths: expected at least 4 surfaces to tell a winner, got {num}")
