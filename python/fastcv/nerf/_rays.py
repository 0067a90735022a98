# SPDX-License-Identifier: Apache-2.0
"""Samples along rays as arguments: packed (S,) arrays with offsets or dense (R, N) ones, flat for native code."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .._arrays import FLOATS, Call, dtype_name


def cut_short(early_stop: float) -> float:
    if not 0 <= early_stop < 1:
        raise ValueError(f"early_stop: expected 0 to 1 without 1, got {early_stop}")
    return float(early_stop)


class Rays:
    """The samples of one call.

    ``shape`` is theirs as given, ``flat`` are the arrays with one dimension and ``size`` numbers each, ``offsets`` say
    which ray owns which.
    """

    def __init__(self, call: Call, samples: dict[str, Any], offsets: Any) -> None:
        self._call = call
        self._names: tuple[str, ...] = ("R", "N") if offsets is None else ("S",)
        arrays: list[Any] = []
        for name, array in samples.items():
            dtypes = (dtype_name(arrays[0]),) if arrays else FLOATS
            arrays.append(call.input(name, array, self._names, dtypes))
        self.shape, self.dtype = tuple(arrays[0].shape), dtype_name(arrays[0])
        self.flat = [array.reshape(-1) for array in arrays]
        self.size = self.flat[0].shape[0]
        if offsets is None:
            self.offsets = self._even_offsets(*self.shape)
        else:
            self.offsets = call.input("offsets", offsets, ("R + 1",), ("int64",))
            if self.offsets.shape[0] == 0:
                raise ValueError("offsets: expected shape (R + 1,), got (0,)")
            call.dims["R"] = self.offsets.shape[0] - 1

    def colors(self, colors: Any) -> Any:
        """Colours as (samples, channels)."""
        colors = self._call.input("colors", colors, (*self._names, "C"), (self.dtype,))
        return colors.reshape(self.size, colors.shape[-1])

    def background(self, background: Any) -> Any:
        """A background for each ray; None where there is none."""
        if background is None:
            return None
        if not hasattr(background, "shape"):
            background = np.asarray(background, self.dtype)
        shape = ("C",) if len(background.shape) == 1 else ("R", "C")
        background = self._call.input("background", background, shape, (self.dtype,))
        if len(shape) == 2:
            return background
        rays = self._call.dims["R"]
        if self._call.is_torch:
            return background.expand(rays, -1).contiguous()
        return background[None].repeat(rays, 0)

    def shaped(self, flat: Any) -> Any:
        """A value for each sample, as the samples were given."""
        return flat.reshape(self.shape)

    def _even_offsets(self, rays: int, each: int) -> Any:
        if self._call.is_torch:
            return sys.modules["torch"].arange(rays + 1, device=self.flat[0].device) * each
        return self._call.place(np.arange(rays + 1) * each)
