# SPDX-License-Identifier: Apache-2.0
"""Meshes with fewer triangles, through fast-simplification."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from ..mesh import Mesh

# The library collapses, in its i-th of 100 rounds, what has an error below 1e-9 (i + 3)^this: squares of distances, so
# that meshes have to be of the same size. Of a mesh of size 1 it then collapses all in the end, the best ones first.
_AGGRESSIVENESS = 5


def simplify_mesh(mesh: Mesh, max_faces: int) -> Mesh:
    """Collapse edges until few triangles are left, those first that change the surface least.

    Parameters
    ----------
    mesh : Mesh
        Without a texture: simplify first, then texture.
    max_faces : int
        Triangles to leave, about: a mesh that cannot be simplified further without folding keeps more.

    Returns
    -------
    Mesh
        Colours are the means of those of the vertices that became one, and so are normals. A mesh that has no more
        triangles than that comes back as it is.

    Raises
    ------
    ValueError
        A number below 1, a mesh with a texture.
    MissingDependencyError
        fast-simplification is not installed.

    References
    ----------
    Garland & Heckbert 1997, "Surface simplification using quadric error metrics".

    Examples
    --------
    >>> from fastcv import meshes, voxels
    >>> grid = voxels.VoxelGrid([-1, -1, -1], 2 / 32, (32, 32, 32))
    >>> centers = np.stack([grid.centers(z) for z in range(32)])
    >>> ball = voxels.marching_cubes((np.linalg.norm(centers, axis=-1) - 0.8).astype(np.float32), grid)
    >>> small = meshes.simplify_mesh(ball, 500)
    >>> len(ball.faces), len(small.faces), bool(abs(np.linalg.norm(small.vertices, axis=1) - 0.8).max() < 0.01)
    (6284, 500, True)
    """
    if operator.index(max_faces) < 1:
        raise ValueError(f"max_faces: expected 1 or more, got {max_faces}")
    if mesh.texture is not None:
        raise ValueError("mesh: expected no texture, got one")
    if len(mesh.faces) <= max_faces:
        return mesh
    library = require("fast_simplification")
    middle = 0.5 * (mesh.vertices.min(0).astype(np.float64) + mesh.vertices.max(0))
    size = float(np.linalg.norm(np.ptp(mesh.vertices.astype(np.float64), axis=0))) or 1.0
    points = (mesh.vertices - middle) / size
    points, faces, collapses = library.simplify(
        points, mesh.faces, target_count=int(max_faces), agg=_AGGRESSIVENESS, return_collapses=True
    )
    became = _became(mesh.faces, len(mesh.vertices), collapses)
    colors = normals = None
    if mesh.colors is not None:
        colors = np.round(_means(mesh.colors, became, len(points))).astype(np.uint8)
    if mesh.normals is not None:
        mean = _means(mesh.normals, became, len(points))
        lengths = np.linalg.norm(mean, axis=1, keepdims=True)
        # Normals that cancel out say nothing: any of them will do.
        one = np.zeros_like(mean)
        one[became[became >= 0]] = mesh.normals[became >= 0]
        normals = np.where(lengths > 1e-6, mean / np.maximum(lengths, 1e-6), one).astype(np.float32)
    return Mesh((points * size + middle).astype(mesh.vertices.dtype), faces.astype(np.int32), colors, normals)


def _became(faces: NDArray[np.int32], num_vertices: int, collapses: NDArray[np.integer]) -> NDArray[np.int64]:
    """Which vertex of the result each vertex became, -1 for one whose triangles are all gone.

    ``collapses`` has rows of a vertex that stayed and one that went into it. The library numbers the vertices that are
    left as they were before.
    """
    into = np.arange(num_vertices)
    into[collapses[:, 1]] = collapses[:, 0]
    while not np.array_equal(further := into[into], into):
        into = further
    corners = into[faces]
    whole = (corners != np.roll(corners, 1, axis=1)).all(1)
    used = np.zeros(num_vertices, bool)
    used[corners[whole]] = True
    return np.where(used, np.cumsum(used) - 1, -1)[into]


def _means(values: NDArray, became: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Of the rows of ``values`` by what they became."""
    there = became >= 0
    numbers = np.maximum(np.bincount(became[there], minlength=count), 1)
    sums = [np.bincount(became[there], values[there, axis], minlength=count) for axis in range(values.shape[1])]
    return np.stack(sums, axis=1) / numbers[:, None]
