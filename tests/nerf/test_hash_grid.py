# SPDX-License-Identifier: Apache-2.0
"""Features from hash grids, against the reference, SciPy's interpolation and the definition."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from fastcv.nerf import HashGrid, hash_grid, hash_grid_vjp
from fastcv.nerf import _reference_hash_grid as reference

# Sums of 16 products of numbers of size 1, weights from positions known to 6e-8 of 10 cells.
SINGLE = {"rtol": 0, "atol": 3e-5}


def test_features(grid, points, table, device):
    expected = reference.hash_grid(points, table, grid)
    result = hash_grid(device.put(points), device.put(table), grid)
    np.testing.assert_allclose(device.get(result), expected, rtol=0, atol=1e-13)
    result = hash_grid(device.put(np.float32(points)), device.put(np.float32(table)), grid)
    np.testing.assert_allclose(device.get(result), expected, **SINGLE)


def test_half_precision_is_storage_alone(grid, points, table, device):
    stored = table.astype(np.float16)
    stored[:2] = np.float16([[6e-8], [-3e-5]])  # subnormal
    expected = hash_grid(np.float32(points), np.float32(stored), grid)
    result = hash_grid(device.put(np.float32(points)), device.put(stored), grid)
    np.testing.assert_array_equal(device.get(result), expected)


def test_gradients(grid, points, table, grad):
    by_points, by_table = hash_grid_vjp(points, table, grid, grad)
    jacobian = reference.hash_grid_jacobian(points, table, grid)
    np.testing.assert_allclose(by_points, np.einsum("nk,nkd->nd", grad, jacobian), rtol=0, atol=1e-11)
    np.testing.assert_allclose(by_table, reference.hash_grid_table_vjp(points, grid, grad), rtol=0, atol=1e-13)
    single = hash_grid_vjp(np.float32(points), np.float32(table), grid, np.float32(grad))
    np.testing.assert_allclose(single.points, by_points, rtol=0, atol=2e-3)  # slopes of 10 cells, 8 features
    np.testing.assert_allclose(single.table, by_table, **SINGLE)
    assert {array.dtype for array in single} == {np.dtype(np.float32)}
    half = hash_grid_vjp(np.float32(points), table.astype(np.float16), grid, np.float32(grad))
    np.testing.assert_array_equal(half.table, single.table)


def test_gradients_into_arrays(grid, points, table, grad, device):
    """Kept ones, added to ones, and one alone; on a GPU too."""
    by_points, by_table = hash_grid_vjp(points, table, grid, grad)
    inputs = device.put(points), device.put(table), grid, device.put(grad)
    kept = tuple(device.put(np.full_like(array, np.nan)) for array in (by_points, by_table))
    result = hash_grid_vjp(*inputs, out=kept)
    assert result.points is kept[0]
    assert result.table is kept[1]
    tolerance = {"rtol": 0, "atol": 0 if device.name == "cpu" else 1e-13}  # other orders of sums on a GPU
    np.testing.assert_allclose(device.get(kept[0]), by_points, **tolerance)
    np.testing.assert_allclose(device.get(kept[1]), by_table, **tolerance)
    sums = device.put(np.ones_like(by_table))
    assert hash_grid_vjp(*inputs, out=(None, sums), accumulate=True).points is None
    np.testing.assert_allclose(device.get(sums), 1 + by_table, rtol=0, atol=1e-13)  # another order of additions
    assert hash_grid_vjp(*inputs, out=(kept[0], None)).table is None


@pytest.mark.parametrize("dims", [2, 3, 4])
def test_dense_levels_are_scipy_s_interpolation(dims):
    grid = HashGrid(dims=dims, levels=2, features=2, base_resolution=5, growth=2, log2_table_size=20)
    assert not grid.hashed.any()
    rng = np.random.default_rng(3)
    table = rng.normal(size=(grid.num_entries, 2))
    # Up to the last vertex; beyond it a level goes on in its next row.
    points = rng.random((50, dims)) * (1 - 0.5 / grid.scales[0])
    result = hash_grid(points, table, grid).reshape(50, 2, 2)
    for level in range(2):
        side = int(grid.resolutions[level])
        entries = table[grid.offsets[level] :][: side**dims]
        for feature in range(2):
            values = entries[:, feature].reshape([side] * dims).T  # the first coordinate runs fastest
            expected = map_coordinates(values, (points * grid.scales[level] + 0.5).T, order=1)
            np.testing.assert_allclose(result[:, level, feature], expected, rtol=0, atol=1e-12)


def test_hash_of_a_vertex():
    """The middle of a level of scale 31 is vertex (16, 16, 16)."""
    grid = HashGrid(dims=3, levels=1, features=1, base_resolution=32, log2_table_size=10)
    table = np.arange(1024.0)[:, None]
    expected = (16 ^ (16 * 2654435761) ^ (16 * 805459861)) % 2**10
    assert hash_grid(np.full((1, 3), 0.5), table, grid).item() == expected


def test_last_vertices_are_the_next_row_s_first():
    """Cells reach half a cell beyond the last vertex: tiny-cuda-nn's wrap-around."""
    grid = HashGrid(dims=2, levels=1, features=1, base_resolution=4, indexing="dense")
    table = np.arange(16.0)[:, None]
    # At (1, 0): between vertices (3, 0), (4, 0), (3, 1), (4, 1) of four a row, so entries 3, 4, 7, 8; at (1, 1):
    # between 15, 16, 19 and 20, the last three of which are 0, 3 and 4.
    result = hash_grid(np.array([[1.0, 0.0], [1.0, 1.0]]), table, grid)
    np.testing.assert_allclose(result[:, 0], [(3 + 4 + 7 + 8) / 4, (15 + 0 + 3 + 4) / 4])


