# SPDX-License-Identifier: Apache-2.0
"""From the arguments of a sweep to what the kernels take: checks, packed images, projections."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, dtype_name, handle, is_torch
from ._hypotheses import Hypotheses, Surfaces, hypotheses_of
from .views import MAX_SIDE, PIXEL_CENTERS, Array, View, camera_of, names_of, size_of, source_from_reference

SMALLEST_WINDOWS = {"ncc": 3, "sad": 1, "census": 3, "gradient": 1}
MAX_WINDOW = 31
SAD_UNITS = 4  # of an 8-bit grey level, 2^kSadBits of warp.hd.h


class Options(NamedTuple):
    """How a sweep compares and counts."""

    cost: str = "ncc"
    window: int = 7
    num_best: int | None = None
    weights: ArrayLike | None = None
    truncation: float = 0.25


class Sweep(NamedTuple):
    """The checked arguments of a sweep as the kernels take them."""

    call: Call
    size: tuple[int, int]
    images: list[Any]
    masked: list[bool]
    sources: NDArray[np.float32]
    hypotheses: Hypotheses
    cost: str
    window: int
    num_best: int
    truncation: int

    @property
    def num_surfaces(self) -> int:
        return len(self.hypotheses.planes)

    def native(self) -> tuple[Any, ...]:
        images, cost = [handle(image) for image in self.images], getattr(self.call.backend.mvs.MatchCost, self.cost)
        planes, bounds = self.hypotheses
        limits = (cost, self.window, self.num_best, self.truncation)
        return images, self.masked, self.sources, planes, handle(bounds), *limits


def prepare(reference: View, sources: Sequence[View], depths: Surfaces, options: Options, num_threads: int) -> Sweep:
    """Check the arguments of ``plane_sweep``, pack the images and project the views."""
    names = names_of(len(sources))
    num_best, weights = _check_options(options, len(sources))
    views = [reference, *sources]
    cameras = [camera_of(name, view) for name, view in zip(names, views, strict=True)]
    size = size_of("reference", reference)
    call = Call()
    channels = 3 if options.cost == "sad" and all(view.image.ndim == 3 for view in views) else 1
    images = [_pack(call, name, view, channels, num_threads) for name, view in zip(names, views, strict=True)]
    hypotheses = hypotheses_of(call, depths, cameras[0][0], size)
    projections = _projections(names, views, cameras, hypotheses)
    rows = np.concatenate([projections, weights[:, None]], 1).astype(np.float32)
    units = round(options.truncation * 255 * SAD_UNITS * channels)
    masked = [view.mask is not None for view in views]
    return Sweep(call, size, images, masked, rows, hypotheses, options.cost, options.window, num_best, units)


def _check_options(options: Options, num_sources: int) -> tuple[int, Array]:
    """The number of sources that count, and their weights."""
    cost, window, num_best, weights, truncation = options
    if cost not in SMALLEST_WINDOWS:
        *others, last = SMALLEST_WINDOWS
        raise ValueError(f"cost: expected {', '.join(others)} or {last}, got {cost!r}")
    smallest = SMALLEST_WINDOWS[cost]
    if window % 2 == 0 or not smallest <= window <= MAX_WINDOW:
        raise ValueError(f"window: expected an odd number from {smallest} to {MAX_WINDOW}, got {window}")
    num_best = (num_sources + 1) // 2 if num_best is None else num_best
    if not 1 <= num_best <= num_sources:
        raise ValueError(f"num_best: expected 1 to {num_sources} (the number of sources), got {num_best}")
    if not 0 < truncation <= 1:
        raise ValueError(f"truncation: expected more than 0, at most 1, got {truncation}")
    w = np.ones(num_sources) if weights is None else np.asarray(weights, np.float64)
    if w.shape != (num_sources,):
        raise ValueError(f"weights: expected shape ({num_sources},), got {w.shape}")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise ValueError(f"weights: expected finite numbers above 0, got {w}")
    return num_best, w


def _projections(
    names: list[str], views: list[View], cameras: list[tuple[Array, Array]], hypotheses: Hypotheses
) -> Array:
    """Per source the rotation and translation of ``SweepSource``, (S, 12), checked for baseline and overlap."""
    height, width = size_of(names[0], views[0])
    x, y = np.meshgrid(np.linspace(0, width - 1, 17), np.linspace(0, height - 1, 17))
    pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], -1)
    inverse_depths = hypotheses.inverse_depths(x.ravel(), y.ravel())[..., None]
    inverse_depths[~(inverse_depths > 0)] = np.nan
    if not np.isfinite(inverse_depths).any():
        raise ValueError("depths: expected surfaces in front of the reference, got none")
    smallest_depth = 1 / np.nanmax(inverse_depths)
    (K, pose), rows = cameras[0], []
    center = -pose[:, :3].T @ pose[:, 3]
    for name, view, (source_K, source_pose) in zip(names[1:], views[1:], cameras[1:], strict=True):
        baseline = np.linalg.norm(source_pose[:, :3] @ center + source_pose[:, 3])
        if baseline <= 1e-6 * smallest_depth:
            raise ValueError(f"{name}: expected a baseline to the reference, got {baseline:.3g} scene units")
        A, b = source_from_reference((PIXEL_CENTERS @ K, pose), (PIXEL_CENTERS @ source_K, source_pose))
        rows.append(np.concatenate([A.ravel(), b]))
        p = pixels @ A.T + b * inverse_depths
        uv = p[..., :2] / np.where(p[..., 2:] > 0, p[..., 2:], np.nan)
        source_height, source_width = size_of(name, view)
        sees = ((uv >= 0) & (uv <= (source_width - 1, source_height - 1))).all(-1)
        # A source that sees none of the surfaces around depths that are already known was of use in finding them.
        if hypotheses.bounds is None and not sees.any():
            raise ValueError(
                f"{name}: expected a view that sees some of the reference's depth range, got one that sees none"
            )
    return np.array(rows)


def _pack(call: Call, name: str, view: View, channels: int, num_threads: int) -> Any:
    image, mask = arrays_of(call, name, view)
    height, width = image.shape[:2]
    words = call.empty((height + 1, width + 1, 1 if channels == 1 else 2), "int32")
    call.backend.mvs.pack_image(handle(image), handle(mask), handle(words), call.execution(num_threads))
    return words


def arrays_of(call: Call, name: str, view: View) -> tuple[Any, Any]:
    """A view's image as (H, W, 1 or 3) uint8, uint16 or float32 and its mask as bytes or None, checked."""
    height, width = size_of(name, view)
    image = view.image if view.image.ndim == 3 else view.image[..., None]
    if dtype_name(image) == "float16":
        image = image.float() if is_torch(image) else image.astype("float32")
    image = call.input(f"{name}.image", image, (None, None, image.shape[2]), ("uint8", "uint16", "float32"))
    if dtype_name(image) == "float32":
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"{name}.image: expected values in [0, 1], got {low} to {high}")
    if max(height, width) > MAX_SIDE:
        raise ValueError(f"{name}.image: expected sides up to {MAX_SIDE} pixels, got {height} x {width}")
    mask = view.mask
    if mask is not None:
        mask = call.input(f"{name}.mask", mask, (height, width), ("bool", "uint8"))
        if dtype_name(mask) == "bool":
            mask = mask.view(sys.modules["torch"].uint8 if is_torch(mask) else "uint8")
    return image, mask
