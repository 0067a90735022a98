# SPDX-License-Identifier: Apache-2.0
"""Simplified meshes: how many triangles, how far from the surface, and what colours and normals they have."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import meshes, voxels
from fastcv.mesh import Mesh, Texture
from fastcv.meshes.simplify import _became

library = pytest.importorskip("fast_simplification")


def ball(n: int) -> Mesh:
    """A unit sphere, its colours linear in space."""
    grid = voxels.VoxelGrid([-1.2] * 3, 2.4 / n, (n, n, n))
    centers = np.stack([grid.centers(z) for z in range(n)])
    mesh = voxels.marching_cubes((np.linalg.norm(centers, axis=-1) - 1).astype(np.float32), grid)
    colors = np.round(127.5 + 100 * mesh.vertices).astype(np.uint8)
    return Mesh(mesh.vertices, mesh.faces, colors, mesh.normals)


@pytest.mark.parametrize("max_faces", [4000, 1000, 300])
def test_a_sphere_stays_one(max_faces):
    mesh = ball(48)
    small = meshes.simplify_mesh(mesh, max_faces)
    assert 0.95 * max_faces <= len(small.faces) <= max_faces + 1
    assert small.vertices.dtype == np.float32
    # Of n equal triangles, one has sides of √(16 π / √3 n), and its middle lies a sixth of their square below the
    # sphere; some are twice as large as others.
    sag = 2 * 16 * np.pi / (6 * np.sqrt(3) * max_faces)
    assert np.abs(np.linalg.norm(small.vertices, axis=1) - 1).max() < sag
    assert np.einsum("ij,ij->i", small.normals, small.vertices).min() > 0.98
    np.testing.assert_allclose(np.linalg.norm(small.normals, axis=1), 1, atol=1e-6)
    # What became one vertex lies around it, as far as the sides are long.
    away = np.abs(small.colors - (127.5 + 100 * small.vertices))
    assert np.median(away) < 50 * np.sqrt(16 * np.pi / (np.sqrt(3) * max_faces))
    corners = small.vertices[small.faces].astype(float)
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=3 * sag)


@pytest.mark.parametrize("seed", range(4))
def test_vertices_become_what_the_library_says(seed):
    """Its own replay of the collapses agrees, on noise with borders and specks too."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(8, 16, 3))
    values = rng.standard_normal(shape).astype(np.float32)
    mesh = voxels.marching_cubes(values, voxels.VoxelGrid([0, 0, 0], 1.0, shape), valid=rng.random(shape) < 0.98)
    for part in (0.5, 0.05):
        target = int(part * len(mesh.faces))
        points, _, collapses = library.simplify(
            mesh.vertices, mesh.faces, target_count=target, agg=5, return_collapses=True
        )
        _, _, expected = library.replay_simplification(mesh.vertices, mesh.faces, collapses)
        became = _became(mesh.faces, len(mesh.vertices), collapses)
        there = became >= 0
        assert there.mean() > 0.5
        np.testing.assert_array_equal(became[there], expected[there])
        assert became.max() == len(points) - 1


def test_far_from_the_origin():
    mesh = ball(24)
    far = Mesh(mesh.vertices.astype(np.float64) + 5e6, mesh.faces)
    small = meshes.simplify_mesh(far, 500)
    assert small.vertices.dtype == np.float64
    assert np.abs(np.linalg.norm(small.vertices - 5e6, axis=1) - 1).max() < 0.05


def test_few_triangles_come_back():
    mesh = ball(16)
    assert meshes.simplify_mesh(mesh, len(mesh.faces)) is mesh
    with pytest.raises(ValueError, match="max_faces: expected 1 or more, got 0"):
        meshes.simplify_mesh(mesh, 0)
    textured = Mesh(
        mesh.vertices,
        mesh.faces,
        texture=Texture(np.zeros((2, 2, 3), np.uint8), np.zeros((len(mesh.faces), 3, 2), np.float32)),
    )
    with pytest.raises(ValueError, match="mesh: expected no texture, got one"):
        meshes.simplify_mesh(textured, 10)
