# SPDX-License-Identifier: Apache-2.0
"""PLY point clouds: a writer, also for clouds that do not fit memory, and a reader for points and triangles.

Format: Greg Turk, "The PLY Polygon File Format", 1994.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._atomic import atomic_write
from ._bytes import ByteReader, parse_numbers
from ._ply_header import TRIANGLE_LISTS, Element, Header, read_header

# Properties that belong together: name in fastcv, names in the file, type in the file.
_XYZ = ("x", "y", "z")
_NORMALS = ("nx", "ny", "nz")
_RGB = ("red", "green", "blue")
_GROUPS = {"xyz": _XYZ, "normals": _NORMALS, "rgb": _RGB}
_COUNT_DIGITS = 20


class PlyWriter(AbstractContextManager["PlyWriter"]):
    """Write a point cloud block by block, in memory for one block. The file appears when the ``with`` block ends well.

    Parameters
    ----------
    path : path-like
        Replaced atomically.
    rgb, normals : bool
        Whether every block brings colours, normals.
    dtype : dtype
        float32 or float64, of xyz in the file.

    Examples
    --------
    >>> with PlyWriter("cloud.ply", rgb=True) as cloud:
    ...     for block in range(3):
    ...         cloud.append(np.full((10, 3), block, np.float32), rgb=np.zeros((10, 3), np.uint8))
    >>> read_ply("cloud.ply")["xyz"].shape
    (30, 3)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        rgb: bool = False,
        normals: bool = False,
        dtype: DTypeLike = np.float32,
    ):
        kind = np.dtype(dtype)
        if kind not in (np.float32, np.float64):
            raise TypeError(f"dtype: expected float32 or float64, got {kind}")
        self.count = 0
        self._parts = {"xyz": kind}
        if normals:
            self._parts["normals"] = np.dtype(np.float32)
        if rgb:
            self._parts["rgb"] = np.dtype(np.uint8)
        self._record = np.dtype([(name, part.newbyteorder("<"), 3) for name, part in self._parts.items()])
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> PlyWriter:
        self._context = self._open()
        return self._context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._context.__exit__(kind, error, traceback)

    @contextmanager
    def _open(self) -> Iterator[PlyWriter]:
        try:
            with atomic_write(self._path) as self._file:
                self._file.seek(len(self._header()))
                yield self
                self._file.seek(0)
                self._file.write(self._header())
        finally:
            self._file = None

    def append(
        self, xyz: NDArray[Any], *, rgb: NDArray[np.uint8] | None = None, normals: NDArray[Any] | None = None
    ) -> None:
        """Add points.

        Parameters
        ----------
        xyz : (N, 3) floating array
            Converted to the writer's dtype.
        rgb : (N, 3) uint8 array, where the writer was made with ``rgb=True``
        normals : (N, 3) floating array, where the writer was made with ``normals=True``

        Raises
        ------
        TypeError
            Another dtype.
        ValueError
            Another shape, a part missing or one too many, or no ``with`` block is open.
        """
        if self._file is None:
            raise ValueError("PlyWriter: expected append() inside its with block, got it outside")
        block = np.empty(len(xyz), self._record)
        for name, array in (("xyz", xyz), ("normals", normals), ("rgb", rgb)):
            if (array is not None) != (name in self._parts):
                wanted = "an array" if name in self._parts else "None"
                raise ValueError(f"{name}: expected {wanted}, as the writer was made for, got the other")
            if array is None:
                continue
            if array.shape != (len(xyz), 3):
                raise ValueError(f"{name}: expected shape ({len(xyz)}, 3), got {array.shape}")
            if not (array.dtype == np.uint8 if name == "rgb" else np.issubdtype(array.dtype, np.floating)):
                raise TypeError(f"{name}: expected dtype {'uint8' if name == 'rgb' else 'floating'}, got {array.dtype}")
            block[name] = array
        self._file.write(block.tobytes())
        self.count += len(block)

    def _header(self) -> bytes:
        """Of the same length for every count, so that it can be written at the end."""
        lines = ["ply", "format binary_little_endian 1.0"]
        # Leading zeros of a count could be taken for an octal number: a comment fills the space instead.
        lines.append(f"comment {'-' * (_COUNT_DIGITS - len(str(self.count)))}")
        lines.append(f"element vertex {self.count}")
        names = {np.dtype(np.float32): "float", np.dtype(np.float64): "double", np.dtype(np.uint8): "uchar"}
        lines += [f"property {names[kind]} {axis}" for part, kind in self._parts.items() for axis in _GROUPS[part]]
        return ("\n".join([*lines, "end_header"]) + "\n").encode()


