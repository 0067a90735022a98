# SPDX-License-Identifier: Apache-2.0
"""Noise, small regions and holes of disparity maps."""

from __future__ import annotations

from typing import Any

from .._arrays import Call, handle
from .disparity import DisparityMap


def remove_speckles(
    disparity_map: DisparityMap, min_pixels: int = 100, *, max_step: float = 1.0, num_threads: int = 0
) -> DisparityMap:
    """Remove small regions: wrong matches that agree with nothing around them.

    Parameters
    ----------
    disparity_map : DisparityMap
        Of ``estimate_disparity``, or from elsewhere with NaN for no disparity.
    min_pixels : int, optional
        Regions of fewer pixels are removed.
    max_step : float, optional
        Largest difference in pixels between neighbours (left, right, above, below) of one region.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    DisparityMap
        NaN and confidence 0 where something was removed.

    Examples
    --------
    >>> from fastcv import mvs
    >>> disparity = np.full((20, 20), 3, np.float32)
    >>> disparity[5:8, 5:8] = 9
    >>> cleaned = mvs.remove_speckles(mvs.DisparityMap(disparity, np.ones_like(disparity)), 10)
    >>> int(np.isnan(cleaned.disparity).sum())
    9
    """
    if min_pixels < 0:
        raise ValueError(f"min_pixels: expected 0 or more, got {min_pixels}")
    if not max_step >= 0:
        raise ValueError(f"max_step: expected 0 or more, got {max_step}")
    call = Call()
    maps = [
        call.input(name, array, ("H", "W"), ("float32",))
        for name, array in zip(DisparityMap._fields, disparity_map, strict=True)
    ]
    copies = [array.clone() if call.is_torch else array.copy() for array in maps]
    call.backend.mvs.remove_speckles(*map(handle, copies), min_pixels, max_step, call.execution(num_threads))
    return DisparityMap(*map(call.result, copies))


def median_disparity(disparity: Any, *, num_threads: int = 0) -> Any:
    """Replace each disparity by the median of those around it: single wrong ones go, edges stay.

    Parameters
    ----------
    disparity : (H, W) float32 array
        NaN where there is none.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    (H, W) float32 array
        Of the 3 x 3 pixels around each, as far as they have a disparity; the lower one of two in the middle. NaN where
        the pixel itself has none.

    Examples
    --------
    >>> from fastcv import mvs
    >>> mvs.median_disparity(np.array([[5, 5, 9, 6, np.nan, 7]], np.float32))
    array([[ 5.,  5.,  6.,  6., nan,  7.]], dtype=float32)
    """
    call = Call()
    disparity = call.input("disparity", disparity, ("H", "W"), ("float32",))
    out = call.empty(("H", "W"), "float32")
    call.backend.mvs.median_disparity(handle(disparity), handle(out), call.execution(num_threads))
    return call.result(out)


def fill_disparity(disparity: Any, *, num_threads: int = 0) -> Any:
    """Fill the holes of a disparity map from what lies behind.

    A hole is mostly what one of the two images does not show, and that is background: it gets the smaller one of the
    nearest disparities to its left and to its right.

    Parameters
    ----------
    disparity : (H, W) float32 array
        NaN where there is none.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    (H, W) float32 array
        NaN only in rows that have no disparity at all.

    Examples
    --------
    >>> from fastcv import mvs
    >>> mvs.fill_disparity(np.array([[5, np.nan, np.nan, 2, np.nan]], np.float32))
    array([[5., 2., 2., 2., 2.]], dtype=float32)
    """
    call = Call()
    disparity = call.input("disparity", disparity, ("H", "W"), ("float32",))
    out = call.empty(("H", "W"), "float32")
    call.backend.mvs.fill_disparity(handle(disparity), handle(out), call.execution(num_threads))
    return call.result(out)
