# SPDX-License-Identifier: Apache-2.0
"""Marching cubes against closed forms, winding numbers and the counts of a manifold; blocks against dense volumes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from fastcv.mesh import Mesh
from fastcv.voxels import VoxelGrid, _memory, marching_cubes, marching_cubes_blocks

CENTER, RADIUS = np.array([0.03, -0.02, 0.01]), 0.71


def ball(*shape: int) -> tuple[np.ndarray, VoxelGrid]:
    """The signed distance to a sphere on a grid whose longest side is 2."""
    size = 2 / max(shape)
    grid = VoxelGrid(-0.5 * size * np.array(shape[::-1]), size, shape)
    centers = np.stack([grid.centers(z) for z in range(shape[0])])
    return (np.linalg.norm(centers - CENTER, axis=-1) - RADIUS).astype(np.float32), grid


def unit_grid(*shape: int) -> VoxelGrid:
    """A grid whose samples lie at whole numbers, as (x, y, z)."""
    return VoxelGrid([-0.5, -0.5, -0.5], 1.0, shape)


def edge_counts(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Of every undirected edge: how many faces have it, and how many more one way than the other."""
    directed = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    _, which = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    return np.bincount(which), np.bincount(which, np.where(directed[:, 0] < directed[:, 1], 1, -1))


def assert_closed(mesh: Mesh) -> None:
    """Every edge has two faces, which run along it in opposite directions."""
    counts, balance = edge_counts(mesh)
    np.testing.assert_array_equal(counts, 2)
    np.testing.assert_array_equal(balance, 0)