def write_ply(
    path: str | os.PathLike[str],
    xyz: NDArray[Any],
    *,
    rgb: NDArray[np.uint8] | None = None,
    normals: NDArray[Any] | None = None,
) -> None:
    """Write a point cloud as binary little-endian PLY, atomically.

    Parameters
    ----------
    path : path-like
    xyz : (N, 3) float32 or float64 array
        Written in its own precision.
    rgb : (N, 3) uint8 array, optional
    normals : (N, 3) floating array, optional
        Written as float32.

    Raises
    ------
    TypeError, ValueError
        Another dtype, another shape.

    Examples
    --------
    >>> write_ply("two.ply", np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0]]))
    >>> read_ply("two.ply")["xyz"]
    array([[0., 0., 1.],
           [2., 0., 1.]])
    """
    if xyz.dtype not in (np.float32, np.float64):
        raise TypeError(f"xyz: expected dtype float32 or float64, got {xyz.dtype}")
    with PlyWriter(path, rgb=rgb is not None, normals=normals is not None, dtype=xyz.dtype) as writer:
        writer.append(xyz, rgb=rgb, normals=normals)


def read_ply(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the vertices and triangles of a PLY file, ascii or binary of either byte order.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict of str to array
        ``xyz``, ``normals``, ``rgb`` : (N, 3), each if the file has it, in the file's dtype; every other property of
        the vertices under its own name, (N,). ``faces`` : (F, 3) int64 rows of ``xyz``, if the file has faces.

    Raises
    ------
    FormatError
        A header that is none, counts that do not fit the file, faces that are not triangles or that refer to no
        vertex, other lists, bytes behind the last element.
    """
    reader = ByteReader(path)
    header = read_header(reader)
    tables = _ascii_tables(reader, header) if header.ascii else _binary_tables(reader, header)
    if "vertex" not in tables:
        reader.fail("expected an element vertex, got none", 0)
    vertices = tables["vertex"]
    result: dict[str, NDArray[Any]] = {}
    names = list(vertices.dtype.names or ())
    for part, axes in _GROUPS.items():
        if set(axes) <= set(names):
            result[part] = np.stack([vertices[axis] for axis in axes], axis=1)
            names = [name for name in names if name not in axes]
    for name in names:
        result[name] = vertices[name].copy()
    if "face" in tables:
        result["faces"] = _triangles(reader, tables["face"], len(vertices))
    return {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in result.items()}


def _binary_tables(reader: ByteReader, header: Header) -> dict[str, NDArray[Any]]:
    tables = {}
    for element in header.elements:
        # Without properties an element has no bytes, and any count would fit.
        if element.fields:
            tables[element.name] = reader.array(element.dtype, element.count, f"element {element.name}")
    reader.finish()
    return tables


def _ascii_tables(reader: ByteReader, header: Header) -> dict[str, NDArray[Any]]:
    sizes = [element.count * _width(element) for element in header.elements]
    values = parse_numbers(reader.data[reader.offset :], reader.path, sum(sizes), header.line)
    tables: dict[str, NDArray[Any]] = {}
    start = 0
    for element, size in zip(header.elements, sizes, strict=True):
        if not element.fields:
            continue
        columns = values[start : start + size].reshape(element.count, _width(element))
        start += size
        table = tables[element.name] = np.empty(element.count, element.dtype)
        column = 0
        for name in element.dtype.names or ():
            width = 3 if table[name].ndim == 2 else 1
            numbers = columns[:, column : column + width].reshape(table[name].shape)
            if table[name].dtype.kind in "iu":
                limits = np.iinfo(table[name].dtype)
                if not ((numbers >= limits.min) & (numbers <= limits.max) & (numbers == np.floor(numbers))).all():
                    reader.fail(f"element {element.name}, {name}: expected {table[name].dtype} values, got others")
            with np.errstate(over="ignore"):  # 1e300 is inf in float32
                table[name] = numbers
            column += width
    return tables


def _width(element: Element) -> int:
    """Numbers per item."""
    return sum(item[2] if len(item) == 3 else 1 for item in element.fields)


def _triangles(reader: ByteReader, table: NDArray[Any], num_vertices: int) -> NDArray[np.int64]:
    if TRIANGLE_LISTS[0] not in (table.dtype.names or ()):
        reader.fail(f"element face: expected a list {' or '.join(TRIANGLE_LISTS)}, got none", 0)
    if (table["list_length"] != 3).any():
        reader.fail(f"element face: expected triangles, got a face of {table['list_length'].max()} vertices", 0)
    faces = table[TRIANGLE_LISTS[0]].astype(np.int64)
    if len(faces) and not 0 <= faces.min() <= faces.max() < num_vertices:
        reader.fail(f"element face: expected vertices below {num_vertices}, got {faces.min()} to {faces.max()}", 0)
    return faces
