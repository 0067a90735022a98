# SPDX-License-Identifier: Apache-2.0
"""What text files of cameras share: lines of numbers, pinhole matrices that count from pixel centres, rigid poses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ._bytes import parse_numbers

# Data sets count pixels from the centre of the first one, fastcv from its corner: the one place that knows.
CORNER_FROM_CENTER = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
# Text files write rotations in float32 or with six digits; beyond that a matrix is none.
_MAX_ROTATION_ERROR = 1e-3
_MIN_DETERMINANT = 1e-12


def text_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number, from 1, and content of the lines that are neither empty nor comments."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        content = line.split(b"#")[0].strip()
        if content:
            yield number, content


def finite_numbers(path: Path, text: bytes, count: int, line: int) -> NDArray[np.float64]:
    """The numbers of a line, all of them finite."""
    try:
        values = parse_numbers(text, path, count, line)
    except FormatError as error:
        if error.line is not None:
            raise
        raise FormatError(path, str(error).removeprefix(f"{path}: "), line=line) from None
    if not np.isfinite(values).all():
        raise FormatError(path, f"expected finite numbers, got {values.tolist()}", line=line)
    return values


def matrix_from_file(path: Path, rows: int, columns: int) -> NDArray[np.float64]:
    """The matrix that a file holds and nothing else, in numbers and white space; they may be NaN or infinite."""
    return parse_numbers(path.read_bytes(), path, rows * columns).reshape(rows, columns)


def check_projection(path: Path, matrix: NDArray[np.float64], line: int) -> None:
    """Raise FormatError for a projection matrix, (3, 4), that has no centre."""
    lengths = np.linalg.norm(matrix[:, :3], axis=1)
    if not lengths.all() or abs(np.linalg.det(matrix[:, :3] / lengths[:, None])) < _MIN_DETERMINANT:
        rule = "expected a projection matrix whose left 3x3 part is not singular"
        raise FormatError(path, f"{rule}, got {matrix.tolist()}", line=line)


def pinhole(path: Path, K: NDArray[np.float64], line: int | None = None) -> NDArray[np.float64]:
    """fx, fy, cx, cy in fastcv's pixels of a matrix K that counts from pixel centres."""
    if K[1, 0] or K[0, 1] or K[2].tolist() != [0, 0, 1] or not (K[0, 0] > 0 and K[1, 1] > 0 and np.isfinite(K).all()):
        rule = "expected [fx 0 cx; 0 fy cy; 0 0 1] with positive focal lengths"
        raise FormatError(path, f"{rule}, got {K.tolist()}", line=line)
    K = CORNER_FROM_CENTER @ K
    return K[[0, 1, 0, 1], [0, 1, 2, 2]]


def rigid(path: Path, pose: NDArray[np.float64], line: int | None = None) -> NDArray[np.float64]:
    """A pose [R | t], (3, 4), with the rotation that is nearest to what the file says, if that is nearly one."""
    with np.errstate(over="ignore", invalid="ignore"):
        R = pose[:, :3]
        good = np.isfinite(pose).all() and np.abs(R @ R.T - np.eye(3)).max() < _MAX_ROTATION_ERROR
        good = good and np.linalg.det(R) > 0
    if not good:
        raise FormatError(path, f"expected a rotation and a translation, got {pose.tolist()}", line=line)
    left, _, right = np.linalg.svd(R)
    return np.column_stack([left @ right, pose[:, 3]])


def inverse(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a rigid pose, (3, 4)."""
    R = pose[:, :3].T
    return np.column_stack([R, -R @ pose[:, 3]])
