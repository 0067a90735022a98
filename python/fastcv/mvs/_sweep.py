# SPDX-License-Identifier: Apache-2.0
"""From the arguments of a sweep to what the kernels take: checks, packed images, projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, dtype_name, handle
from .views import View, camera_of, size_of, source_from_reference

COSTS = ("ncc", "sad")
MAX_SOURCES = 32
MAX_WINDOW = 31
MAX_SIDE = 32766
SAD_UNITS = 4  # of an 8-bit grey level, 2^kSadBits of warp.hd.h

_PIXEL_CENTERS = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # the kernels count from the first pixel's centre


class Sweep(NamedTuple):
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


def prepare(
    reference: View,
    sources: Sequence[View],
    depths: ArrayLike,
    cost: str,
    window: int,
    num_best: int | None,
    truncation: float,
    num_threads: int,
) -> Sweep:
    """Check the arguments of ``plane_sweep``, pack the images and project the views."""
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
    inverse_depths = inverse_depths_of(depths)
    projections = _projections(names, views, 1 / inverse_depths.astype(np.float64))
    call = Call()
    channels = 3 if cost == "sad" and all(view.image.ndim == 3 for view in views) else 1
    images = [_pack(call, name, view.image, channels, num_threads) for name, view in zip(names, views, strict=True)]
    units = round(truncation * 255 * SAD_UNITS * channels)
    return Sweep(
        call, size_of("reference", reference), images, projections, inverse_depths, cost, window, num_best, units
    )


def inverse_depths_of(depths: ArrayLike) -> NDArray[np.float32]:
    """1 / depths, which are checked to be positive and increasing."""
    d = np.asarray(depths, np.float64)
    if d.ndim != 1 or d.size == 0:
        raise ValueError(f"depths: expected shape (D,) with D > 0, got {d.shape}")
    if not (np.isfinite(d).all() and (d > 0).all() and (np.diff(d) > 0).all()):
        raise ValueError(f"depths: expected increasing positive values, got {d}")
    return (1 / d).astype(np.float32)


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
