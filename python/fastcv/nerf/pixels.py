# SPDX-License-Identifier: Apache-2.0
"""Random pixels of a set of images, batch after batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, handle, is_torch

_LARGEST = 2**32  # what the largest weight becomes
_MAX_PIXELS = 2**30  # so that weights add up within 64 bits


class PixelBatch(NamedTuple):
    """Random pixels.

    Parameters
    ----------
    images : (R,) int64 array
        Of which image each is.
    pixels : (R, 2) float32 array
        Their centres; rounded down, column and row.
    """

    images: Any
    pixels: Any


class PixelWeights:
    """How often each pixel of a set of images comes, prepared for :func:`sample_pixels`.

    Parameters
    ----------
    weights : (N, H, W) array of bools or numbers
        A mask, or weights of 0 and more, which are kept to 2^-32 of the largest; pixels of weight 0 never come.

    Raises
    ------
    ValueError
        For another shape, more than 2^30 pixels, weights that are negative or not finite, or nothing but zeros.

    Examples
    --------
    >>> from fastcv import nerf
    >>> mask = np.zeros((2, 3, 4), bool)
    >>> mask[1, 2, 3] = True
    >>> nerf.sample_pixels(2, mask.shape, weights=nerf.PixelWeights(mask))
    PixelBatch(images=array([1, 1]), pixels=array([[3.5, 2.5],
           [3.5, 2.5]], dtype=float32))
    """

    def __init__(self, weights: ArrayLike) -> None:
        values = np.asarray(weights)
        if values.ndim != 3:
            raise ValueError(f"weights: expected shape (N, H, W), got {values.shape}")
        if values.size > _MAX_PIXELS:
            raise ValueError(f"weights: expected at most {_MAX_PIXELS} pixels, got {values.size}")
        largest = float(values.max(initial=0))
        if not (0 < largest < np.inf and values.min() >= 0):
            raise ValueError(f"weights: expected finite ones of 0 and more, some positive, got up to {largest}")
        self.shape = values.shape
        steps = np.rint(values.ravel() * (_LARGEST / largest)).astype(np.int64)
        self.cumulative: NDArray[np.int64] = np.cumsum(steps)
        # Buckets of the sum, about as many as pixels: a search then takes a step or two (Chen & Asau 1974).
        total = int(self.cumulative[-1])
        self.shift = max(0, total.bit_length() - int(values.size).bit_length())
        buckets = np.arange(((total - 1) >> self.shift) + 2) << self.shift
        last = values.size - 1
        self.guide: NDArray[np.int64] = np.minimum(np.searchsorted(self.cumulative, buckets, side="right"), last)
        self._placed: dict[str, tuple[Any, Any]] = {}

    def on_device_of(self, call: Call, array: Any) -> tuple[Any, Any]:
        """The tables where a call's arrays are; copied there once."""
        key = str(array.device) if is_torch(array) else call.device
        if key not in self._placed:
            self._placed[key] = call.place(self.cumulative), call.place(self.guide)
        return self._placed[key]


def sample_pixels(
    count: int,
    shape: tuple[int, int, int],
    *,
    seed: int = 0,
    step: int = 0,
    weights: PixelWeights | None = None,
    out: PixelBatch | tuple[Any, Any] | None = None,
    num_threads: int = 0,
) -> PixelBatch:
    """Random pixels of a set of images, with replacement.

    Parameters
    ----------
    count : int
        R, how many.
    shape : (N, H, W)
        Images, rows and columns; an array of images has it as ``images.shape[:3]``.
    seed, step : int, optional
        Pixel i depends on these and i alone; count the steps of a training to have other pixels in each.
    weights : PixelWeights, optional
        How often each pixel comes; all alike where it is None.
    out : (images, pixels), optional
        Where to write the results: arrays of any framework on any device.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    PixelBatch

    Raises
    ------
    TypeError, ValueError
        For a count, shape, seed or step that is negative, weights of another shape, or ``out`` of another shape or
        dtype.

    References
    ----------
    Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".

    Examples
    --------
    >>> from fastcv import nerf
    >>> images = np.zeros((10, 48, 64, 3), np.uint8)
    >>> batch = nerf.sample_pixels(4096, images.shape[:3], seed=1, step=7)
    >>> columns, rows = batch.pixels.astype(np.int64).T
    >>> images[batch.images, rows, columns].shape
    (4096, 3)
    """
    for name, value in (("count", count), ("seed", seed), ("step", step)):
        if not 0 <= value < 2**63:
            raise ValueError(f"{name}: expected 0 to 2^63 - 1, got {value}")
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape: expected (N, H, W), all positive, got {tuple(shape)}")
    if weights is not None and tuple(weights.shape) != tuple(shape):
        raise ValueError(f"weights: expected those of {tuple(shape)}, got {weights.shape}")
    if out is None:
        out = np.empty(count, np.int64), np.empty((count, 2), np.float32)
    call = Call()
    images = call.output("out[0]", out[0], (count,), "int64")
    pixels = call.output("out[1]", out[1], (count, 2), "float32")
    tables = (None, None) if weights is None else weights.on_device_of(call, images)
    arrays = (None if array is None else handle(array) for array in tables)
    call.backend.nerf.sample_pixels(
        np.array(shape, np.int64),
        *arrays,
        0 if weights is None else weights.shift,
        seed,
        step,
        handle(images),
        handle(pixels),
        call.execution(num_threads),
    )
    return PixelBatch(images, pixels)
