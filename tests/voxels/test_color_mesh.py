# SPDX-License-Identifier: Apache-2.0
"""Colours of voxels on a mesh: places, the weights by hand, what is far from every voxel."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import voxels
from fastcv.mesh import Mesh
from fastcv.voxels import Occupancy, PhotoHull, VoxelGrid


def hull_of(dense: np.ndarray, grid: VoxelGrid, color) -> PhotoHull:
    """All occupied voxels count as surface, with the colour that a function of z, y, x gives them."""
    where = np.argwhere(dense).astype(np.int32)
    colors = np.array([color(*place) for place in where], np.uint8).reshape(-1, 3)
    count = np.ones(len(where), np.int32)
    return PhotoHull(Occupancy.from_dense(dense, grid), where, colors, count, np.ones((1, 3)), 1, True)


def points(*places: tuple[float, float, float]) -> Mesh:
    """A mesh with vertices at places x, y, z."""
    return Mesh(np.array(places), np.array([[0, 0, 0]], np.int32))


def test_axes_are_not_mixed_up() -> None:
    grid = VoxelGrid([10, 20, 30], 0.5, (20, 12, 9))
    hull = hull_of(np.ones(grid.shape, bool), grid, lambda z, y, x: (10 * x, 10 * y, 10 * z))
    # Deep inside the mean of a linear function is its value: voxel (z, y, x) = (9, 5, 3).
    mesh = voxels.color_mesh(points((10 + 0.5 * 3.5, 20 + 0.5 * 5.5, 30 + 0.5 * 9.5)), hull)
    assert mesh.colors.tolist() == [[30, 50, 90]]


def test_weights_fall_with_the_distance() -> None:
    grid = VoxelGrid([0, 0, 0], 1.0, (1, 1, 8))
    dense = np.zeros(grid.shape, bool)
    dense[0, 0, [3, 4]] = True
    hull = hull_of(dense, grid, lambda _z, _y, x: (200, 0, 0) if x == 3 else (0, 100, 0))
    mesh = voxels.color_mesh(points((3.75, 0.5, 0.5)), hull)  # 0.25 from one centre, 0.75 from the other
    near, far = np.exp(-2 * 0.25**2), np.exp(-2 * 0.75**2)
    assert mesh.colors.tolist() == [[round(200 * near / (near + far)), round(100 * far / (near + far)), 0]]


def test_far_vertices_get_the_mean_and_no_voxels_black() -> None:
    grid = VoxelGrid([0, 0, 0], 1.0, (9, 9, 9))
    dense = np.zeros(grid.shape, bool)
    dense[0, 0, :2] = True
    hull = hull_of(dense, grid, lambda _z, _y, x: (100 * x, 50, 0))
    assert voxels.color_mesh(points((8.5, 8.5, 8.5), (-50.0, 0, 0)), hull).colors.tolist() == [[50, 50, 0]] * 2
    none = hull_of(np.zeros(grid.shape, bool), grid, lambda *_: (0, 0, 0))
    assert voxels.color_mesh(points((1.0, 1, 1)), none).colors.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("smooth", [0, 2])
def test_all_of_a_smoothed_surface_is_near_its_voxels(smooth: int) -> None:
    grid = VoxelGrid([-1, -1, -1], 2 / 24, (24, 24, 24))
    ball = np.stack([np.linalg.norm(grid.centers(z), axis=-1) < 0.8 for z in range(24)])
    inside = np.stack([np.linalg.norm(grid.centers(z), axis=-1) < 0.8 - 1.8 * grid.voxel_size for z in range(24)])
    hull = hull_of(ball & ~inside, grid, lambda *_: (1, 2, 3))
    hull = PhotoHull(Occupancy.from_dense(ball, grid), *(getattr(hull, n) for n in ("voxels", "colors", "num_views")),
                     gains=hull.gains, rounds=1, converged=True)  # fmt: skip
    mesh = voxels.color_mesh(voxels.mesh_occupancy(hull.occupancy, smooth=smooth), hull)
    np.testing.assert_array_equal(np.unique(mesh.colors, axis=0), [[1, 2, 3]])
