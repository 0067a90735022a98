# SPDX-License-Identifier: Apache-2.0
"""Occupancy grids: bits from densities, updates, cells that no camera sees, saving."""

from __future__ import annotations

import io

import numpy as np
import pytest

from fastcv import Camera
from fastcv.nerf import OccupancyGrid, march
from fastcv.ode._reference import philox4x32

BOX = np.array([[-1.0, -2.0, 0.5], [3.0, 1.0, 2.5]])


def cell_of(points: np.ndarray, grid: OccupancyGrid, level: int) -> np.ndarray:
    """(N, 3) z, y, x of the cells that points lie in, or None where it is beside the level."""
    size = (grid.box[1] - grid.box[0]) * 2.0**level
    cells = (points - grid.box.mean(0)) / size * grid.resolution + grid.resolution / 2
    return np.floor(cells).astype(int)[:, ::-1]


def pooled(cells: np.ndarray) -> np.ndarray:
    """Whether any of 2 x 2 x 2 cells is set."""
    half = len(cells) // 2
    return cells.reshape(half, 2, half, 2, half, 2).any((1, 3, 5))


def test_bits_are_the_cells(there):
    cells = np.random.default_rng(0).random((1, 48, 48, 48)) < 0.3
    np.testing.assert_array_equal(OccupancyGrid.from_occupied(cells, device=there).occupied, cells)
    np.testing.assert_array_equal(OccupancyGrid.from_occupied(cells[0], device=there).occupied, cells)


def test_coarse_levels_have_what_finer_ones_have(there):
    cells = np.random.default_rng(0).random((3, 32, 32, 32)) < 0.02
    expected = cells.copy()
    for level in (1, 2):
        expected[level, 8:24, 8:24, 8:24] |= pooled(expected[level - 1])
    np.testing.assert_array_equal(OccupancyGrid.from_occupied(cells, device=there).occupied, expected)


def test_a_new_grid_is_full(there):
    grid = OccupancyGrid(16, 2, device=there)
    assert grid.occupied.all()
    assert grid.share == 1
    assert grid.occupied.shape == (2, 16, 16, 16)


