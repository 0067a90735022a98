# SPDX-License-Identifier: Apache-2.0
"""Surfaces around binary voxels against SciPy's filters, on balls, walls and blocks that lie at the grid's border."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import convolve1d, map_coordinates

from fastcv.mesh import Mesh
from fastcv.voxels import Occupancy, VoxelGrid, _memory, _slabs, carve, mesh_occupancy

PAD = 8


def blobs(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Smooth noise above its median: pieces of every size, many of them at the border."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    for axis in range(3):
        noise = convolve1d(noise, np.hanning(9), axis, mode="nearest")
    return noise > 0


def field(dense: np.ndarray, smooth: int) -> np.ndarray:
    """The part of occupied voxels, on a grid that reaches PAD voxels further on all sides."""
    padded = np.pad(dense, PAD).astype(float)
    weights = np.array([1.0])
    for _ in range(smooth):
        weights = np.convolve(weights, [0.25, 0.5, 0.25])
    for axis in range(3):
        padded = convolve1d(padded, weights, axis)
    return padded


def mesh_of(dense: np.ndarray, smooth: int) -> Mesh:
    """In voxels of the padded grid, samples at whole numbers."""
    grid = VoxelGrid([PAD - 0.5] * 3, 1.0, dense.shape)
    return mesh_occupancy(Occupancy.from_dense(dense, grid), smooth=smooth)


def assert_closed(mesh: Mesh) -> None:
    directed = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    pairs = {tuple(edge) for edge in directed}
    assert len(pairs) == len(directed)
    assert pairs == {(b, a) for a, b in pairs}


@pytest.mark.parametrize("smooth", [0, 1, 2, 4])
@pytest.mark.parametrize("shape", [(24, 16, 32), (13, 22, 9), (12, 17, 10)])
def test_surface_is_where_half_of_the_weights_are_occupied(shape, smooth):
    dense = blobs(shape, seed=7)
    part, mesh = field(dense, smooth), mesh_of(dense, smooth)
    assert_closed(mesh)
    assert len(mesh.vertices) > 50
    there = map_coordinates(part, mesh.vertices.T[::-1].astype(float), order=1)
    # A half counts as half a unit more, of which there are 64^smooth; one pass makes that 1 / 128.
    np.testing.assert_allclose(there, 0.5, atol=2e-6 + (0 if smooth == 0 else 0.5 / 64**smooth))
    inside = part >= 0.5 - 1e-12
    crossings = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in range(3))
    assert len(mesh.vertices) == crossings


def test_ball_is_as_large_and_smooth_as_it_should_be():
    grid = VoxelGrid([-1, -1, -1], 2 / 64, (64, 64, 64))
    ball = np.stack([np.linalg.norm(grid.centers(z) - 0.01, axis=-1) < 0.8 for z in range(64)])
    mesh = mesh_occupancy(Occupancy.from_dense(ball, grid), smooth=4)
    assert_closed(mesh)
    outward = mesh.vertices - 0.01
    distance = np.linalg.norm(outward, axis=1)
    # Voxels by their centres leave steps of half a voxel; smoothing leaves a part of that.
    assert np.abs(distance - 0.8).max() < 0.3 * grid.voxel_size
    cosines = np.sum(mesh.normals * outward / distance[:, None], axis=1)
    assert cosines.min() > np.cos(np.radians(15))
    steps = mesh_occupancy(Occupancy.from_dense(ball, grid), smooth=0)
    assert np.abs(np.linalg.norm(steps.vertices - 0.01, axis=1) - 0.8).std() > 2 * np.abs(distance - 0.8).std()


@pytest.mark.parametrize("shape", [(16, 16, 16), (17, 20, 24), (1, 1, 1)])
def test_a_full_grid_is_a_closed_box(shape):
    mesh = mesh_of(np.ones(shape, bool), 0)
    assert_closed(mesh)
    np.testing.assert_array_equal(mesh.vertices.min(0), PAD - 0.5)
    np.testing.assert_array_equal(mesh.vertices.max(0), np.array(shape[::-1]) + PAD - 0.5)


def test_a_wall_between_full_and_empty_blocks_stays_in_place():
    dense = np.zeros((24, 24, 24), bool)
    dense[:, :, :8] = True
    mesh = mesh_of(dense, 2)
    middle = np.abs(mesh.vertices - [PAD + 7.5, PAD + 11.5, PAD + 11.5]).max(1) < 3
    assert np.count_nonzero(middle) == 36
    np.testing.assert_allclose(mesh.vertices[middle, 0], PAD + 7.5, atol=0.001)
    np.testing.assert_allclose(mesh.normals[middle], [[1, 0, 0]] * 36, atol=1e-6)


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_what_thin_sheets_survive(thickness):
    dense = np.zeros((24, 24, 24), bool)
    dense[:, :, 10 : 10 + thickness] = True
    survives = {smooth: len(mesh_of(dense, smooth).faces) > 0 for smooth in (0, 1, 2)}
    assert survives == {0: True, 1: True, 2: thickness > 1}


def test_empty_and_wrong(monkeypatch):
    empty = Occupancy.from_dense(np.zeros((9, 9, 9), bool), VoxelGrid([0, 0, 0], 1.0, (9, 9, 9)))
    assert len(mesh_occupancy(empty).faces) == 0
    for smooth in (-1, 5):
        with pytest.raises(ValueError, match=f"smooth: expected 0 to 4, got {smooth}"):
            mesh_occupancy(empty, smooth=smooth)
    full = Occupancy.from_dense(np.ones((9, 9, 9), bool), VoxelGrid([0, 0, 0], 1.0, (9, 9, 9)))
    monkeypatch.setattr(_memory, "_total", lambda: 1000)
    with pytest.raises(ValueError, match="occupancy: expected a size that fits into"):
        mesh_occupancy(full)


@pytest.mark.parametrize("num_threads", [1, 2, 4])
def test_same_for_every_number_of_threads(num_threads):
    occupancy = Occupancy.from_dense(blobs((40, 50, 60), seed=3), VoxelGrid([0, 0, 0], 1.0, (40, 50, 60)))
    expected, mesh = mesh_occupancy(occupancy, num_threads=3), mesh_occupancy(occupancy, num_threads=num_threads)
    np.testing.assert_array_equal(mesh.vertices, expected.vertices)
    np.testing.assert_array_equal(mesh.faces, expected.faces)


@pytest.mark.parametrize("blocks_in_a_slab", [1, 60, 150])
@pytest.mark.parametrize("smooth", [0, 2])
def test_slabs_make_the_same_mesh(monkeypatch, blocks_in_a_slab, smooth):
    """Slabs of one layer of blocks, of some, and of different heights; layers without any surface between."""
    dense = blobs((90, 30, 50), seed=5)
    dense[30:60] = False
    occupancy = Occupancy.from_dense(dense, VoxelGrid([0, 0, 0], 1.0, dense.shape))
    whole = mesh_occupancy(occupancy, smooth=smooth)
    monkeypatch.setattr(_slabs, "SLAB_BYTES", blocks_in_a_slab * _slabs._BLOCK_BYTES)
    mesh = mesh_occupancy(occupancy, smooth=smooth)
    assert len(mesh.faces) > 10_000
    np.testing.assert_array_equal(mesh.vertices, whole.vertices)
    np.testing.assert_array_equal(mesh.normals, whole.normals)
    np.testing.assert_array_equal(mesh.faces, whole.faces)


def test_memory_is_that_of_the_mesh(monkeypatch):
    """Where two discs leave a body of 256 voxels, in slabs of 2 MB at most and in one of all blocks."""
    K = np.array([[1e5, 0, 128], [0, 1e5, 128], [0, 0, 1]])
    y, x = np.mgrid[:256, :256] - 127.5
    disc = np.hypot(x, y) < 120
    along_z, along_x = K @ np.c_[np.eye(3), [0, 0, 1e5]], K @ [[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 1e5]]
    occupancy = carve([disc, disc], [along_z, along_x], VoxelGrid([-128, -128, -128], 1.0, (256, 256, 256)))
    peaks = []
    for limit in (2 << 20, 1 << 30):
        monkeypatch.setattr(_slabs, "SLAB_BYTES", limit)
        tracemalloc.start()
        mesh = mesh_occupancy(occupancy)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    mesh_bytes = mesh.vertices.nbytes + mesh.normals.nbytes + mesh.faces.nbytes
    assert mesh_bytes > 14e6
    assert peaks[0] < 1.6 * mesh_bytes  # parts of one array are put together, then gone; measured: 1.52
    assert peaks[1] > 3 * mesh_bytes
