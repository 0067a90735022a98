# SPDX-License-Identifier: Apache-2.0
"""Disparity to depth and back: ``disparity + offset = focal_length * baseline / depth``."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from .._arrays import FLOATS, dtype_name, is_torch


def disparity_to_depth(disparity: Any, focal_length: float, baseline: float, *, offset: float = 0.0) -> Any:
    """Depth of every pixel of a rectified pair.

    Parameters
    ----------
    disparity : float32 or float64 array of any shape
        ``x_left - x_right`` in pixels, NaN for none.
    focal_length : float
        Of both rectified cameras, in pixels.
    baseline : float
        Distance of the cameras in scene units.
    offset : float, optional
        ``cx_right - cx_left`` in pixels where the principal points differ (Middlebury's ``doffs``).

    Returns
    -------
    array
        Depth along z of the rectified left camera in scene units, 0 where there is no disparity or the point lies at
        infinity or beyond (``disparity + offset <= 0``). dtype, framework and device of ``disparity``; differentiable
        with torch.

    Raises
    ------
    ValueError
        For a focal length or a baseline that is not positive.
    TypeError
        For another dtype.

    Examples
    --------
    >>> from fastcv import mvs
    >>> mvs.disparity_to_depth(np.array([50.0, 0, np.nan]), 500.0, 0.25)
    array([2.5, 0. , 0. ])
    """
    return _converted("disparity", disparity, focal_length, baseline, before=offset, after=0.0, none=0.0)


def depth_to_disparity(depth: Any, focal_length: float, baseline: float, *, offset: float = 0.0) -> Any:
    """Disparity that points at these depths have in a rectified pair; the inverse of ``disparity_to_depth``.

    Parameters
    ----------
    depth : float32 or float64 array of any shape
        Depth along z of the rectified left camera in scene units; 0, negative or NaN for none.
    focal_length, baseline, offset : float
        As in ``disparity_to_depth``.

    Returns
    -------
    array
        ``x_left - x_right`` in pixels, NaN for none.

    Examples
    --------
    >>> from fastcv import mvs
    >>> mvs.depth_to_disparity(np.array([2.5, 0]), 500.0, 0.25)
    array([50., nan])
    """
    return _converted("depth", depth, focal_length, baseline, before=0.0, after=offset, none=math.nan)


def _converted(
    name: str, values: Any, focal_length: float, baseline: float, *, before: float, after: float, none: float
) -> Any:
    """``focal_length * baseline / (values + before) - after``, ``none`` where the divisor is not positive."""
    for parameter, value in (("focal_length", focal_length), ("baseline", baseline)):
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{parameter}: expected a positive number, got {value}")
    values = values if hasattr(values, "dtype") else np.asarray(values)
    if dtype_name(values) not in FLOATS:
        raise TypeError(f"{name}: expected dtype float32 or float64, got {dtype_name(values)}")
    where = sys.modules["torch"].where if is_torch(values) else np.where
    divisor = values + before
    seen = divisor > 0
    return where(seen, focal_length * baseline / where(seen, divisor, 1) - after, none)
