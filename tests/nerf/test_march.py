# SPDX-License-Identifier: Apache-2.0
"""Marching, against a look at every step, slabs in closed form, and with bad input."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from fastcv.errors import DeviceError
from fastcv.nerf import OccupancyGrid, RaySamples, march
from fastcv.nerf._reference_march import dense_march
from fastcv.ode._reference import philox4x32

BOX = np.array([[-1.0, -2.0, 0.5], [3.0, 1.0, 2.5]])  # sides 4, 3 and 2


def rays_at(count: int, box: np.ndarray, spread: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rays from around a box, and some from inside it, to points in it."""
    rng = np.random.default_rng(seed)
    size = box[1] - box[0]
    to = box[0] + rng.random((count, 3)) * size
    origins = box.mean(0) + rng.normal(size=(count, 3)) * size * spread
    origins[::5] = (box[0] + rng.random((count, 3)) * size)[::5]
    directions = to - origins
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return origins.astype(np.float32), directions.astype(np.float32)


def blobs(levels: int, resolution: int, seed: int = 1) -> np.ndarray:
    """A few full blocks, a thin wall and single cells in each level."""
    rng = np.random.default_rng(seed)
    cells = rng.random((levels, *[resolution] * 3)) < 0.01
    for level in cells:
        for corner in rng.integers(0, resolution - 9, (4, 3)):
            z, y, x = corner
            level[z : z + 9, y : y + 9, x : x + 9] = True
        level[:, resolution // 3] = True
    return cells


def compare(samples: RaySamples, truth, device) -> int:
    """Asserts that samples are the truth's, wherever rounding cannot decide otherwise; returns how many there are."""
    offsets = device.get(samples.offsets)
    starts, ends = device.get(samples.starts), device.get(samples.ends)
    undecided = 0
    for ray in range(len(offsets) - 1):
        ours = slice(offsets[ray], offsets[ray + 1])
        # A sample's number is that of the nearest step.
        edges = (truth.starts[ray, 1:] + truth.starts[ray, :-1]) / 2
        numbers = np.searchsorted(edges, starts[ours])
        assert (np.diff(numbers) > 0).all()
        np.testing.assert_allclose(starts[ours], truth.starts[ray, numbers], rtol=3e-5, atol=1e-5)
        np.testing.assert_allclose(ends[ours], truth.ends[ray, numbers], rtol=3e-5, atol=1e-5)
        kept = np.zeros(truth.kept.shape[1], bool)
        kept[numbers] = True
        sure = truth.margin[ray] > 2e-3
        assert (kept == truth.kept[ray])[sure].all()
        undecided += (~sure & (kept | truth.kept[ray])).sum()
        assert (device.get(samples.ray_indices)[ours] == ray).all()
    assert undecided < 0.03 * len(starts)  # 2e-3 cells at both borders of three axes, and at levels' ends
    return len(starts)


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("cone_angle", [0.0, 1 / 64])
def test_every_step(levels, cone_angle, device, there):
    grid = OccupancyGrid.from_occupied(blobs(levels, 32), box=BOX, device=there)
    origins, directions = rays_at(150, BOX, 2.0)
    step, max_step = 0.02, 0.5
    result = march(
        *map(device.put, (origins, directions)), 0.0, np.inf, grid, step=step, cone_angle=cone_angle, max_step=max_step
    )
    arrays = origins.astype(float), directions.astype(float)
    truth = dense_march(*arrays, grid.occupied, BOX, step, cone_angle, max_step, 2500)
    assert (truth.ends[:, -1] > truth.starts[:, 0] + 10).all()  # through the box
    count = compare(result, truth, device)
    assert count > 700
    assert count == device.get(result.offsets)[-1] == device.get(result.wanted)[0]
    assert result.complete
    assert result.num_rays == 150


@pytest.mark.parametrize("levels", [1, 2])
def test_long_steps(levels, device, there):
    """Steps longer than cells ask for coarser levels, or jump over cells of the only one."""
    grid = OccupancyGrid.from_occupied(blobs(levels, 48), box=BOX, device=there)
    origins, directions = rays_at(200, BOX)
    result = march(*map(device.put, (origins, directions)), 0.0, np.inf, grid, step=0.11)
    truth = dense_march(origins.astype(float), directions.astype(float), grid.occupied, BOX, 0.11, 0, 1, 200)
    assert compare(result, truth, device) > 250


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2])
def test_slab_in_closed_form(angle):
    """A wall across the box: as many middles as lie between where the ray meets its two sides."""
    occupied = np.zeros((64, 64, 64), bool)
    occupied[:, :, 20:29] = True
    grid = OccupancyGrid.from_occupied(occupied)
    origin = np.array([[-0.5, 0.5, 0.5 - 0.9 * np.tan(angle)]], np.float32)
    direction = np.array([[np.cos(angle), 0, np.sin(angle)]], np.float32)
    near, step = 0.3, 0.0011
    samples = march(origin, direction, near, 10.0, grid, step=step)
    entry = max((0 + 0.5) / np.cos(angle), (0 - origin[0, 2]) / np.sin(angle) if angle else 0, near)
    wall = (20 / 64 + 0.5) / np.cos(angle), (29 / 64 + 0.5) / np.cos(angle)
    first, last = (np.ceil((t - entry) / step - 0.5) for t in wall)
    assert len(samples.starts) == last - first
    np.testing.assert_allclose(samples.starts[[0, -1]], entry + np.array([first, last - 1]) * step, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(samples.ends[:-1], samples.starts[1:])
    np.testing.assert_array_equal(samples.middles, (samples.starts + samples.ends) / 2)


def test_points_are_middles_in_the_coarsest_box(device, there):
    grid = OccupancyGrid.from_occupied(blobs(2, 16), box=BOX, device=there)
    origins, directions = rays_at(60, BOX)
    samples = march(*map(device.put, (origins, directions)), 0.0, np.inf, grid, points=True)
    middles, rays = device.get(samples.middles), device.get(samples.ray_indices)
    corner, size = grid.coarsest_box[0], grid.coarsest_box[1] - grid.coarsest_box[0]
    expected = (origins[rays] + middles[:, None] * directions[rays] - corner) / size
    np.testing.assert_allclose(device.get(samples.points), expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(size, 2 * (BOX[1] - BOX[0]))


def test_jitter(device, there):
    """Philox (seed, stream 2 << 56, ray), 24 bits of the first word."""
    grid = OccupancyGrid(16, device=there)
    rays = np.arange(7, dtype=np.uint64)
    origins = np.tile(np.float32([0.25, 0.5, 0.5]), (7, 1))
    directions = np.tile(np.float32([1, 0, 0]), (7, 1))
    zero = np.zeros(7, np.uint64)
    words = philox4x32([rays + 40, zero, zero, zero + np.uint64(2 << 24)], 5)[0]
    samples = march(*map(device.put, (origins, directions)), 0.0, 1.0, grid, step=0.125, seed=5, first_ray=40)
    offsets = device.get(samples.offsets)
    first = device.get(samples.starts)[offsets[:-1]]
    np.testing.assert_allclose(first, (words >> np.uint64(8)) * 2.0**-24 * 0.125, rtol=0, atol=1e-7)
    assert len(set(first)) == 7
    part = march(*map(device.put, (origins[3:], directions[3:])), 0, 1, grid, step=0.125, seed=5, first_ray=43)
    np.testing.assert_array_equal(device.get(part.starts), device.get(samples.starts)[offsets[3] :])


def test_rays_without_samples(device, there):
    grid = OccupancyGrid(16, device=there)
    origins = np.tile(np.float32([-1, 0.5, 0.5]), (12, 1))
    directions = np.tile(np.float32([1, 0, 0]), (12, 1))
    near, far = np.zeros(12, np.float32), np.full(12, 3, np.float32)
    origins[1, 1], directions[2, 2], origins[3, 0], directions[4, 0] = np.nan, np.nan, -np.inf, np.inf
    directions[5] = 0
    origins[6] = [0.5, 0.5, 2]  # beside the box, parallel to it
    directions[7] = [-1, 0, 0]  # away from it
    near[8], near[9], far[10] = 2.5, np.nan, np.nan
    near[8], far[8] = 1.5, 1.25
    samples = march(*map(device.put, (origins, directions, near, far)), grid, step=0.25)
    assert np.diff(device.get(samples.offsets)).tolist() == [4, *[0] * 10, 4]
    np.testing.assert_array_equal(device.get(samples.starts), [1, 1.25, 1.5, 1.75] * 2)
    # Steps that single precision cannot count.
    assert march(device.put(origins[:1] * np.float32(1e6)), device.put(directions[:1]), 0, 2e6, grid).offsets[-1] == 0


@pytest.mark.parametrize("cone_angle", [0.0, 1 / 256])
def test_steps_that_change_nothing(cone_angle):
    """t = -1e6 + 1e-3 is -1e6 in single precision; and a ray that begins behind its origin, with steps that count."""
    grid = OccupancyGrid(16, box=[[-1e6] * 3, [1e6] * 3])
    ray = np.zeros((1, 3), np.float32), np.float32([[1, 0, 0]])
    samples = march(*ray, -np.inf, np.inf, grid, step=1e-3, cone_angle=cone_angle, max_step=1e4)
    assert samples.offsets.tolist() == [0, 0]
    samples = march(*ray, -1024.0, 0.0, grid, step=256, cone_angle=cone_angle)
    assert samples.starts.tolist() == [-1024, -768, -512, -256]


def test_no_rays_one_ray_and_an_empty_grid(device, there):
    full, empty = OccupancyGrid(16, device=there), OccupancyGrid.from_occupied(np.zeros([16] * 3, bool), device=there)
    ray = np.float32([[-1, 0.5, 0.5]]), np.float32([[1, 0, 0]])
    none = march(device.put(np.zeros((0, 3), np.float32)), device.put(np.zeros((0, 3), np.float32)), 0, 1, full)
    assert (device.get(none.offsets).tolist(), len(none.starts), none.complete, none.num_rays) == ([0], 0, True, 0)
    assert device.get(march(*map(device.put, ray), 0, 9, empty).offsets).tolist() == [0, 0]
    assert device.get(march(*map(device.put, ray), 0, 9, full, step=0.5, points=True).points).tolist() == [
        [0.25, 0.5, 0.5],
        [0.75, 0.5, 0.5],
    ]


def test_max_samples(device, there):
    """Whole rays up to the limit, none after the first that does not fit."""
    grid = OccupancyGrid(16, device=there)
    origins = np.tile(np.float32([-1, 0.5, 0.5]), (5, 1))
    directions = np.tile(np.float32([1, 0, 0]), (5, 1))
    far = np.float32([2, 2, 2, 0.5, 1.25])
    all_of_them = march(*map(device.put, (origins, directions)), 0.0, device.put(far), grid, step=0.25)
    assert device.get(all_of_them.offsets).tolist() == [0, 4, 8, 12, 12, 13]
    cases = (13, [0, 4, 8, 12, 12, 13]), (12, [0, 4, 8, 12, 12, 12]), (11, [0, 4, 8, 8, 8, 8]), (0, [0] * 6)
    for limit, offsets in cases:
        some = march(*map(device.put, (origins, directions)), 0.0, device.put(far), grid, step=0.25, max_samples=limit)
        assert device.get(some.offsets).tolist() == offsets
        assert some.complete == (limit == 13)
        kept = offsets[-1]
        np.testing.assert_array_equal(device.get(some.starts)[:kept], device.get(all_of_them.starts)[:kept])
        assert not device.get(some.starts)[kept:].any()
        assert len(some.starts) == (kept if device.name == "cpu" else limit)


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True)
def test_a_cuda_graph(device):
    """With a limit nothing waits for the device, so a call can be recorded and played for other rays."""
    import torch

    grid = OccupancyGrid.from_occupied(blobs(1, 32), box=BOX, device=device.name)
    origins, directions = (torch.zeros((500, 3), device=device.name) for _ in range(2))
    march(origins, directions, 0.0, 99.0, grid, max_samples=100_000)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        samples = march(origins, directions, 0.0, 99.0, grid, max_samples=100_000)
    for array, values in zip((origins, directions), rays_at(500, BOX), strict=True):
        array.copy_(torch.from_numpy(values))
    graph.replay()
    expected = march(origins, directions, 0.0, 99.0, grid)
    assert samples.complete
    assert torch.equal(samples.offsets, expected.offsets)
    assert torch.equal(samples.starts[: len(expected.starts)], expected.starts)


def many() -> tuple[OccupancyGrid, np.ndarray, np.ndarray]:
    return OccupancyGrid.from_occupied(blobs(2, 32), box=BOX), *rays_at(3000, BOX, seed=4)


@pytest.mark.parametrize("cone_angle", [0.0, 1 / 256])
def test_threads_and_batches_change_no_bit(cone_angle):
    grid, *rays = many()
    options = {"cone_angle": cone_angle, "seed": 3, "points": True}
    one, *others = (march(*rays, 0.1, np.inf, grid, num_threads=n, **options) for n in (1, 2, 8))
    for other in others:
        for name in ("starts", "ends", "offsets", "ray_indices", "wanted", "points"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    tail = march(*(array[1001:] for array in rays), 0.1, np.inf, grid, first_ray=1001, **options)
    np.testing.assert_array_equal(tail.starts, one.starts[one.offsets[1001] :])
    np.testing.assert_array_equal(tail.offsets, one.offsets[1001:] - one.offsets[1001])


def digest(isa: str) -> str:
    script = "from test_march import print_digest; print_digest()"
    environment = {**os.environ, **({"FASTCV_ISA": isa} if isa else {})}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True,
        cwd=os.path.dirname(__file__),
    ).stdout  # fmt: skip


def print_digest() -> None:
    grid, *rays = many()
    digest = hashlib.sha256()
    for cone_angle in (0.0, 1 / 256):
        samples = march(*rays, 0.1, np.inf, grid, cone_angle=cone_angle, seed=3, points=True)
        for array in (samples.starts, samples.ends, samples.offsets, samples.points):
            digest.update(array.tobytes())
    print(digest.hexdigest())


def test_instruction_sets_change_no_bit():
    assert len(digest("")) == 65
    assert digest("v2") == digest("v3") == digest("")


def test_layouts():
    grid, origins, directions = many()
    expected = march(origins, directions, 0.0, 5.0, grid)
    strided, fortran = np.repeat(origins, 2, axis=0)[::2], np.asfortranarray(directions)
    fortran.flags.writeable = False
    result = march(strided, fortran, np.zeros(3000, np.float32), np.float32(5), grid)
    np.testing.assert_array_equal(result.starts, expected.starts)


def test_torch_tensors_share_a_numpy_grid_on_the_cpu():
    torch = pytest.importorskip("torch")
    grid, *rays = many()
    expected = march(*rays, 0.0, np.inf, grid)
    result = march(*map(torch.from_numpy, rays), 0.0, np.inf, grid)
    assert result.starts.dtype == torch.float32
    assert result.offsets.dtype == torch.int64
    np.testing.assert_array_equal(result.starts, expected.starts)
    np.testing.assert_array_equal(result.offsets, expected.offsets)
    np.testing.assert_array_equal(march(*rays, 0.0, np.inf, _on_torch(grid)).starts, expected.starts)


def _on_torch(grid: OccupancyGrid) -> OccupancyGrid:
    return OccupancyGrid.from_state(grid.state(), device="cpu")


def test_bad_arguments(monkeypatch):
    grid = OccupancyGrid(16)
    rays = np.zeros((4, 3), np.float32), np.ones((4, 3), np.float32)
    for options, text in (
        ({"step": 0}, r"^step: expected a positive number, got 0.0$"),
        ({"step": np.nan}, r"^step: expected a positive number, got nan$"),
        ({"cone_angle": -1}, r"^cone_angle: expected 0 or more, got -1.0$"),
        ({"step": 0.5, "max_step": 0.25}, r"^max_step: expected 0.5 or more, got 0.25$"),
        ({"seed": -1}, r"^seed: expected 0 to 2\*\*64 - 1, got -1$"),
        ({"first_ray": -1}, r"^first_ray: expected 0 to 2\*\*56 - 1, got -1$"),
        ({"max_samples": -1}, r"^max_samples: expected 0 to 2\*\*62, got -1$"),
        ({"num_threads": -1}, r"^num_threads: expected 0 \(default\) or more, got -1$"),
    ):
        with pytest.raises(ValueError, match=text):
            march(*rays, 0.0, 1.0, grid, **options)
    with pytest.raises(ValueError, match=r"^directions: expected shape \(R, 3\) with R = 4, got \(3, 3\)$"):
        march(rays[0], rays[1][1:], 0.0, 1.0, grid)
    with pytest.raises(TypeError, match=r"^origins: expected dtype float32, got float64$"):
        march(rays[0].astype(float), rays[1], 0.0, 1.0, grid)
    with pytest.raises(ValueError, match=r"^near: expected shape \(R,\) with R = 4, got \(3,\)$"):
        march(*rays, np.zeros(3, np.float32), 1.0, grid)
    monkeypatch.setattr(sys.modules[march.__module__], "device_of", lambda _: "cuda")
    with pytest.raises(DeviceError, match=r"^grid: expected one on cpu, got one on cuda$"):
        march(*rays, 0.0, 1.0, grid)
