# SPDX-License-Identifier: Apache-2.0
"""Disparity of a rectified pair by semi-global matching."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._arrays import Call, dtype_name, handle
from .views import MAX_SIDE

MAX_PENALTY = 51  # five of them fit a byte: kMaxPenalty in cpp/mvs/disparity.h
MAX_DISPARITIES = 16384  # two rows of them fit the shared memory of a GPU's block
_CENSUS_RADIUS = 6
_ANY_DIFFERENCE = 2**30


class DisparityMap(NamedTuple):
    """Disparity of every pixel of the left image of a rectified pair.

    Parameters
    ----------
    disparity : (H, W) float32 array
        ``x_left - x_right`` in pixels; NaN where there is none. (0 is the disparity of a point at infinity.)
    confidence : (H, W) float32 array
        In [0, 1]; 0 where there is no disparity.
    """

    disparity: Any
    confidence: Any


def estimate_disparity(
    left: Any,
    right: Any,
    num_disparities: int,
    *,
    min_disparity: int = 0,
    p1: int = 16,
    p2: int = 51,
    max_difference: int | None = 1,
    min_confidence: float = 0.0,
    min_pixels: int = 100,
    num_threads: int = 0,
) -> DisparityMap:
    """Disparity of a rectified pair: where in the same row of the right image each left pixel is found again.

    Each pixel is described by a census transform: 48 bits that say which pixels around it are brighter, the 5 x 5 next
    to it and every third one out to 6 pixels. The cost of a disparity is the number of bits that differ. Semi-global
    matching adds to it what the disparities along five straight paths that lead to the pixel (from the left, the right,
    above and both upper diagonals) would have to change, and the lowest sum wins; a parabola through it and its
    neighbours places it between pixels. Paths from below would need the costs of the whole image in memory; with these
    five it is ``2 * num_disparities`` bytes for each column and thread, and ``3 * num_disparities`` for each column. A
    left pixel near the border has fewer candidates, never replaced ones.

    Parameters
    ----------
    left, right : (H, W) or (H, W, 3) uint8, uint16 or float32 array
        A rectified pair: points of the scene have the same y in both. Float intensities in [0, 1]. Colour becomes luma.
    num_disparities : int
        How many disparities to try, 4 to W.
    min_disparity : int, optional
        The first of them, in pixels. ``x_left - x_right`` is positive for points in front of parallel cameras.
    p1, p2 : int, optional
        Penalties, in census bits, of a step of one disparity and of a larger one along a path;
        ``0 < p1 <= p2 <= 51``. Larger ones make smoother maps.
    max_difference : int, optional
        Largest difference in pixels between a pixel's disparity and the one that its partner in the right image would
        choose; what differs by more is hidden in one image, or wrong. None keeps them all.
    min_confidence : float, optional
        Pixels below it get no disparity; those with confidence 0 never get one.
    min_pixels : int, optional
        Connected regions of fewer pixels are removed, see ``remove_speckles``; 0 keeps them.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    DisparityMap
        After ``median_disparity``. The confidence is ``1 - best / rival``, the rival being the lowest sum more than one
        pixel away. It is 0, and there is no disparity, where all sums are equal (no texture) or no rival is in view.
        Same framework and device as the images. Not differentiable.

    Raises
    ------
    ValueError
        For images of different sizes or with NaN, disparities that are out of range, penalties that are.
    TypeError
        For another dtype.

    References
    ----------
    Hirschmüller 2008, "Stereo processing by semiglobal matching and mutual information". Zabih & Woodfill 1994,
    "Non-parametric local transforms for computing visual correspondence".

    Examples
    --------
    >>> from fastcv import mvs
    >>> wall = np.random.default_rng(0).integers(0, 256, (40, 100), np.uint8)
    >>> left, right = wall[:, :80], wall[:, 7:87]  # the right camera sees everything 7 pixels further left
    >>> result = mvs.estimate_disparity(left, right, 16)
    >>> float(np.nanmedian(result.disparity).round(1))
    7.0
    """
    call = Call()
    images = [_luma(call, name, image, num_threads) for name, image in (("left", left), ("right", right))]
    height, width = call.dims["H"], call.dims["W"]
    _check_range(num_disparities, min_disparity, width)
    if not 0 < p1 <= p2 <= MAX_PENALTY:
        raise ValueError(f"p1, p2: expected 0 < p1 <= p2 <= {MAX_PENALTY}, got {p1} and {p2}")
    if max_difference is not None and max_difference < 0:
        raise ValueError(f"max_difference: expected 0 or more, or None, got {max_difference}")
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence: expected 0 to 1, got {min_confidence}")
    if min_pixels < 0:
        raise ValueError(f"min_pixels: expected 0 or more, got {min_pixels}")
    maps = [call.empty((height, width), "float32") for _ in DisparityMap._fields]
    agreement = _ANY_DIFFERENCE if max_difference is None else min(max_difference, _ANY_DIFFERENCE)
    native, execution = call.backend.mvs, call.execution(num_threads)
    native.estimate_disparity(
        *map(handle, images),
        num_disparities,
        min_disparity,
        p1,
        p2,
        agreement,
        min_confidence,
        *map(handle, maps),
        execution,
    )
    matched = maps[0]
    maps[0] = call.empty((height, width), "float32")
    native.median_disparity(handle(matched), handle(maps[0]), execution)
    if min_pixels > 1:
        native.remove_speckles(*map(handle, maps), min_pixels, 1.0, execution)
    return DisparityMap(*map(call.result, maps))


def _luma(call: Call, name: str, image: Any, num_threads: int) -> Any:
    """The image as 16-bit luma whose outermost columns are repeated, checked."""
    shape = tuple(getattr(image, "shape", ()))
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3) or 0 in shape:
        raise ValueError(f"{name}: expected shape (H, W) or (H, W, 3), got {shape}")
    if max(shape[:2]) > MAX_SIDE:
        raise ValueError(f"{name}: expected sides up to {MAX_SIDE} pixels, got {shape[0]} x {shape[1]}")
    image = image if len(shape) == 3 else image[..., None]
    image = call.input(name, image, ("H", "W", None), ("uint8", "uint16", "float32"))
    if dtype_name(image) == "float32":
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"{name}: expected values in [0, 1], got {low} to {high}")
    luma = call.empty((shape[0], shape[1] + 2 * _CENSUS_RADIUS), "uint16")
    call.backend.mvs.census_luma(handle(image), handle(luma), call.execution(num_threads))
    return luma


def _check_range(num_disparities: int, min_disparity: int, width: int) -> None:
    most = min(width, MAX_DISPARITIES)
    if not 4 <= num_disparities <= most:
        limit = "the width of the images" if most == width else "the most there can be"
        raise ValueError(f"num_disparities: expected 4 to {most} ({limit}), got {num_disparities}")
    if not -width < min_disparity < width:
        raise ValueError(f"min_disparity: expected {1 - width} to {width - 1}, got {min_disparity}")
