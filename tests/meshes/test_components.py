# SPDX-License-Identifier: Apache-2.0
"""Pieces of meshes against SciPy's graphs, and what is left of a mesh without the small ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from fastcv import meshes
from fastcv.mesh import Mesh, Texture


def soup(num_vertices: int, num_faces: int, seed: int) -> Mesh:
    """Random triangles between vertices with close numbers, with everything that a mesh can have."""
    rng = np.random.default_rng(seed)
    faces = (rng.integers(0, num_vertices - 6, (num_faces, 1)) + rng.integers(0, 6, (num_faces, 3))).astype(np.int32)
    return Mesh(
        rng.standard_normal((num_vertices, 3)),
        faces,
        rng.integers(0, 256, (num_vertices, 3), dtype=np.uint8),
        rng.standard_normal((num_vertices, 3)).astype(np.float32),
        Texture(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8), rng.random((num_faces, 3, 2), np.float32)),
    )


@pytest.mark.parametrize(("num_vertices", "num_faces"), [(10, 1), (1000, 80), (1000, 400), (5000, 20000)])
def test_components_equal_scipys(num_vertices, num_faces):
    mesh = soup(num_vertices, num_faces, seed=num_faces)
    piece = meshes.face_components(mesh)
    a, b = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]]]).T
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(num_vertices, num_vertices))
    _, labels = connected_components(graph, directed=False)
    expected = labels[mesh.faces[:, 0]]
    pairs = np.unique(np.stack([piece, expected]), axis=1)
    assert pairs.shape[1] == len(np.unique(piece)) == len(np.unique(expected))
    sizes = np.bincount(piece)
    assert (np.diff(sizes) <= 0).all()
    first = [mesh.faces[piece == k].min() for k in range(len(sizes))]
    assert all(first[k] < first[k + 1] for k in range(len(sizes) - 1) if sizes[k] == sizes[k + 1])


def test_small_pieces_go():
    mesh = soup(300, 80, seed=3)
    sizes = np.bincount(meshes.face_components(mesh))
    assert sizes[0] > 2 * sizes[-1] > 0
    assert len(meshes.keep_components(mesh).faces) == 80
    kept = meshes.keep_components(mesh, min_faces=3)
    assert len(kept.faces) == sizes[sizes >= 3].sum() < 80
    assert len(meshes.keep_components(mesh, min_part=0.5).faces) == sizes[sizes >= 0.5 * sizes[0]].sum()
    assert len(meshes.keep_components(mesh, min_part=1.0).faces) == sizes[sizes == sizes[0]].sum()
    assert len(meshes.keep_components(mesh, min_faces=1000).faces) == 0


def test_selected_faces_keep_all_they_have():
    mesh = soup(200, 60, seed=4)
    keep = np.random.default_rng(5).random(60) < 0.3
    part = meshes.select_faces(mesh, keep)
    for name in ("vertices", "colors", "normals"):
        np.testing.assert_array_equal(getattr(part, name)[part.faces], getattr(mesh, name)[mesh.faces[keep]])
    np.testing.assert_array_equal(part.texture.uv, mesh.texture.uv[keep])
    assert len(np.unique(part.faces)) == len(part.vertices)


def test_empty_and_wrong():
    empty = Mesh(np.zeros((5, 3)), np.zeros((0, 3), np.int32))
    assert len(meshes.face_components(empty)) == 0
    assert meshes.keep_components(empty) is empty
    mesh = soup(20, 4, seed=0)
    with pytest.raises(ValueError, match="min_faces: expected 0 or more, got -1"):
        meshes.keep_components(mesh, min_faces=-1)
    with pytest.raises(ValueError, match=r"min_part: expected 0 to 1, got 1\.5"):
        meshes.keep_components(mesh, min_part=1.5)
    with pytest.raises(TypeError, match="keep: expected dtype bool, got int64"):
        meshes.select_faces(mesh, np.zeros(4, np.int64))
    with pytest.raises(ValueError, match=r"keep: expected shape \(4,\), got \(5,\)"):
        meshes.select_faces(mesh, np.zeros(5, bool))
