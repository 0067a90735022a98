# SPDX-License-Identifier: Apache-2.0
"""COLMAP's database: cameras, images, features and matches in one SQLite file, read only."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import FormatError
from ..scene import CAMERA_MODELS, Camera
from ._colmap_model import MODEL_NAMES
from ._rotations import matrix_from_quaternion

# COLMAP numbers a pair of images id1 < id2 as id1 * (2^31 - 1) + id2 (src/colmap/util/types.h).
_PAIR_BASE = 2**31 - 1
_MATRICES = ("F", "E", "H")


@dataclass(frozen=True)
class DatabaseImage:
    """A row of the table images: the file name, relative to the folder of photographs, and its camera's id."""

    name: str
    camera_id: int


@dataclass(frozen=True)
class TwoViewGeometry:
    """What COLMAP verified about a pair of images; matrices map image 1 to image 2, None where it stored none.

    Parameters
    ----------
    config : int
        COLMAP's number: 1 degenerate, 2 calibrated (E), 3 uncalibrated (F), 4 planar, 5 panoramic, 6 planar or
        panoramic, 7 watermark, 8 several.
    inlier_matches : (K, 2) int32 array
        Rows of the keypoints of image 1 and of image 2.
    F, E, H : (3, 3) float64 array or None
        ``x2ᵀ F x1 = 0`` in pixels, ``x2ᵀ E x1 = 0`` in normalised coordinates, ``x2 ~ H x1`` in pixels.
    cam2_from_cam1 : (3, 4) float64 array or None
        ``[R | t]``, t of unknown length.
    """

    config: int
    inlier_matches: NDArray[np.int32]
    F: NDArray[np.float64] | None = None
    E: NDArray[np.float64] | None = None
    H: NDArray[np.float64] | None = None
    cam2_from_cam1: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class ColmapDatabase:
    """Tables of a COLMAP database, by image id or by pair ``(id1, id2)`` with ``id1 < id2``.

    Parameters
    ----------
    cameras : dict of int to Camera
    images : dict of int to DatabaseImage
    keypoints : dict of int to (M, 2) float32 array
        Pixels, (0, 0) = top-left corner. Scale and orientation are not kept.
    descriptors : dict of int to (M, D) uint8 array
        Bytes as stored. SIFT: 128 values; float descriptors take 4 bytes a value.
    matches : dict of (int, int) to (K, 2) int32 array
        Rows of the keypoints of image 1 and of image 2.
    two_view_geometries : dict of (int, int) to TwoViewGeometry
    """

    cameras: dict[int, Camera] = field(default_factory=dict)
    images: dict[int, DatabaseImage] = field(default_factory=dict)
    keypoints: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    descriptors: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    matches: dict[tuple[int, int], NDArray[np.int32]] = field(default_factory=dict)
    two_view_geometries: dict[tuple[int, int], TwoViewGeometry] = field(default_factory=dict)


