# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment problems in BAL's text format (Agarwal et al. 2010), plain or compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ._atomic import atomic_write
from ._bytes import parse_numbers
from ._rotations import angle_axis_from_matrix, matrix_from_angle_axis

_OPENERS: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".bz2": bz2.open, ".gz": gzip.open}
# Levels at which numbers take no longer to pack than to print; xz's default takes 15 times as long for a sixth less.
_LEVELS: dict[str, dict[str, int]] = {".xz": {"preset": 1}, ".bz2": {}, ".gz": {"compresslevel": 6}}
# Digits of measurements compress about fourfold; what expands further than this is no problem file.
_MAX_EXPANSION = 100


@dataclass(frozen=True)
class BalProblem:
    """Cameras, points and observations, in fastcv's frame: x right, y down, z forward.

    BAL's own camera looks along -z with y up. Here ``P = diag(1, -1, -1) P_bal`` and the pixel's y has changed its
    sign, so residual norms are those of the file. The pixel (0, 0) is the principal point.

    Parameters
    ----------
    cam_from_world : (C, 3, 4) float64 array
        ``[R | t]``.
    params : (C, 3) float64 array
        ``f, k1, k2`` of camera model ``BAL``; f in pixels.
    points : (N, 3) float64 array
        World frame.
    camera_indices, point_indices : (K,) int32 array
        Rows of ``cam_from_world`` and of ``points`` for each observation.
    observations : (K, 2) float64 array
        Pixels, x right, y down.

    References
    ----------
    Agarwal, Snavely, Seitz, Szeliski: Bundle Adjustment in the Large, ECCV 2010.
    """

    cam_from_world: NDArray[np.float64]
    params: NDArray[np.float64]
    points: NDArray[np.float64]
    camera_indices: NDArray[np.int32]
    point_indices: NDArray[np.int32]
    observations: NDArray[np.float64]

    def __post_init__(self) -> None:
        cameras, points, observations = len(self.params), len(self.points), len(self.observations)
        shapes = {
            "cam_from_world": (cameras, 3, 4),
            "params": (cameras, 3),
            "points": (points, 3),
            "camera_indices": (observations,),
            "point_indices": (observations,),
            "observations": (observations, 2),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            dtype = np.dtype(np.int32 if name.endswith("indices") else np.float64)
            if array.dtype != dtype:
                raise TypeError(f"{name}: expected dtype {dtype}, got {array.dtype}")
            if array.shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name}: expected finite values, got {np.sum(~np.isfinite(array))} that are not")
        for name, count in (("camera_indices", cameras), ("point_indices", points)):
            indices = getattr(self, name)
            if len(indices) and not 0 <= indices.min() <= indices.max() < count:
                raise ValueError(f"{name}: expected values in [0, {count}), got {indices.min()} to {indices.max()}")


def read_bal(path: str | os.PathLike[str]) -> BalProblem:
    """Read a BAL problem; ``.xz``, ``.bz2`` and ``.gz`` are unpacked.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    BalProblem

    Raises
    ------
    FormatError
        Counts that do not fit the file, indices out of range, values that are not finite, anything before or after
        the numbers; the message names the line or the item.

    Examples
    --------
    >>> text = "1 1 1\\n0 0 2.5 4\\n" + "0\\n" * 6 + "500\\n0\\n0\\n" + "1\\n2\\n-5\\n"
    >>> _ = Path("one.txt").write_text(text)
    >>> read_bal("one.txt").points
    array([[ 1.,  2., -5.]])
    """
    path = Path(path)
    text = _read_text(path)
    header, _, body = text.partition(b"\n")
    counts = parse_numbers(header, path, 3)
    if not ((counts >= 0) & (counts < 2**31) & (counts == np.floor(counts))).all():
        raise FormatError(path, f"expected three whole numbers in [0, 2^31), got {header[:80]!r}", line=1)
    num_cameras, num_points, num_observations = (int(count) for count in counts)
    sizes = np.array([4 * num_observations, 9 * num_cameras, 3 * num_points])
    values = parse_numbers(body, path, int(sizes.sum()), line=2)
    rows, cameras, points = np.split(values, np.cumsum(sizes)[:2])
    rows, cameras, points = rows.reshape(-1, 4), cameras.reshape(-1, 9), points.reshape(-1, 3)
    with np.errstate(over="ignore", invalid="ignore"):  # an angle of 1e300 is caught below
        pose, params = _from_bal(cameras)
    for name, table in (("observation", rows), ("camera", cameras), ("camera", pose), ("point", points)):
        bad = ~np.isfinite(table).all(axis=tuple(range(1, table.ndim)))
        if bad.any():
            item = int(np.argmax(bad))
            raise FormatError(path, f"{name} {item}: expected finite values, got {table[item]}")
    return BalProblem(
        cam_from_world=pose,
        params=params,
        points=points.copy(),
        camera_indices=_indices(rows[:, 0], num_cameras, "camera", path),
        point_indices=_indices(rows[:, 1], num_points, "point", path),
        observations=rows[:, 2:] * (1.0, -1.0),
    )


