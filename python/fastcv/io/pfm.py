# SPDX-License-Identifier: Apache-2.0
"""PFM: float32 images, grey or colour, rows from bottom to top.

Format: Debevec 2001; https://netpbm.sourceforge.net/doc/pfm.html
"""

from __future__ import annotations

import os
import re

import numpy as np
from numpy.typing import NDArray

from ._atomic import atomic_write
from ._bytes import ByteReader

_CHANNELS = {b"PF": 3, b"Pf": 1}
# Three words, each followed by ONE white space character after which the next line or the pixels begin.
_HEADER = re.compile(rb"(P[Ff])\s+(\d{1,10})\s+(\d{1,10})\s+([+-]?[\d.eE+-]{1,40})(?:\r\n|\s)")


def read_pfm(path: str | os.PathLike[str]) -> NDArray[np.float32]:
    """Read a PFM image of either byte order.

    The size of the header's scale has no agreed meaning and is ignored; its sign is the byte order.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    (H, W) or (H, W, 3) float32 array
        Row 0 is the top. Values as stored; Middlebury's disparities use inf for unknown.

    Raises
    ------
    FormatError
        A header that is none, or a size that is not the file's.

    Examples
    --------
    >>> write_pfm("ramp.pfm", np.arange(6, dtype=np.float32).reshape(2, 3))
    >>> read_pfm("ramp.pfm")
    array([[0., 1., 2.],
           [3., 4., 5.]], dtype=float32)
    """
    reader = ByteReader(path)
    header = _HEADER.match(reader.data[:200])
    if header is None:
        reader.fail("expected a header 'PF' or 'Pf', width, height and scale, got none")
    kind, width, height, scale_text = header.groups()
    try:
        scale = float(scale_text)
    except ValueError:
        scale = 0.0
    if scale == 0 or not np.isfinite(scale):
        reader.fail(f"expected a scale that is a number other than 0, got {scale_text.decode()}", header.start(4))
    shape = (int(height), int(width), _CHANNELS[kind])
    if 0 in shape:
        reader.fail(f"expected sizes of 1 or more, got {shape[1]} × {shape[0]}", header.start(2))
    reader.offset = header.end()
    pixels = reader.array("<f4" if scale < 0 else ">f4", shape[0] * shape[1] * shape[2], "pixels").reshape(shape)
    reader.finish()
    top_down = np.ascontiguousarray(pixels[::-1], np.float32)
    return top_down[:, :, 0] if shape[2] == 1 else top_down


def write_pfm(path: str | os.PathLike[str], image: NDArray[np.float32]) -> None:
    """Write a PFM image, little endian, atomically.

    Parameters
    ----------
    path : path-like
    image : (H, W) or (H, W, 3) float32 array

    Raises
    ------
    TypeError
        Another dtype.
    ValueError
        Another shape, or an empty array.
    """
    if image.dtype != np.float32:
        raise TypeError(f"image: expected dtype float32, got {image.dtype}")
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"image: expected shape (H, W) or (H, W, 3), not empty, got {image.shape}")
    kind = "Pf" if image.ndim == 2 else "PF"
    with atomic_write(path) as file:
        file.write(f"{kind}\n{image.shape[1]} {image.shape[0]}\n-1.0\n".encode())
        file.write(image[::-1].astype("<f4").tobytes())
