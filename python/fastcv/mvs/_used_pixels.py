# SPDX-License-Identifier: Apache-2.0
"""The pixels that fusion has used up, kept in little memory."""

from __future__ import annotations

import os
import tempfile
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray


class UsedPixels:
    """Which pixels belong to a point already, a bit for each, by view; in a file where there is a folder for it."""

    def __init__(self, folder: str | os.PathLike[str] | None):
        self._file: BinaryIO | None = None
        if folder is not None:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by __exit__
        self._end, self._places = 0, dict[int, int]()
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def __enter__(self) -> UsedPixels:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def take(self, i: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The mask of a view, (H, W), nonzero where used; not kept any longer until it is put back."""
        size = shape[0] * shape[1]
        if i in self._kept:
            bits = self._kept.pop(i)
        elif self._file is not None and i in self._places:
            bits = np.frombuffer(os.pread(self._file.fileno(), (size + 7) // 8, self._places[i]), np.uint8)
        else:
            return np.zeros(shape, np.uint8)
        return np.unpackbits(bits, count=size).reshape(shape)

    def put(self, i: int, mask: NDArray[np.uint8]) -> None:
        """Keep the mask of a view."""
        bits = np.packbits(mask)
        if self._file is None:
            self._kept[i] = bits
            return
        place = self._places.setdefault(i, self._end)
        self._end = max(self._end, place + len(bits))
        self._file.seek(place)
        self._file.write(bits.tobytes())
        self._file.flush()