def write_bal(path: str | os.PathLike[str], problem: BalProblem) -> None:
    """Write a BAL problem, compressed if ``path`` ends with ``.xz``, ``.bz2`` or ``.gz``.

    Numbers are written with 17 significant digits, so that points and observations are read back bit for bit and
    rotations to rounding.

    Parameters
    ----------
    path : path-like
        Replaced atomically.
    problem : BalProblem

    Raises
    ------
    ValueError
        A rotation of ``cam_from_world`` is not one.

    Examples
    --------
    >>> pose = np.eye(3, 4)[None]
    >>> none = np.empty(0, np.int32)
    >>> problem = BalProblem(pose, np.array([[500.0, 0, 0]]), np.empty((0, 3)), none, none, np.empty((0, 2)))
    >>> write_bal("empty.txt.gz", problem)
    >>> np.array_equal(read_bal("empty.txt.gz").params, problem.params)
    True
    """
    path = Path(path)
    cameras = _to_bal(problem)
    pixels = problem.observations * (1.0, -1.0)
    lines = [f"{len(cameras)} {len(problem.points)} {len(pixels)}"]
    pairs = zip(problem.camera_indices.tolist(), problem.point_indices.tolist(), pixels.tolist(), strict=True)
    lines += [f"{camera} {point} {x:.17g} {y:.17g}" for camera, point, (x, y) in pairs]
    lines += [f"{value:.17g}" for value in cameras.ravel().tolist() + problem.points.ravel().tolist()]
    data = ("\n".join(lines) + "\n").encode()
    with atomic_write(path) as file:
        if path.suffix in _OPENERS:
            with _OPENERS[path.suffix](file, "wb", **_LEVELS[path.suffix]) as packed:
                packed.write(data)
        else:
            file.write(data)


def _read_text(path: Path) -> bytes:
    if path.suffix not in _OPENERS:
        return path.read_bytes()
    limit = _MAX_EXPANSION * path.stat().st_size
    with path.open("rb") as packed:
        try:
            with _OPENERS[path.suffix](packed) as file:
                text = file.read(limit + 1)
        except (EOFError, OSError, ValueError, MemoryError, lzma.LZMAError, zlib.error) as error:
            raise FormatError(path, f"expected {path.suffix} data that unpacks, got: {error}") from error
    if len(text) > limit:
        raise FormatError(path, f"expected at most {_MAX_EXPANSION} times the packed size, got more")
    return text


def _indices(column: NDArray[np.float64], count: int, what: str, path: Path) -> NDArray[np.int32]:
    bad = ~((column >= 0) & (column < count) & (column == np.floor(column)))
    if bad.any():
        item = int(np.argmax(bad))
        raise FormatError(path, f"observation {item}: expected a {what} index in [0, {count}), got {column[item]:g}")
    return column.astype(np.int32)


def _from_bal(cameras: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(C, 9) rows of angle-axis, translation, f, k1, k2 to our poses and parameters."""
    pose = np.empty((len(cameras), 3, 4))
    pose[:, :, :3] = matrix_from_angle_axis(cameras[:, :3])
    pose[:, :, 3] = cameras[:, 3:6]
    pose[:, 1:] *= -1  # diag(1, -1, -1) from the left
    return pose, cameras[:, 6:].copy()


def _to_bal(problem: BalProblem) -> NDArray[np.float64]:
    pose = problem.cam_from_world.copy()
    pose[:, 1:] *= -1
    return np.hstack([angle_axis_from_matrix(pose[:, :, :3]), pose[:, :, 3], problem.params])
