# SPDX-License-Identifier: Apache-2.0
"""Triangles with colours or a texture: the plain data that rooms, file formats and reports exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Texture:
    """A picture on the triangles of a mesh.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
        RGB.
    uv : (F, 3, 2) float32 array
        Where the corners of every triangle lie in ``image``, in pixels: x, y, with (0, 0) the top-left corner of the
        image. Corners have places of their own, so that a vertex on a seam has several.

    Raises
    ------
    TypeError, ValueError
        An array of another dtype or shape, or a place that is not finite.
    """

    image: NDArray[np.uint8]
    uv: NDArray[np.float32]

    def __post_init__(self) -> None:
        _check("image", self.image, (None, None, 3), np.uint8)
        _check("uv", self.uv, (None, 3, 2), np.float32)
        if not np.isfinite(self.uv).all():
            raise ValueError("uv: expected finite values, got others")


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh.

    Parameters
    ----------
    vertices : (N, 3) float32 or float64 array
        World positions in scene units.
    faces : (F, 3) int32 array
        Rows of ``vertices``, counter-clockwise seen from outside.
    colors : (N, 3) uint8 array, optional
        RGB of the vertices.
    normals : (N, 3) float32 array, optional
        Unit normals of the vertices, pointing outside.
    texture : Texture, optional
        Its ``uv`` has one row for each face.

    Raises
    ------
    TypeError
        An array of another dtype.
    ValueError
        An array of another shape, a vertex or a normal that is not finite, a face that refers to no vertex.

    Examples
    --------
    >>> from fastcv.mesh import Mesh
    >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    >>> Mesh(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32))
    Mesh(4 vertices, 4 faces)
    """

    vertices: NDArray[np.floating]
    faces: NDArray[np.int32]
    colors: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None
    texture: Texture | None = None

    def __post_init__(self) -> None:
        _check("vertices", self.vertices, (None, 3), np.float32, np.float64)
        _check("faces", self.faces, (None, 3), np.int32)
        num_vertices, num_faces = len(self.vertices), len(self.faces)
        if self.colors is not None:
            _check("colors", self.colors, (num_vertices, 3), np.uint8)
        if self.normals is not None:
            _check("normals", self.normals, (num_vertices, 3), np.float32)
        if self.texture is not None:
            _check("texture.uv", self.texture.uv, (num_faces, 3, 2), np.float32)
        for name, array in (("vertices", self.vertices), ("normals", self.normals)):
            if array is not None and not np.isfinite(array).all():
                raise ValueError(f"{name}: expected finite values, got others")
        if num_faces and not 0 <= self.faces.min() <= self.faces.max() < num_vertices:
            got = f"{self.faces.min()} to {self.faces.max()}"
            raise ValueError(f"faces: expected rows of the {num_vertices} vertices, got {got}")

    def __repr__(self) -> str:
        parts = [name for name in ("colors", "normals", "texture") if getattr(self, name) is not None]
        return f"Mesh({', '.join([f'{len(self.vertices)} vertices', f'{len(self.faces)} faces', *parts])})"


def _check(name: str, array: Any, shape: tuple[int | None, ...], *dtypes: Any) -> None:
    if not isinstance(array, np.ndarray) or array.dtype not in dtypes:
        wanted = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        got = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"{name}: expected a numpy array of {wanted}, got {got}")
    fits = [want in (None, got) for want, got in zip(shape, array.shape, strict=False)]
    if array.ndim != len(shape) or not all(fits):
        sizes = ", ".join("N" if size is None else str(size) for size in shape)
        raise ValueError(f"{name}: expected shape ({sizes}), got {array.shape}")
