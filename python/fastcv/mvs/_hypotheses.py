# SPDX-License-Identifier: Apache-2.0
"""The surfaces of a sweep as the kernels take them: planes of inverse depth, or of the way between a pixel's bounds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, is_torch
from .planes import DepthRange, SlantedPlanes
from .views import Array

Surfaces = ArrayLike | SlantedPlanes | DepthRange


class Hypotheses(NamedTuple):
    """``a x + b y + c`` over pixels that count from the first one's centre; see ``Hypotheses`` in sweep.h."""

    planes: NDArray[np.float32]  # (D, 3)
    bounds: Any  # (2, H, W) float32 in the caller's framework: inverse depths; or None

    def inverse_depths(self, x: Array, y: Array) -> Array:
        """Of some pixels on some of the surfaces, (<= 9, N); NaN or negative where there is none."""
        some = np.unique(np.linspace(0, len(self.planes) - 1, 9).astype(int))
        w = self.planes[some].astype(np.float64) @ np.stack([x, y, np.ones_like(x)])
        if self.bounds is None:
            return w
        at = np.rint(y).astype(int), np.rint(x).astype(int)
        bounds = np.asarray(self.bounds.cpu() if is_torch(self.bounds) else self.bounds)
        near, far = (bound[at].astype(np.float64) for bound in bounds)
        return near + (far - near) * w


def hypotheses_of(call: Call, depths: Surfaces, K: Array, size: tuple[int, int]) -> Hypotheses:
    """Of the reference with this calibration matrix and (height, width), checked."""
    if isinstance(depths, DepthRange):
        return _between(call, depths, size)
    if isinstance(depths, SlantedPlanes):
        return Hypotheses(_slanted(depths, K), None)
    d = increasing("depths", depths)
    return Hypotheses(np.stack([np.zeros_like(d), np.zeros_like(d), 1 / d], 1).astype(np.float32), None)


def hypotheses_of_costs(call: Call, depths: Surfaces, K: ArrayLike | None) -> Hypotheses:
    """Of a volume of costs (D, H, W) that the call knows; the calibration matrix is needed for slanted planes alone."""
    if K is None and isinstance(depths, SlantedPlanes):
        raise ValueError("K: expected the reference's calibration matrix beside slanted planes, got None")
    K = np.eye(3) if K is None else np.asarray(K, np.float64)
    result = hypotheses_of(call, depths, K, (call.dims["H"], call.dims["W"]))
    if len(result.planes) != call.dims["D"]:
        raise ValueError(f"depths: expected {call.dims['D']} surfaces, got {len(result.planes)}")
    return result


def increasing(name: str, values: ArrayLike) -> Array:
    """Positive and increasing float64 values, checked."""
    d = np.asarray(values, np.float64)
    if d.ndim != 1 or d.size == 0:
        raise ValueError(f"{name}: expected shape (D,) with D > 0, got {d.shape}")
    if not (np.isfinite(d).all() and (d > 0).all() and (np.diff(d) > 0).all()):
        raise ValueError(f"{name}: expected increasing positive values, got {d}")
    return d


def _slanted(planes: SlantedPlanes, K: Array) -> NDArray[np.float32]:
    normal = np.asarray(planes.normal, np.float64)
    if normal.shape != (3,) or not np.isfinite(normal).all() or not normal.any():
        raise ValueError(f"depths.normal: expected three finite numbers, not all 0, got {normal}")
    offsets = increasing("depths.offsets", planes.offsets)
    # 1 / depth = n . K^-1 (x, y, 1) / offset; from pixels that count from the corner to those of the kernels.
    row = normal @ np.linalg.inv(K) @ [[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]
    return (row / offsets[:, None]).astype(np.float32)


def _between(call: Call, depths: DepthRange, size: tuple[int, int]) -> Hypotheses:
    if depths.num < 2:
        raise ValueError(f"depths.num: expected at least 2, got {depths.num}")
    near, far = (
        call.input(f"depths.{name}", bound, size, ("float32",))
        for name, bound in (("near", depths.near), ("far", depths.far))
    )
    if bool((near > far).any()):
        raise ValueError("depths: expected near <= far at every pixel, got a pixel with near > far")
    bounds = call.empty((2, *size), "float32")
    with np.errstate(divide="ignore"):
        for i, bound in enumerate((near, far)):
            bounds[i] = 1 / bound
            bounds[i][~(bound > 0)] = float("nan")
    steps = np.linspace(0, 1, depths.num)
    planes = np.stack([np.zeros_like(steps), np.zeros_like(steps), steps], 1).astype(np.float32)
    return Hypotheses(planes, bounds)