def read_colmap_database(path: str | os.PathLike[str], *, descriptors: bool = True) -> ColmapDatabase:
    """Read a COLMAP database of any version since 3.0. Rigs, frames and pose priors are not read.

    Parameters
    ----------
    path : path-like
        Opened read only; COLMAP may have it open.
    descriptors : bool
        Read the descriptors too, which are most of the file.

    Returns
    -------
    ColmapDatabase

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FormatError
        Not an SQLite file or a damaged one, missing tables or columns, array sizes that differ from the bytes
        stored, a camera model that is not one of ``scene.CAMERA_MODELS``, references to nothing.

    References
    ----------
    https://colmap.github.io/database.html

    Examples
    --------
    >>> import pycolmap
    >>> pycolmap.Database.open("database.db").close()
    >>> read_colmap_database("database.db").images
    {}
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a COLMAP database, got no file")
    # A database in WAL mode makes SQLite create files beside it, unless told that nobody writes.
    mode = "mode=ro" if os.access(path.resolve().parent, os.W_OK) else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as connection:
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")
            return _Reader(path, connection).read(descriptors)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:  # the last from SQLite's own messages
        raise FormatError(path, f"expected a COLMAP database, got: {error}") from error


class _Reader:
    """Tables of one open database, row by row, with errors that name table and row."""

    def __init__(self, path: Path, connection: sqlite3.Connection):
        self.path, self.connection = path, connection
        self.database = ColmapDatabase()

    def read(self, descriptors: bool) -> ColmapDatabase:
        database = self.database
        for camera_id, model, width, height, params, prior in self.rows(
            "cameras", "camera_id", "model", "width", "height", "params", "prior_focal_length"
        ):
            database.cameras[camera_id] = self.camera(camera_id, model, width, height, params, bool(prior))
        for image_id, name, camera_id in self.rows("images", "image_id", "name", "camera_id"):
            self.require(isinstance(name, str), f"image {image_id}: expected a name, got {name!r}")
            self.require(camera_id in database.cameras, f"image {image_id}: expected a camera's id, got {camera_id}")
            database.images[image_id] = DatabaseImage(name, camera_id)
        for image_id, rows, columns, data in self.rows("keypoints", "image_id", "rows", "cols", "data"):
            table = self.array(f"keypoints of image {image_id}", rows, columns, data, "<f4")
            self.require(image_id in database.images, f"keypoints: expected an image's id, got {image_id}")
            good = table.shape[1] >= 2 and np.isfinite(table).all()
            self.require(good, f"keypoints of image {image_id}: expected 2 or more finite columns, got others")
            database.keypoints[image_id] = table[:, :2].copy()
        if descriptors:
            for image_id, rows, columns, data in self.rows("descriptors", "image_id", "rows", "cols", "data"):
                table = self.array(f"descriptors of image {image_id}", rows, columns, data, "u1")
                self.require(image_id in database.images, f"descriptors: expected an image's id, got {image_id}")
                database.descriptors[image_id] = table.copy()
        for pair_id, *blob in self.rows("matches", "pair_id", "rows", "cols", "data"):
            pair = self.pair(pair_id)
            database.matches[pair] = self.match_array("matches", pair, *blob)
        self.two_view_geometries()
        return database

    def require(self, condition: object, message: str) -> None:
        if not condition:
            raise FormatError(self.path, message)

    def columns(self, table: str) -> set[str]:
        """Column names. A view of that name could compute without end, so it must be a table."""
        found = self.connection.execute("SELECT type FROM sqlite_master WHERE name = ?", (table,)).fetchall()
        self.require(found == [("table",)], f"expected a table {table}, got none")
        return {row[1] for row in self.connection.execute(f"PRAGMA table_info({table})")}

    def rows(self, table: str, *columns: str) -> sqlite3.Cursor:
        missing = set(columns) - self.columns(table)
        self.require(not missing, f"table {table}: expected columns {', '.join(columns)}, got no {', '.join(missing)}")
        return self.connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {columns[0]}")

    def camera(self, camera_id: Any, model: Any, width: Any, height: Any, blob: Any, prior: bool) -> Camera:
        name = MODEL_NAMES.get(model)
        if name is None:
            raise FormatError(self.path, f"camera {camera_id}: expected a model that fastcv has, got number {model!r}")
        params = self.array(f"camera {camera_id}", 1, len(CAMERA_MODELS[name][1]), blob, "<f8")[0]
        try:
            return Camera(name, width, height, params, prior)
        except (ValueError, TypeError) as error:
            raise FormatError(self.path, f"camera {camera_id}: {error}") from error

    def array(self, what: str, rows: Any, columns: Any, blob: Any, dtype: DTypeLike) -> NDArray[Any]:
        dtype, data = np.dtype(dtype), b"" if blob is None else blob
        good = isinstance(rows, int) and isinstance(columns, int) and isinstance(data, bytes)
        self.require(good, f"{what}: expected two sizes and bytes, got {rows!r}, {columns!r}, {type(data).__name__}")
        fits = rows >= 0 and columns >= 0 and rows * columns * dtype.itemsize == len(data)
        self.require(fits, f"{what}: expected {rows} × {columns} values of {dtype}, got {len(data)} bytes")
        # Sizes like 2^60 × 0 pass the test above.
        return np.frombuffer(data, dtype).reshape(rows if data else 0, columns if columns < 2**16 else 0)

    def pair(self, pair_id: Any) -> tuple[int, int]:
        self.require(isinstance(pair_id, int) and pair_id >= 0, f"expected a pair's number, got {pair_id!r}")
        pair = divmod(pair_id, _PAIR_BASE)
        known = pair[0] in self.database.images and pair[1] in self.database.images
        self.require(known, f"pair {pair_id}: expected two images' ids, got {pair[0]} and {pair[1]}")
        return pair

    def match_array(self, what: str, pair: tuple[int, int], rows: Any, columns: Any, blob: Any) -> NDArray[np.int32]:
        table = self.array(f"{what} of {pair}", rows, columns, blob, "<u4")
        if not len(table):
            return np.empty((0, 2), np.int32)
        self.require(table.shape[1] == 2, f"{what} of {pair}: expected 2 columns, got {table.shape[1]}")
        for image_id, column in zip(pair, table.T, strict=True):
            count = len(self.database.keypoints.get(image_id, ()))
            message = (
                f"{what} of {pair}: expected rows below {count} of image {image_id}'s keypoints, got {column.max()}"
            )
            self.require(column.max() < count, message)
        return table.astype(np.int32)

    def two_view_geometries(self) -> None:
        available = self.columns("two_view_geometries")
        optional = [name for name in (*_MATRICES, "qvec", "tvec") if name in available]
        names = ("pair_id", "rows", "cols", "data", "config", *optional)
        for pair_id, rows, columns, data, config, *blobs in self.rows("two_view_geometries", *names):
            pair = self.pair(pair_id)
            what = f"two-view geometry of {pair}"
            self.require(isinstance(config, int), f"{what}: expected a configuration's number, got {config!r}")
            stored = {name: blob for name, blob in zip(optional, blobs, strict=True) if blob is not None}
            matrices = {
                name: self.array(what, 3, 3, stored[name], "<f8").copy() for name in _MATRICES if name in stored
            }
            pose = None
            if "qvec" in stored and "tvec" in stored:
                quaternion = self.array(what, 1, 4, stored["qvec"], "<f8")[0]
                translation = self.array(what, 1, 3, stored["tvec"], "<f8")[0]
                unit = bool(np.isfinite(quaternion).all()) and abs(np.linalg.norm(quaternion) - 1) < 1e-3
                self.require(unit, f"{what}: expected a unit quaternion, got {quaternion}")
                pose = np.column_stack([matrix_from_quaternion(quaternion), translation])
            inliers = self.match_array(what, pair, rows, columns, data)
            self.database.two_view_geometries[pair] = TwoViewGeometry(config, inliers, **matrices, cam2_from_cam1=pose)