def test_nodes_say_which_words_have_any(there):
    cells = np.zeros((16, 16, 32 // 2), bool)
    cells[5, 2, 14] = True  # word (1, 0, 3) of the only node, bit (1, 2, 2)
    grid = OccupancyGrid.from_occupied(cells, device=there)
    state = grid.state()
    assert state["nodes"].tolist() == [1 << (16 * 1 + 4 * 0 + 3)]
    assert state["words"].nonzero()[0].tolist() == [16 * 1 + 4 * 0 + 3]
    assert state["words"].max() == 1 << (16 * 1 + 4 * 2 + 2)


def test_threshold_is_the_mean_or_the_limit(device, there):
    density = np.random.default_rng(1).gamma(0.5, 10.0, (2, 32, 32, 32)).astype(np.float32)
    density[0, :4] = -np.inf
    seen = density[density >= 0].astype(float)
    for limit, expected in ((1e9, seen.mean()), (3.0, 3.0)):
        grid = OccupancyGrid(32, 2, device=there)
        grid.density = device.put(density)
        grid.pack(limit)
        assert device.get(grid.threshold)[0] == pytest.approx(expected, rel=1e-6)
        np.testing.assert_array_equal(grid.occupied[0], density[0] > np.float32(expected))
        assert not grid.occupied[0, :4].any()
    hidden = OccupancyGrid(16, device=there)
    hidden.density[:] = -np.inf
    hidden.pack(1.0)
    assert hidden.share == 0


def test_points_lie_in_their_cells(there):
    """One in each cell, at the place that Philox (seed, stream 1 << 56 | step, cell) says."""
    seen = []

    def density(points):
        seen.append(np.asarray(points.cpu() if there else points).copy())
        return points[:, 0] * 0

    grid = OccupancyGrid(16, 2, box=BOX, device=there)
    grid.update(density, 3, seed=11, batch=3000)
    assert [len(points) for points in seen] == [3000, 3000, 2192]
    points = np.concatenate(seen)
    inner, outer = points[:4096], points[4096:]
    np.testing.assert_array_equal(cell_of(inner, grid, 0), np.indices((16, 16, 16)).reshape(3, -1).T)
    np.testing.assert_array_equal(cell_of(outer, grid, 1), np.indices((16, 16, 16)).reshape(3, -1).T)
    cells = np.arange(8192, dtype=np.uint64)
    zero = np.zeros(8192, np.uint64)
    words = philox4x32([cells, zero, zero + np.uint64(3), zero + np.uint64(1 << 24)], 11)
    inside = np.stack([(w >> np.uint64(8)) * 2.0**-24 for w in words[:3]], 1)[:4096]
    corners = np.indices((16, 16, 16)).reshape(3, -1).T[:, ::-1]
    expected = BOX[0] + (corners + inside) / 16 * (BOX[1] - BOX[0])
    np.testing.assert_allclose(inner, expected, rtol=0, atol=1e-6)


def test_densities_decay_and_rise(device, there):
    grid = OccupancyGrid(16, device=there)
    grid.update(lambda points: points[:, 0] * 0 + 8, 0)
    grid.update(lambda points: points[:, 0] * 0 + 2, 1, decay=0.5)
    assert set(device.get(grid.density).ravel()) == {4.0}
    grid.update(lambda points: points[:, :1] * 0 + 5, 2, decay=0.5)
    assert set(device.get(grid.density).ravel()) == {5.0}


def test_threshold_of_an_update_is_that_of_a_step(there):
    grid = OccupancyGrid(16, box=BOX, device=there)
    limit = 0.01 / (np.sqrt(29) / 1024)
    grid.update(lambda points: points[:, 0] * 0 + 1.01 * limit, 0)
    # The mean is above the limit.
    assert grid.share == 1
    half = OccupancyGrid(16, box=BOX, device=there)
    half.update(lambda points: 0.99 * limit * (points[:, 0] < 1), 0)
    assert half.share == pytest.approx(0.5)  # the mean of 0 and 0.99 of the limit lies between them


def test_a_ball_is_found(there):
    """Every cell that a point of the ball was drawn in, and none beside it."""
    centers = (np.indices((32, 32, 32)).reshape(3, -1).T + 0.5) / 32
    distance = np.linalg.norm(centers - 0.5, axis=1).reshape(32, 32, 32)
    grid = OccupancyGrid(32, device=there)
    for step in range(8):
        grid.update(lambda p: 100.0 * (((p - 0.5) ** 2).sum(1) < 0.09), step)
    diagonal = np.sqrt(3) / 64
    assert grid.occupied[0][distance < 0.3 - diagonal].all()
    assert not grid.occupied[0][distance > 0.3 + diagonal].any()


def test_later_updates_look_at_set_cells_and_a_share_of_others(device, there):
    grid = OccupancyGrid(16, device=there)
    grid.update(lambda p: 100.0 * (p[:, 0] < 0.25), 0)
    assert grid.share == 0.25
    counts = []

    def count(points):
        counts.append(len(points))
        return 100.0 * (points[:, 0] < 0.25)

    looked_at = np.zeros(4096, int)
    for step in range(16, 20):
        cells = grid._cells_of(step, 16, 4)
        looked_at[device.get(cells)] += 1
        grid.update(count, step)
    # A quarter of those that are set have their turn anyway.
    assert counts == [1024 + 3072 // 4] * 4
    full = grid.occupied.ravel()
    assert (looked_at[full] == 4).all()
    assert (looked_at[~full] == 1).all()


def test_threads_change_no_bit():
    states = []
    for threads in (1, 2, 8):
        grid = OccupancyGrid(48, 2, box=BOX)
        for step in (0, 20):
            grid.update(lambda p: np.abs(np.sin(9 * p).prod(1)) * 20, step, num_threads=threads, threshold=1.0)
        states.append(grid.state())
    assert 0.05 < grid.share < 0.95
    for other in states[1:]:
        for name, array in states[0].items():
            np.testing.assert_array_equal(array, other[name])


def test_cells_that_no_camera_sees(there):
    """A camera that looks along z from below at a part of the box, in closed form."""
    camera = Camera("PINHOLE", 200, 100, [100.0, 100.0, 100.0, 50.0])
    eye = np.array([0.5, 0.5, -2.0])
    pose = np.concatenate([np.eye(3), -eye[:, None]], 1)
    grid = OccupancyGrid(32, device=there)
    grid.mark_invisible([(camera, pose)])
    z, y, x = np.indices((33, 33, 33)) / 32
    depth = z + 2
    seen = (np.abs(x - 0.5) <= depth) & (np.abs(y - 0.5) <= 0.5 * depth)
    corners = [seen[a : a + 32, b : b + 32, c : c + 32] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    expected = np.any(corners, axis=0)
    assert expected.all()  # at this distance
    pose = np.concatenate([np.eye(3), -np.array([[0.5], [0.5], [0.01]])], 1)
    grid.mark_invisible([(camera, pose)])
    depth = z - 0.01
    seen = (depth > 0) & (np.abs(x - 0.5) <= depth) & (np.abs(y - 0.5) <= 0.5 * depth)
    corners = [seen[a : a + 32, b : b + 32, c : c + 32] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    expected = np.any(corners, axis=0)
    z, y, x = (np.indices((32, 32, 32)) + 0.5) / 32
    near = (x - 0.5) ** 2 + (y - 0.5) ** 2 + (z - 0.01) ** 2 < 3 / 32**2
    visible = np.asarray(grid.density.cpu() if there else grid.density)[0] >= 0
    np.testing.assert_array_equal(visible, expected | near)
    assert 0.1 < visible.mean() < 0.9
    grid.update(lambda p: p[:, 0] * 0 + 1e4, 0)
    np.testing.assert_array_equal(grid.occupied[0], visible)


def test_state(there):
    grid = OccupancyGrid(16, 2, box=BOX, device=there)
    grid.update(lambda p: 20.0 * (p[:, 0] > 1), 0)
    file = io.BytesIO()
    np.savez(file, **grid.state())
    file.seek(0)
    loaded = OccupancyGrid.from_state(dict(np.load(file)), device=there)
    for name, array in grid.state().items():
        np.testing.assert_array_equal(loaded.state()[name], array)
    for step in (1, 16):
        for each in (grid, loaded):
            each.update(lambda p: 20.0 * (p[:, 1] > 0), step)
    np.testing.assert_array_equal(grid.state()["words"], loaded.state()["words"])


def test_torch_and_numpy_densities_make_the_same_grid():
    torch = pytest.importorskip("torch")
    ours, theirs = OccupancyGrid(16, box=BOX), OccupancyGrid(16, box=BOX, device="cpu")
    weight = torch.ones(1, requires_grad=True)
    for step in (0, 16):
        ours.update(lambda p: np.square(p[:, 0]), step)
        theirs.update(lambda p: p[:, 0].square() * weight, step)
    assert isinstance(theirs.words, torch.Tensor)
    assert not theirs.density.requires_grad
    for name, array in ours.state().items():
        np.testing.assert_array_equal(theirs.state()[name], array)
    ray = torch.tensor([[-2.0, 0, 1]]), torch.tensor([[1.0, 0, 0]])
    assert torch.equal(march(*ray, 0, 9, theirs).starts, march(*ray, 0, 9, ours).starts)


def test_bad_arguments():
    for options, text in (
        ({"resolution": 24}, r"^resolution: expected a multiple of 16 up to 1024, got 24$"),
        ({"resolution": 0}, r"^resolution: expected a multiple of 16 up to 1024, got 0$"),
        ({"levels": 0}, r"^levels: expected 1 to 16, got 0$"),
        ({"box": [[0, 0, 0], [1, 0, 1]]}, r"^box: expected a lowest and a highest corner, got "),
        ({"box": [0, 1]}, r"^box: expected shape \(2, 3\), got \(2,\)$"),
    ):
        with pytest.raises(ValueError, match=text):
            OccupancyGrid(**options)
    with pytest.raises(ValueError, match=r"^occupied: expected shape \(\*, 16, 16, 16\), got \(1, 16, 32, 16\)$"):
        OccupancyGrid.from_occupied(np.zeros((16, 32, 16)))
    grid = OccupancyGrid(16)
    before = grid.state()
    for name, value in (("step", -1), ("decay", 1.5), ("threshold", -1), ("period", 0), ("seed", -1), ("batch", 0)):
        with pytest.raises(ValueError, match=rf"^{name}: expected a number in its range, got {value}$"):
            grid.update(lambda p: p[:, 0], **{"step": 0, name: value})
    shapes = r"^density_function: expected shape \(4096,\) or \(4096, 1\), got \(4096, 3\)$"
    with pytest.raises(ValueError, match=shapes):
        grid.update(lambda p: p, 0)
    with pytest.raises(ValueError, match=r"^density_function: expected finite densities, got one that is not$"):
        grid.update(lambda p: np.where(p[:, 0] < 0.1, np.nan, 1), 0)
    for name, array in before.items():  # as it was
        np.testing.assert_array_equal(grid.state()[name], array)
    with pytest.raises(ValueError, match=r"^state: expected box, .*, got none of words$"):
        OccupancyGrid.from_state({k: v for k, v in before.items() if k != "words"})
    with pytest.raises(ValueError, match=r"^words: expected shape \(64,\), got \(63,\)$"):
        OccupancyGrid.from_state({**before, "words": before["words"][1:]})
    with pytest.raises(ValueError, match=r"^cameras\[0\]: expected shape \(3, 4\), got \(3, 3\)$"):
        grid.mark_invisible([(Camera("PINHOLE", 2, 2, [1, 1, 1, 1]), np.eye(3))])