def num_fans(mesh: Mesh) -> int:
    """Rings of faces around vertices: one a vertex in a manifold."""
    a, b, c = mesh.faces.T.astype(np.int64)
    n = len(mesh.vertices)
    first = np.concatenate([a * n + b, b * n + c, c * n + a])  # the two spokes of a face at each of its corners
    second = np.concatenate([a * n + c, b * n + a, c * n + b])
    spokes, ends = np.unique(np.concatenate([first, second]), return_inverse=True)
    ends = ends.reshape(2, -1)
    graph = coo_matrix((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(len(spokes), len(spokes)))
    return connected_components(graph, directed=False)[0]


def winding_numbers(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    """Solid angles of all faces over 4 π (van Oosterom & Strackee 1983): 1 within a closed surface, 0 outside."""
    a, b, c = np.moveaxis(mesh.vertices.astype(float)[mesh.faces][None] - points[:, None, None], 2, 0)
    la, lb, lc = (np.linalg.norm(p, axis=-1) for p in (a, b, c))
    volume = np.sum(a * np.cross(b, c), axis=-1)
    dots = la * lb * lc + np.sum(a * b, -1) * lc + np.sum(a * c, -1) * lb + np.sum(b * c, -1) * la
    return np.arctan2(volume, dots).sum(1) / (2 * np.pi)


def as_blocks(volume: np.ndarray, fill: float = np.nan) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and samples of the blocks of a volume, in raster order."""
    pad = [(0, -size % 8) for size in volume.shape[:3]] + [(0, 0)] * (volume.ndim - 3)
    padded = np.pad(volume, pad, constant_values=fill)
    counts = [size // 8 for size in padded.shape[:3]]
    split = padded.reshape(counts[0], 8, counts[1], 8, counts[2], 8, *volume.shape[3:])
    order = (0, 2, 4, 1, 3, 5, *range(6, split.ndim))
    blocks = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 3).astype(np.int32)
    return blocks, np.ascontiguousarray(split.transpose(order)).reshape(-1, 8, 8, 8, *volume.shape[3:])


def assert_same(a: Mesh, b: Mesh) -> None:
    np.testing.assert_array_equal(a.faces, b.faces)
    for name in ("vertices", "normals", "colors"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.mark.parametrize("shape", [(48, 48, 48), (50, 41, 45)])
def test_sphere(shape, device):
    values, grid = ball(*shape)
    mesh = marching_cubes(device.put(values), grid)
    assert_closed(mesh)
    assert len(mesh.vertices) - 3 * len(mesh.faces) // 2 + len(mesh.faces) == 2
    corners = mesh.vertices.astype(float)[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    h = grid.voxel_size
    # A chord as long as a cell's face is across, √2 h, sinks h² / 4 R into the sphere: of a radius that is smaller by
    # at most that, area and volume are smaller by twice and three times its part of R.
    area, volume = 0.5 * np.linalg.norm(cross, axis=1).sum(), np.einsum("ij,ij->", corners[:, 0], cross) / 6
    assert area == pytest.approx(4 * np.pi * RADIUS**2, rel=h**2 / (2 * RADIUS**2))
    assert volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=3 * h**2 / (4 * RADIUS**2))
    outward = mesh.vertices - CENTER
    distance = np.linalg.norm(outward, axis=1)
    assert np.abs(distance - RADIUS).max() < h**2 / (8 * RADIUS)
    # Central differences of a distance err by h² / 6 R², and their mixture by as much again.
    assert np.abs(mesh.normals - outward / distance[:, None]).max() < h**2 / (3 * RADIUS**2)
    assert np.bincount(mesh.faces.ravel(), minlength=len(mesh.vertices)).min() > 0


def test_all_256_cases_enclose_what_is_inside():
    rng = np.random.default_rng(3)
    z, y, x = np.indices((4, 4, 4))
    points = np.stack([x, y, z], -1).reshape(-1, 3).astype(float)
    for case in range(256):
        values = rng.uniform(0.2, 1.0, (4, 4, 4)).astype(np.float32)
        core = values[1:3, 1:3, 1:3].reshape(-1)
        values[1:3, 1:3, 1:3] = np.where(case >> np.arange(8) & 1, -core, core).reshape(2, 2, 2)
        mesh = marching_cubes(values, unit_grid(4, 4, 4))
        assert_closed(mesh)
        np.testing.assert_allclose(winding_numbers(mesh, points), (values < 0).ravel(), atol=1e-6, err_msg=str(case))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_noise_gives_a_closed_manifold(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 20, 3))
    values = np.pad(rng.standard_normal(shape).astype(np.float32), 1, constant_values=1)
    mesh = marching_cubes(values, unit_grid(*values.shape))
    assert_closed(mesh)
    assert num_fans(mesh) == len(mesh.vertices)
    points = rng.integers(1, np.array(values.shape[::-1]) - 1, (40, 3))
    inside = values[tuple(points[:, ::-1].T)] < 0
    np.testing.assert_allclose(winding_numbers(mesh, points.astype(float)), inside, atol=1e-6)


def test_vertices_lie_on_edges_where_the_field_is_at_the_level():
    rng = np.random.default_rng(8)
    values = rng.uniform(-1, 1, (9, 17, 10)).astype(np.float32)
    mesh = marching_cubes(values, unit_grid(*values.shape), level=0.25)
    position = mesh.vertices.astype(float)
    low = np.floor(position).astype(int)
    fraction = position - low
    assert (np.count_nonzero(fraction, axis=1) <= 1).all()
    high = low + (fraction > 0)
    v0, v1 = (values[tuple(p[:, ::-1].T)].astype(float) for p in (low, high))
    # Positions of up to 17 in float32.
    np.testing.assert_allclose(v0 + fraction.sum(1) * (v1 - v0), 0.25, atol=4e-6)
    crossings = sum(np.count_nonzero(np.diff(values < 0.25, axis=axis)) for axis in range(3))
    assert len(position) == crossings


@pytest.mark.parametrize("shape", [(24, 24, 24), (17, 33, 8), (9, 1, 30), (8, 8, 8), (3, 70, 11)])
def test_blocks_equal_the_dense_volume(shape, device):
    rng = np.random.default_rng(2)
    values = rng.standard_normal(shape).astype(np.float32)
    valid = rng.random(shape) < 0.97
    colors = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    grid = VoxelGrid([1, 2, 3], 0.25, shape)
    dense = marching_cubes(device.put(values), grid, valid=device.put(valid), colors=device.put(colors))
    blocks, samples = as_blocks(values)
    _, flags = as_blocks(valid, False)
    _, rgb = as_blocks(colors, 0)
    assert_same(
        marching_cubes_blocks(
            *map(device.put, (blocks, samples)), [1, 2, 3], 0.25, valid=device.put(flags), colors=device.put(rgb)
        ),
        dense,
    )
    marked = np.where(valid, values, np.inf).astype(np.float32)
    without = marching_cubes(device.put(marked), grid)
    np.testing.assert_array_equal(without.faces, dense.faces)
    np.testing.assert_array_equal(without.vertices, dense.vertices)


def test_blocks_in_any_order_and_place():
    values, grid = ball(40, 40, 40)
    blocks, samples = as_blocks(values)
    expected = marching_cubes(values, grid)
    order = np.random.default_rng(1).permutation(len(blocks))
    shifted = blocks[order] - np.array([100, 3, 70], np.int32)
    origin = np.asarray(grid.origin) + 8 * grid.voxel_size * np.array([70, 3, 100])
    mesh = marching_cubes_blocks(shifted, samples[order], origin, grid.voxel_size)
    assert sorted(map(tuple, mesh.vertices.round(5))) == sorted(map(tuple, expected.vertices.round(5)))
    assert_closed(mesh)
    assert len(mesh.faces) == len(expected.faces)


def test_only_blocks_around_the_surface():
    values, grid = ball(64, 64, 64)
    blocks, samples = as_blocks(values)
    near = np.abs(samples).min((1, 2, 3)) < 2 * grid.voxel_size
    mesh = marching_cubes_blocks(blocks[near], samples[near], grid.origin, grid.voxel_size)
    assert_closed(mesh)
    assert near.sum() < 300 < len(blocks)
    assert len(mesh.faces) == len(marching_cubes(values, grid).faces)


def test_unknown_samples_leave_a_hole():
    values, grid = ball(32, 32, 32)
    whole = marching_cubes(values, grid)
    values[:, :, 20:] = np.nan
    mesh = marching_cubes(values, grid)
    counts, _ = edge_counts(mesh)
    assert 0 < np.count_nonzero(counts == 1) < 200
    assert counts.max() == 2
    # The last sample that is known is 19, at 19.5 voxels from the left.
    limit = grid.origin[0] + 19.5 * grid.voxel_size + 1e-6
    assert mesh.vertices[:, 0].max() <= limit < whole.vertices[:, 0].max()
    assert np.isfinite(mesh.normals).all()
    assert np.bincount(mesh.faces.ravel(), minlength=len(mesh.vertices)).min() > 0


def test_colors_are_those_of_the_samples_in_between():
    values = np.zeros((2, 2, 4), np.float32) + np.array([-1, -1, 3, 3], np.float32)
    colors = np.zeros((2, 2, 4, 3), np.uint8)
    colors[:, :, 1], colors[:, :, 2] = [200, 0, 10], [0, 100, 10]
    mesh = marching_cubes(values, unit_grid(2, 2, 4), colors=colors)
    np.testing.assert_allclose(mesh.vertices[:, 0], 1.25)
    np.testing.assert_array_equal(mesh.colors, [[150, 25, 10]] * 4)
    np.testing.assert_array_equal(mesh.normals, [[1, 0, 0]] * 4)


@pytest.mark.parametrize("scale", [1e-38, 1e30])
def test_extreme_values(scale):
    values, grid = ball(16, 16, 16)
    expected, mesh = marching_cubes(values, grid), marching_cubes((values * scale).astype(np.float32), grid)
    np.testing.assert_array_equal(mesh.faces, expected.faces)
    np.testing.assert_allclose(mesh.normals, expected.normals, atol=1e-5)
    flat = np.where(values < 0, -1, 1).astype(np.float32) * np.float32(3e38)  # differences overflow
    assert np.isfinite(marching_cubes(flat, grid).normals).all()


def test_a_sample_at_the_level_is_outside():
    values = np.ones((3, 3, 3), np.float32)
    values[1, 1, 1] = 0
    assert len(marching_cubes(values, unit_grid(3, 3, 3)).faces) == 0
    values[1, 1, 1], values[1, 1, 2] = -1, 0
    mesh = marching_cubes(values, unit_grid(3, 3, 3))
    assert len(mesh.faces) == 8
    assert mesh.vertices[:, 0].max() == 2


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 20, 20), (9, 9, 1), (2, 2, 2)])
def test_nothing_to_find(shape):
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    values[values.shape[0] // 2 :] += 9 * (min(shape) > 1)
    values = np.abs(values) if min(shape) > 1 else values
    mesh = marching_cubes(values, unit_grid(*shape), colors=np.zeros((*shape, 3), np.uint8))
    assert mesh.vertices.shape == mesh.faces.shape == mesh.colors.shape == mesh.normals.shape == (0, 3)


def test_no_blocks():
    mesh = marching_cubes_blocks(np.zeros((0, 3), np.int32), np.zeros((0, 8, 8, 8), np.float32), [0, 0, 0], 1.0)
    assert len(mesh.faces) == 0
    assert mesh.colors is None


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_same_for_every_number_of_threads(num_threads):
    values = np.random.default_rng(4).standard_normal((40, 50, 60)).astype(np.float32)
    grid = unit_grid(*values.shape)
    assert_same(marching_cubes(values, grid, num_threads=num_threads), marching_cubes(values, grid, num_threads=3))


def test_strided_and_read_only():
    values, grid = ball(20, 20, 20)
    wide = np.zeros((20, 20, 40), np.float32)
    wide[:, :, ::2] = values
    wide.flags.writeable = False
    assert_same(marching_cubes(wide[:, :, ::2], grid), marching_cubes(values, grid))


def test_torch():
    torch = pytest.importorskip("torch")
    values, grid = ball(20, 20, 20)
    valid = values > -0.5
    blocks, samples = as_blocks(values, 1.0)
    expected = marching_cubes(values, grid, valid=valid)
    assert_same(marching_cubes(torch.from_numpy(values), grid, valid=torch.from_numpy(valid)), expected)
    assert_same(
        marching_cubes_blocks(torch.from_numpy(blocks), torch.from_numpy(samples), grid.origin, grid.voxel_size),
        marching_cubes_blocks(blocks, samples, grid.origin, grid.voxel_size),
    )


def test_wrong_arguments(monkeypatch):
    values, grid = ball(8, 9, 10)
    blocks, samples = np.zeros((2, 3), np.int32), np.zeros((2, 8, 8, 8), np.float32)
    place = ([0, 0, 0], 1.0)

    def refuses(kind, message, call, *args, **kwargs):
        with pytest.raises(kind, match=re.escape(message)):
            call(*args, **kwargs)

    refuses(TypeError, "values: expected dtype float32, got float64", marching_cubes, values.astype(float), grid)
    refuses(ValueError, "values: expected shape (8, 9, 10)", marching_cubes, values[:7], grid)
    refuses(TypeError, "valid: expected dtype bool", marching_cubes, values, grid, valid=values)
    refuses(ValueError, "colors: expected shape (8, 9, 10, 3)", marching_cubes, values, grid, colors=samples)
    refuses(ValueError, "level: expected a finite number, got nan", marching_cubes, values, grid, level=np.nan)
    refuses(ValueError, "num_threads: expected 0", marching_cubes, values, grid, num_threads=-1)
    refuses(ValueError, "blocks: expected each block once", marching_cubes_blocks, blocks, samples, *place)
    refuses(TypeError, "blocks: expected dtype int32", marching_cubes_blocks, blocks.astype(int), samples, *place)
    refuses(ValueError, "values: expected shape (M, 8, 8, 8)", marching_cubes_blocks, blocks, samples[:1], *place)
    refuses(ValueError, "voxel_size: expected a positive", marching_cubes_blocks, blocks, samples, [0, 0, 0], 0.0)
    far = np.array([[0, 0, 2**27], [0, 0, 0]], np.int32)
    refuses(ValueError, "blocks: expected -2**27 to 2**27 - 1", marching_cubes_blocks, far, samples, *place)
    monkeypatch.setattr(_memory, "_total", lambda: 100)
    refuses(ValueError, "values: expected a size that fits", marching_cubes, values, grid)