def test_levels_that_are_left_out(grid, points, table, grad):
    result, active = hash_grid(points, table, grid, max_level=2), 2 * grid.features
    np.testing.assert_array_equal(result[:, :active], hash_grid(points, table, grid)[:, :active])
    assert not result[:, active:].any()
    by_points, by_table = hash_grid_vjp(points, table, grid, grad, max_level=2)
    cut = np.where(np.arange(grid.width) < active, grad, 0)
    np.testing.assert_array_equal(by_points, hash_grid_vjp(points, table, grid, cut).points)
    np.testing.assert_array_equal(by_table, hash_grid_vjp(points, table, grid, cut).table)
    assert not hash_grid(points, table, grid, max_level=0).any()
    assert not any(array.any() for array in hash_grid_vjp(points, table, grid, grad, max_level=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_beside_the_box(grid, table, dtype):
    """They count as the nearest point in it, NaN as 0, and moving them changes nothing."""
    points = np.full((6, grid.dims), 0.3, dtype)
    points[:, 0] = [-1, 2, np.inf, -np.inf, np.nan, 1e30]
    inside = np.full((6, grid.dims), 0.3, dtype)
    inside[:, 0] = [0, 1, 1, 0, 0, 1]
    table = table.astype(dtype)
    np.testing.assert_array_equal(hash_grid(points, table, grid), hash_grid(inside, table, grid))
    grad = np.ones((6, grid.width), dtype)
    ours, theirs = (hash_grid_vjp(p, table, grid, grad) for p in (points, inside))
    assert not ours.points[:, 0].any()
    assert theirs.points[:, 0].any() or grid.interpolation == "smoothstep"
    np.testing.assert_array_equal(ours.points[:, 1:], theirs.points[:, 1:])
    np.testing.assert_array_equal(ours.table, theirs.table)


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17])
def test_sizes(rows):
    grid = HashGrid(levels=3, log2_table_size=8, base_resolution=4)
    points = np.random.default_rng(4).random((rows, 3))
    table = np.random.default_rng(5).normal(size=(grid.num_entries, 2))
    result = hash_grid(points, table, grid)
    np.testing.assert_allclose(result, reference.hash_grid(points, table, grid), rtol=0, atol=1e-13)
    by_points, by_table = hash_grid_vjp(points, table, grid, result)
    assert by_points.shape == (rows, 3)
    assert by_table.any() == (rows > 0)


def many_points(rows=140_001):
    """More than one block of points for every operation."""
    grid = HashGrid.between(4, 64, levels=5, log2_table_size=10)
    rng = np.random.default_rng(6)
    points, grad = rng.random((rows, 3), np.float32), rng.normal(size=(rows, grid.width)).astype(np.float32)
    return points, rng.normal(size=(grid.num_entries, 2)).astype(np.float32), grid, grad


def test_threads_change_no_bit():
    points, table, grid, grad = many_points()
    one, *others = (
        (hash_grid(points, table, grid, num_threads=n), *hash_grid_vjp(points, table, grid, grad, num_threads=n))
        for n in (1, 2, 8)
    )
    for other in others:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    exact = reference.hash_grid_table_vjp(points.astype(float), grid, grad.astype(float))
    np.testing.assert_allclose(one[2], exact, rtol=0, atol=2e-3)  # 18000 terms of size 1 in single precision


