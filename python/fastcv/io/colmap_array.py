# SPDX-License-Identifier: Apache-2.0
"""COLMAP's dense maps (depth_maps/*.bin, normal_maps/*.bin): ``width&height&channels&``, then planes of float32."""

from __future__ import annotations

import os
import re

import numpy as np
from numpy.typing import NDArray

from ._atomic import atomic_write
from ._bytes import ByteReader

_HEADER = re.compile(rb"(\d{1,10})&(\d{1,10})&(\d{1,10})&")


def read_colmap_array(path: str | os.PathLike[str]) -> NDArray[np.float32]:
    """Read a depth or normal map of COLMAP's dense stereo.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    (H, W) or (H, W, C) float32 array
        Depth along z in scene units, 0 for none, or unit normals in the camera frame. One channel gives (H, W).

    Raises
    ------
    FormatError
        A header that is none, or a size that is not the file's.

    References
    ----------
    https://colmap.github.io/format.html, section "Depth and Normal Maps"

    Examples
    --------
    >>> write_colmap_array("depth.bin", np.full((2, 3), 1.5, np.float32))
    >>> read_colmap_array("depth.bin").shape
    (2, 3)
    """
    reader = ByteReader(path)
    header = _HEADER.match(reader.data[:40])
    if header is None:
        reader.fail("expected a header width&height&channels&, got none")
    width, height, channels = (int(number) for number in header.groups())
    if 0 in (width, height, channels):
        reader.fail(f"expected sizes of 1 or more, got {width} × {height} × {channels}")
    reader.offset = header.end()
    planes = reader.array("<f4", width * height * channels, "values").reshape(channels, height, width)
    reader.finish()
    result = np.ascontiguousarray(planes.transpose(1, 2, 0), np.float32)
    return result[:, :, 0] if channels == 1 else result


def write_colmap_array(path: str | os.PathLike[str], array: NDArray[np.float32]) -> None:
    """Write a depth or normal map as COLMAP does, atomically.

    Parameters
    ----------
    path : path-like
    array : (H, W) or (H, W, C) float32 array

    Raises
    ------
    TypeError
        Another dtype.
    ValueError
        Another number of dimensions, or an empty array.
    """
    if array.dtype != np.float32:
        raise TypeError(f"array: expected dtype float32, got {array.dtype}")
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"array: expected shape (H, W) or (H, W, C), not empty, got {array.shape}")
    height, width, channels = (*array.shape, 1)[:3]
    with atomic_write(path) as file:
        file.write(f"{width}&{height}&{channels}&".encode())
        file.write(array.reshape(array.shape[0], array.shape[1], channels).transpose(2, 0, 1).astype("<f4").tobytes())
