# SPDX-License-Identifier: Apache-2.0
"""Plane sweep: how well the sources agree with the reference on every plane, and the depth where they agree best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, dtype_name, handle
from .views import DepthMap, View, camera_of, size_of, source_from_reference

COSTS = ("ncc", "sad")
MAX_SOURCES = 32
MAX_WINDOW = 31
MAX_SIDE = 32766
UNITS_PER_LEVEL = 4  # kUnitsPerLevel of warp.hd.h: the resolution of an 8-bit grey level in the kernels

_PIXEL_CENTERS = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # the kernels count from the first pixel's centre


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
        reference window with a standard deviation below one grey level of 255 has no cost.
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
    sweep = _prepare(reference, sources, depths, cost, window, num_best, truncation, num_threads)
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
    sweep = _prepare(reference, sources, depths, cost, window, num_best, truncation, num_threads)
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
    inverse_depths = _inverse_depths(depths)
    if len(inverse_depths) != call.dims["D"]:
        raise ValueError(f"depths: expected shape ({call.dims['D']},), got {inverse_depths.shape}")
    _check_num_planes(len(inverse_depths))
    maps = [call.empty(("H", "W"), "float32") for _ in DepthMap._fields]
    native = call.backend.mvs.winner_take_all
    native(handle(costs), inverse_depths, *map(handle, maps), call.execution(num_threads))
    return DepthMap(*map(call.result, maps))


class _Sweep(NamedTuple):
    """The checked arguments of a sweep as the kernels take them."""

    call: Call
    size: tuple[int, int]
    images: list[Any]
    projections: NDArray[np.float32]
    inverse_depths: NDArray[np.float32]
    cost: str
    window: int
    num_best: int
    truncation: int

    def native(self) -> tuple[Any, ...]:
        images, cost = [handle(image) for image in self.images], getattr(self.call.backend.mvs.MatchCost, self.cost)
        return images, self.projections, self.inverse_depths, cost, self.window, self.num_best, self.truncation


def _prepare(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    cost: str,
    window: int,
    num_best: int | None,
    truncation: float,
    num_threads: int,
) -> _Sweep:
    if cost not in COSTS:
        raise ValueError(f"cost: expected {' or '.join(COSTS)}, got {cost!r}")
    smallest = 3 if cost == "ncc" else 1
    if window % 2 == 0 or not smallest <= window <= MAX_WINDOW:
        raise ValueError(f"window: expected an odd number from {smallest} to {MAX_WINDOW}, got {window}")
    if not 1 <= len(sources) <= MAX_SOURCES:
        raise ValueError(f"sources: expected 1 to {MAX_SOURCES} views, got {len(sources)}")
    num_best = (len(sources) + 1) // 2 if num_best is None else num_best
    if not 1 <= num_best <= len(sources):
        raise ValueError(f"num_best: expected 1 to {len(sources)} (the number of sources), got {num_best}")
    if not 0 < truncation <= 1:
        raise ValueError(f"truncation: expected more than 0, at most 1, got {truncation}")
    names = ["reference", *(f"sources[{k}]" for k in range(len(sources)))]
    views = [reference, *sources]
    inverse_depths = _inverse_depths(depths)
    projections = _projections(names, views, 1 / inverse_depths.astype(np.float64))
    call = Call()
    channels = 3 if cost == "sad" and all(view.image.ndim == 3 for view in views) else 1
    images = [_pack(call, name, view.image, channels, num_threads) for name, view in zip(names, views, strict=True)]
    units = round(truncation * 255 * UNITS_PER_LEVEL * channels)
    return _Sweep(
        call, size_of("reference", reference), images, projections, inverse_depths, cost, window, num_best, units
    )


def _inverse_depths(depths: ArrayLike) -> NDArray[np.float32]:
    d = np.asarray(depths, np.float64)
    if d.ndim != 1 or d.size == 0:
        raise ValueError(f"depths: expected shape (D,) with D > 0, got {d.shape}")
    if not (np.isfinite(d).all() and (d > 0).all() and (np.diff(d) > 0).all()):
        raise ValueError(f"depths: expected increasing positive values, got {d}")
    return (1 / d).astype(np.float32)


def _check_num_planes(num: int) -> None:
    if num < 4:
        raise ValueError(f"depths: expected at least 4 planes to tell a winner, got {num}")


def _projections(names: list[str], views: list[View], depths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Per source the rotation and translation of ``SweepSource``, (S, 12), checked for baseline and overlap."""
    cameras = [camera_of(name, view) for name, view in zip(names, views, strict=True)]
    sizes = [size_of(name, view) for name, view in zip(names, views, strict=True)]
    centered = [(_PIXEL_CENTERS @ K, pose) for K, pose in cameras]
    x, y = np.meshgrid(np.linspace(0, sizes[0][1] - 1, 17), np.linspace(0, sizes[0][0] - 1, 17))
    pixels = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 1, 3)
    some_depths = depths[np.unique(np.linspace(0, len(depths) - 1, 9).astype(int)), None]
    center = -cameras[0][1][:, :3].T @ cameras[0][1][:, 3]
    rows = []
    for name, camera, centered_camera, (height, width) in zip(names, cameras, centered, sizes, strict=True):
        A, b = source_from_reference(centered[0], centered_camera)
        rows.append(np.concatenate([A.ravel(), b]))
        if name == names[0]:
            continue
        baseline = np.linalg.norm(camera[1][:, :3] @ center + camera[1][:, 3])
        if baseline <= 1e-6 * depths[0]:
            raise ValueError(f"{name}: expected a baseline to the reference, got {baseline:.3g} scene units")
        p = pixels @ A.T + b / some_depths
        uv = p[..., :2] / np.where(p[..., 2:] > 0, p[..., 2:], np.nan)
        if not ((uv >= 0) & (uv <= (width - 1, height - 1))).all(-1).any():
            raise ValueError(
                f"{name}: expected a view that sees some of the reference's depth range, got one that sees none"
            )
    return np.array(rows[1:], np.float32)


def _pack(call: Call, name: str, image: Any, channels: int, num_threads: int) -> Any:
    shape = ("*", "*", 3) if image.ndim == 3 else ("*", "*", 1)
    image = call.input(
        f"{name}.image", image if image.ndim == 3 else image[..., None], (None, None, shape[2]), ("uint8", "float32")
    )
    if dtype_name(image) == "float32":
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"{name}.image: expected values in [0, 1], got {low} to {high}")
    height, width = image.shape[:2]
    if max(height, width) > MAX_SIDE:
        raise ValueError(f"{name}.image: expected sides up to {MAX_SIDE} pixels, got {height} x {width}")
    words = call.empty((channels, height + 1, width + 1), "int32")
    call.backend.mvs.pack_image(handle(image), handle(words), call.execution(num_threads))
    return words
