# SPDX-License-Identifier: Apache-2.0
"""Pieces of a mesh: which there are, and the mesh without the small ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ..mesh import Mesh, Texture


def face_components(mesh: Mesh) -> NDArray[np.int64]:
    """Which connected piece each triangle belongs to.

    Parameters
    ----------
    mesh : Mesh

    Returns
    -------
    (F,) int64 array
        0 for the piece with the most triangles, and so on; of two with as many, that with the lower vertex comes first.
        Triangles are connected by a common vertex.

    Examples
    --------
    >>> from fastcv import meshes
    >>> from fastcv.mesh import Mesh
    >>> faces = np.array([[0, 1, 2], [4, 5, 6], [5, 6, 7]], np.int32)
    >>> meshes.face_components(Mesh(np.zeros((8, 3)), faces))
    array([1, 0, 0])
    """
    labels = np.empty(len(mesh.vertices), np.int32)
    backend("cpu").meshes.connected_vertices(np.ascontiguousarray(mesh.faces), labels)
    _, piece, sizes = np.unique(labels[mesh.faces[:, 0]], return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[piece.reshape(-1)]


def keep_components(mesh: Mesh, *, min_faces: int = 1, min_part: float = 0.0) -> Mesh:
    """A mesh without its small pieces.

    Parameters
    ----------
    mesh : Mesh
    min_faces : int
        Pieces with fewer triangles go.
    min_part : float
        Pieces with fewer triangles than this part of the largest piece's go; 1 leaves the largest.

    Returns
    -------
    Mesh
        With colours, normals and texture as they were.

    Raises
    ------
    ValueError
        A negative number, or a part above 1.
    """
    if min_faces < 0:
        raise ValueError(f"min_faces: expected 0 or more, got {min_faces}")
    if not 0 <= min_part <= 1:
        raise ValueError(f"min_part: expected 0 to 1, got {min_part}")
    if len(mesh.faces) == 0:
        return mesh
    piece = face_components(mesh)
    sizes = np.bincount(piece)
    return select_faces(mesh, ((sizes >= min_faces) & (sizes >= min_part * sizes[0]))[piece])


def select_faces(mesh: Mesh, keep: NDArray[np.bool_]) -> Mesh:
    """The mesh of some triangles, and of the vertices that they have.

    Parameters
    ----------
    mesh : Mesh
    keep : (F,) bool array

    Raises
    ------
    TypeError, ValueError
        Another dtype, another shape.

    Examples
    --------
    >>> from fastcv import meshes
    >>> from fastcv.mesh import Mesh
    >>> mesh = Mesh(np.zeros((8, 3)), np.array([[0, 1, 2], [4, 5, 6]], np.int32))
    >>> meshes.select_faces(mesh, np.array([False, True])).faces
    array([[0, 1, 2]], dtype=int32)
    """
    if keep.dtype != bool:
        raise TypeError(f"keep: expected dtype bool, got {keep.dtype}")
    if keep.shape != (len(mesh.faces),):
        raise ValueError(f"keep: expected shape ({len(mesh.faces)},), got {keep.shape}")
    faces = mesh.faces[keep]
    used = np.zeros(len(mesh.vertices), bool)
    used[faces] = True
    new = (np.cumsum(used) - 1).astype(np.int32)
    colors = None if mesh.colors is None else mesh.colors[used]
    normals = None if mesh.normals is None else mesh.normals[used]
    texture = None if mesh.texture is None else Texture(mesh.texture.image, mesh.texture.uv[keep])
    return Mesh(mesh.vertices[used], new[faces], colors, normals, texture)
