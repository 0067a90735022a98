# SPDX-License-Identifier: Apache-2.0
"""Cameras of multi-view data sets as text: projection matrices, one a line, and Middlebury's ``*_par.txt``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ._text_cameras import CORNER_FROM_CENTER, check_projection, finite_numbers, pinhole, rigid, text_lines

_MIDDLEBURY_NUMBERS = 9 + 9 + 3  # K, R, t


class PosedPhoto(NamedTuple):
    """A photograph's name, (fx, fy, cx, cy) in pixels, and its pose [R | t], (3, 4)."""

    name: str
    params: NDArray[np.float64]
    cam_from_world: NDArray[np.float64]


def read_projections(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Read projection matrices: twelve numbers a line, row by row, as Oxford's Visual Geometry Group publishes them.

    Such files count pixels from the centre of the first one; the result counts from its corner, so that
    ``P @ (x, y, z, 1)`` gives fastcv's pixels. Scale and sign stay as they are.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    (V, 3, 4) float64 array

    Raises
    ------
    FormatError
        A line that is not twelve finite numbers, a matrix whose left 3×3 part is singular, or no line at all.

    Examples
    --------
    >>> _ = Path("P.txt").write_text("500 0 320 0  0 500 240 0  0 0 1 0")
    >>> read_projections("P.txt")[0, :, 2]
    array([320.5, 240.5,   1. ])
    """
    path = Path(path)
    matrices = []
    for number, line in text_lines(path):
        matrix = finite_numbers(path, line, 12, number).reshape(3, 4)
        check_projection(path, matrix, number)
        matrices.append(CORNER_FROM_CENTER @ matrix)
    if not matrices:
        raise FormatError(path, "expected projection matrices, twelve numbers a line, got none")
    return np.array(matrices)


def read_middlebury(path: str | os.PathLike[str]) -> list[PosedPhoto]:
    """Read a ``*_par.txt`` of Middlebury's multi-view stereo: how many, then ``name K R t``, one photograph a line.

    The files count pixels from the centre of the first one; ``params`` counts from its corner.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of PosedPhoto

    Raises
    ------
    FormatError
        Another number of lines than the first one says, a line that is not a name and 21 finite numbers, a name twice,
        a K that is not of a pinhole camera without skew, or an R that is not a rotation.

    References
    ----------
    Seitz, Curless, Diebel, Scharstein, Szeliski 2006, "A comparison and evaluation of multi-view stereo
    reconstruction algorithms".

    Examples
    --------
    >>> _ = Path("x_par.txt").write_text("1\\nx.png 500 0 320 0 500 240 0 0 1 1 0 0 0 1 0 0 0 1 0 0 2\\n")
    >>> photo, = read_middlebury("x_par.txt")
    >>> photo.name, photo.params, photo.cam_from_world[:, 3]
    ('x.png', array([500. , 500. , 320.5, 240.5]), array([0., 0., 2.]))
    """
    path = Path(path)
    lines = list(text_lines(path))
    if not lines or not lines[0][1].isdigit():
        raise FormatError(path, "expected the number of photographs in the first line, got none")
    if lines[0][1] != str(len(lines) - 1).encode():
        raise FormatError(path, f"expected {lines[0][1][:20].decode()} photographs, got {len(lines) - 1} lines of them")
    photos: dict[str, PosedPhoto] = {}
    for number, line in lines[1:]:
        word, _, rest = line.partition(b" ")
        name = word.decode(errors="replace")
        if name in photos:
            raise FormatError(path, f"expected different names, got {name} again", line=number)
        values = finite_numbers(path, rest, _MIDDLEBURY_NUMBERS, number)
        pose = np.column_stack([values[9:18].reshape(3, 3), values[18:]])
        params = pinhole(path, values[:9].reshape(3, 3), number)
        photos[name] = PosedPhoto(name, params, rigid(path, pose, number))
    return list(photos.values())