SCRIPT = """
import hashlib, numpy as np
from fastcv.nerf import HashGrid, hash_grid, hash_grid_vjp
rng, digest = np.random.default_rng(0), hashlib.sha256()
for dims, features, indexing in ((2, 1, "tiled"), (3, 2, "hash"), (4, 4, "hash")):
    for interpolation in ("linear", "smoothstep"):
        grid = HashGrid(dims, 5, features, 8, 3, 1.7, indexing, interpolation)
        points = rng.uniform(-0.1, 1.1, (1001, dims)).astype(np.float32)
        table = rng.normal(size=(grid.num_entries, features)).astype(np.float32)
        grad = rng.normal(size=(1001, grid.width)).astype(np.float32)
        for t in (table, table.astype(np.float16)):
            for array in (hash_grid(points, t, grid), *hash_grid_vjp(points, t, grid, grad)):
                digest.update(array.tobytes())
print(digest.hexdigest())
"""


def digest(isa: str) -> str:
    environment = {**os.environ, "FASTCV_ISA": isa} if isa else {**os.environ}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_instruction_sets_change_no_bit():
    assert digest("v2") == digest("v3") == digest("")


def test_layouts(grid, points, table):
    expected = hash_grid(points, table, grid)
    strided = np.repeat(points, 2, axis=0)[::2]
    fortran = np.asfortranarray(table)
    for array in (points, table):
        array.flags.writeable = False
    np.testing.assert_array_equal(hash_grid(strided, fortran, grid), expected)
    np.testing.assert_array_equal(hash_grid(points.tolist(), table.tolist(), grid), expected)
    out = np.empty_like(expected)
    assert hash_grid(points, table, grid, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_bad_arguments():
    grid = HashGrid(levels=2, log2_table_size=8)
    points, table = np.zeros((4, 3), np.float32), np.zeros((512, 2), np.float32)
    with pytest.raises(ValueError, match=r"^points: expected shape \(N, 3\), got \(4, 2\)$"):
        hash_grid(points[:, :2], table, grid)
    with pytest.raises(TypeError, match=r"^points: expected dtype float32 or float64, got float16$"):
        hash_grid(points.astype(np.float16), table, grid)
    with pytest.raises(ValueError, match=r"^table: expected shape \(512, 2\), got \(511, 2\)$"):
        hash_grid(points, table[1:], grid)
    with pytest.raises(TypeError, match=r"^table: expected dtype float32 or float16, got float64$"):
        hash_grid(points, table.astype(float), grid)
    with pytest.raises(TypeError, match=r"^table: expected dtype float64, got float16$"):
        hash_grid(points.astype(float), table.astype(np.float16), grid)
    for level in (-1, 3):
        with pytest.raises(ValueError, match=rf"^max_level: expected 0 to 2, got {level}$"):
            hash_grid(points, table, grid, max_level=level)
    with pytest.raises(ValueError, match=r"^out: expected shape \(N, 4\) with N = 4, got \(4, 3\)$"):
        hash_grid(points, table, grid, out=np.empty((4, 3), np.float32))
    with pytest.raises(ValueError, match=r"^out: expected a writeable C-contiguous array, got one that is not$"):
        hash_grid(points, table, grid, out=np.empty((4, 8), np.float32)[:, ::2])
    with pytest.raises(ValueError, match=r"^grad: expected shape \(N, 4\) with N = 4, got \(3, 4\)$"):
        hash_grid_vjp(points, table, grid, np.zeros((3, 4), np.float32))
    with pytest.raises(TypeError, match=r"^grad: expected dtype float32, got float64$"):
        hash_grid_vjp(points, table, grid, np.zeros((4, 4)))
    grad, half = np.zeros((4, 4), np.float32), np.zeros((512, 2), np.float16)
    with pytest.raises(TypeError, match=r"^out\.table: expected dtype float32, got float16$"):
        hash_grid_vjp(points, table, grid, grad, out=(None, half))
    with pytest.raises(ValueError, match=r"^out\.points: expected shape \(N, 3\) with N = 4, got \(3, 3\)$"):
        hash_grid_vjp(points, table, grid, grad, out=(points[1:], None))
    for out in (None, (points, None)):
        with pytest.raises(ValueError, match=r"^accumulate: expected out with a place for the gradient by the table"):
            hash_grid_vjp(points, table, grid, grad, out=out, accumulate=True)
    with pytest.raises(ValueError, match=r"^num_threads: expected 0 \(default\) or more, got -1$"):
        hash_grid(points, table, grid, num_threads=-1)
