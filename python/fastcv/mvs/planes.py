# SPDX-License-Identifier: Apache-2.0
"""Where to put the planes of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .views import View, camera_of, size_of, source_from_reference


class SlantedPlanes(NamedTuple):
    """Parallel planes of any direction, for sweeps along a floor or a wall that the reference sees at an angle.

    A pixel has no cost on a plane that its ray does not meet in front of the camera.

    Parameters
    ----------
    normal : (3,) array
        In the reference's camera frame, of any length.
    offsets : (D,) array
        Increasing and positive: points X of plane i satisfy ``normal . X = offsets[i]``, scene units where the normal
        is a unit vector.

    References
    ----------
    Gallup et al. 2007, "Real-time plane-sweeping stereo with multiple sweeping directions".
    """

    normal: ArrayLike
    offsets: ArrayLike


class DepthRange(NamedTuple):
    """A range of depths for every pixel: surfaces around a depth that is roughly known.

    Parameters
    ----------
    near, far : (H, W) float32 array
        Depths of the first and last surface, in the framework and on the device of the images; ``near <= far``. A pixel
        where one is NaN or not positive has no cost.
    num : int
        Number of surfaces, at least 2, evenly spaced in a pixel's inverse depth.
    """

    near: Any
    far: Any
    num: int


def inverse_depth_planes(near: float, far: float, num: int) -> NDArray[np.float64]:
    """Depths of planes that are evenly spaced in inverse depth, so that a match moves by even steps in the source.

    Parameters
    ----------
    near, far : float
        Depths of the first and last plane, ``0 < near < far``.
    num : int
        Number of planes, at least 2.

    Returns
    -------
    (num,) float64 array
        Increasing depths.

    Examples
    --------
    >>> from fastcv import mvs
    >>> mvs.inverse_depth_planes(1.0, 4.0, 4).round(3)
    array([1.   , 1.333, 2.   , 4.   ])
    """
    _check_range(near, far)
    if num < 2:
        raise ValueError(f"num: expected at least 2, got {num}")
    return 1 / np.linspace(1 / near, 1 / far, num)


def num_inverse_depth_planes(
    reference: View, sources: Sequence[View], near: float, far: float, *, max_step_px: float = 1.0
) -> int:
    """How many inverse-depth planes a sweep needs, so that matches are not stepped over.

    Parameters
    ----------
    reference : View
    sources : sequence of View
    near, far : float
        Depths of the first and last plane.
    max_step_px : float, optional
        How far a typical match moves at most in the source with the longest baseline from one plane to the next.

    Returns
    -------
    int
        For ``inverse_depth_planes``, at least 2.
    """
    _check_range(near, far)
    if not max_step_px > 0:
        raise ValueError(f"max_step_px: expected more than 0, got {max_step_px}")
    height, width = size_of("reference", reference)
    camera = camera_of("reference", reference)
    x, y = np.meshgrid(np.linspace(0, width, 9), np.linspace(0, height, 9))
    rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 1, 3)
    inverse_depths = np.linspace(1 / near, 1 / far, 17)[:, None]
    speeds = [0.0]
    for k, source in enumerate(sources):
        A, b = source_from_reference(camera, camera_of(f"sources[{k}]", source))
        source_height, source_width = size_of(f"sources[{k}]", source)
        p = rays @ A.T + b * inverse_depths
        with np.errstate(divide="ignore", invalid="ignore"):
            uv = p[..., :2] / p[..., 2:]
            velocity = (b[:2] - uv * b[2]) / p[..., 2:]  # d(uv) / d(inverse depth)
        seen = (p[..., 2] > 0) & (uv >= 0).all(-1) & (uv[..., 0] <= source_width) & (uv[..., 1] <= source_height)
        if seen.any():
            # The median: the few points that lie close to a source's own plane move arbitrarily fast.
            speeds.append(float(np.median(np.linalg.norm(velocity, axis=-1)[seen])))
    return max(2, int(np.ceil((1 / near - 1 / far) * max(speeds) / max_step_px)) + 1)


def _check_range(near: float, far: float) -> None:
    if not 0 < near < far < np.inf:
        raise ValueError(f"near, far: expected 0 < near < far, got {near}, {far}")
