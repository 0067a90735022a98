# SPDX-License-Identifier: Apache-2.0
"""Even intervals and those by weights, against numpy's interpolation, and with bad input."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import OccupancyGrid, march, merge_edges, sample_pdf, sample_stratified
from fastcv.nerf import _reference_march as reference
from fastcv.ode._reference import philox4x32


def uniforms(seed: int, purpose: int, rows: int, count: int) -> np.ndarray:
    """(rows, count) numbers k of rows, from Philox (seed, purpose << 56 | row, k // 4)."""
    row, block = np.indices((rows, (count + 3) // 4), np.uint64)
    zero = np.zeros_like(row)
    words = np.stack(philox4x32([block, zero, row, zero + np.uint64(purpose << 24)], seed), -1)
    return ((words.reshape(rows, -1) >> np.uint64(8)) * 2.0**-24)[:, :count]


def places(count: int, jitter: np.ndarray | None = None) -> np.ndarray:
    """Where edges lie in [0, 1]; the first and the last stay."""
    k = np.arange(count + 1.0)
    if jitter is None:
        return k / count
    moved = (k + jitter - 0.5) / count
    moved[:, 0], moved[:, -1] = 0, 1
    return moved


@pytest.mark.parametrize("spacing", ["linear", "disparity"])
@pytest.mark.parametrize("seed", [None, 7])
def test_stratified(spacing, seed, device):
    rng = np.random.default_rng(0)
    near = rng.uniform(0.1, 1, 37).astype(np.float32)
    far = near + rng.uniform(0, 5, 37).astype(np.float32)
    s = places(13, None if seed is None else uniforms(seed, 3, 37, 14))
    a, b = near[:, None].astype(float), far[:, None].astype(float)
    expected = a + (b - a) * s if spacing == "linear" else 1 / ((1 - s) / a + s / b)
    result = device.get(sample_stratified(*map(device.put, (near, far)), 13, spacing=spacing, seed=seed))
    # 1 - s is known to 6e-8, and counts up to 60 times as much as s.
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    np.testing.assert_array_equal(result[:, [0, -1]], np.stack([near, far], 1))
    assert (np.diff(result) >= 0).all()


def test_stratified_ends_and_batches():
    near, far = np.float32([1, 0, np.nan, 3, 2, 2]), np.float32([np.inf, 5, 1, 2, 2, np.nan])
    result = sample_stratified(near, far, 4, spacing="disparity")
    np.testing.assert_allclose(result[:2], [[1, 4 / 3, 2, 4, np.inf], [0, 0, 0, 0, 5]], rtol=1e-6)
    np.testing.assert_array_equal(result[2:], [[0] * 5, [0] * 5, [2] * 5, [0] * 5])
    near, far = np.zeros(1000, np.float32), np.ones(1000, np.float32)
    one, *others = (sample_stratified(near, far, 33, seed=1, num_threads=n) for n in (1, 2, 8))
    for other in others:
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(sample_stratified(near[600:], far[600:], 33, seed=1, first_ray=600), one[600:])
    assert sample_stratified(near[:0], far[:0], 3).shape == (0, 4)


@pytest.mark.parametrize("seed", [None, 5])
def test_pdf(seed, device):
    rng = np.random.default_rng(1)
    edges = np.sort(rng.random((53, 20)), 1).astype(np.float32)
    weights = rng.gamma(0.3, 1.0, (53, 19)).astype(np.float32)
    result = device.get(sample_pdf(*map(device.put, (edges, weights)), 31, seed=seed))
    s = np.broadcast_to(places(31, None if seed is None else uniforms(seed, 4, 53, 32)), (53, 32))
    expected = reference.sample_pdf(edges.astype(float), weights.astype(float), s)
    # Places are known to 6e-8, and small weights make long steps of them.
    np.testing.assert_allclose(result, expected, rtol=0, atol=2e-4)
    assert np.abs(result - expected).mean() < 1e-6
    assert (np.diff(result) >= 0).all()


def test_pdf_by_hand(device):
    """Equal shares of weight; what is no weight; rays without any."""
    edges = np.tile(np.float32([0, 1, 3, 4, 6]), (6, 1))
    weights = np.float32([[0, 3, 1, 0], [0, 0, 0, 0], [np.nan, 1, -1, 0], [0, 0, 0, 2], [1, 0, 0, 1], [np.inf] * 4])
    result = device.get(sample_pdf(*map(device.put, (edges, weights)), 4))
    expected = [
        [1, 5 / 3, 7 / 3, 3, 4],
        [0, 1.5, 3, 4.5, 6],
        [1, 1.5, 2, 2.5, 3],
        [4, 4.5, 5, 5.5, 6],
        [0, 0.5, 4, 5, 6],
        [0, 1.5, 3, 4.5, 6],
    ]
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_pdf_packed(device, there):
    """Intervals with gaps between them: no edge lies in a gap."""
    occupied = np.zeros((16, 16, 16), bool)
    occupied[:, :, [2, 3, 9]] = True
    grid = OccupancyGrid.from_occupied(occupied, device=there)
    origins = np.float32([[-1, 0.5, 0.5], [-1, 5, 0.5], [-1, 0.2, 0.2]])
    directions = np.tile(np.float32([1, 0, 0]), (3, 1))
    samples = march(*map(device.put, (origins, directions)), 0.0, 9.0, grid, step=1 / 16)
    assert device.get(samples.offsets).tolist() == [0, 3, 3, 6]
    weights = np.float32([1, 1, 2, 0, 0, 5])
    result = device.get(sample_pdf(samples, device.put(weights), 4))
    expected = np.array([[2, 3, 9, 9.5, 10], [-16] * 5, [9, 9.25, 9.5, 9.75, 10]]) / 16 + 1
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)


def test_merge(device):
    rng = np.random.default_rng(2)
    a, b = (np.sort(rng.integers(0, 9, (23, n)), 1).astype(np.float32) for n in (7, 12))
    expected = np.sort(np.concatenate([a, b], 1), 1)
    np.testing.assert_array_equal(device.get(merge_edges(*map(device.put, (a, b)))), expected)
    np.testing.assert_array_equal(merge_edges(a, b[:, :0]), a)
    np.testing.assert_array_equal(merge_edges(a[:0], b[:0]).shape, (0, 19))


def test_threads_change_no_bit():
    rng = np.random.default_rng(3)
    edges, weights = np.sort(rng.random((2000, 33)), 1).astype(np.float32), rng.random((2000, 32)).astype(np.float32)
    one, *others = (sample_pdf(edges, weights, 16, seed=2, num_threads=n) for n in (1, 2, 8))
    for other in others:
        np.testing.assert_array_equal(one, other)
    part = sample_pdf(edges[1500:], weights[1500:], 16, seed=2, first_ray=1500)
    np.testing.assert_array_equal(part, one[1500:])


def test_torch():
    torch = pytest.importorskip("torch")
    near, far = torch.zeros(3), torch.ones(3, requires_grad=True)
    edges = sample_stratified(near, far, 4)
    assert not edges.requires_grad
    fine = sample_pdf(edges, torch.ones(3, 4, requires_grad=True), 2)
    np.testing.assert_array_equal(merge_edges(edges, fine), [[0, 0, 0.25, 0.5, 0.5, 0.75, 1, 1]] * 3)


def test_torch_compile(device):
    torch = pytest.importorskip("torch")
    from fastcv.nerf import _torch_sampling

    near, far = torch.zeros(5, device=device.name), torch.rand(5, device=device.name) + 1

    def edges(near, far):
        coarse = sample_stratified(near, far, 8, seed=2**64 - 1)
        fine = sample_pdf(coarse, torch.sin(9 * coarse[:, 1:]), 5, seed=1)
        return merge_edges(coarse, fine)

    compiled = torch.compile(edges, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(near, far), edges(near, far))
    numpy_edges = sample_stratified(near.cpu().numpy(), far.cpu().numpy(), 8, seed=2**64 - 1)
    coarse = sample_stratified(near, far, 8, seed=2**64 - 1)
    np.testing.assert_array_equal(coarse.cpu(), numpy_edges)
    weights, offsets = torch.ones(8, device=device.name), torch.tensor([0, 8], device=device.name)
    torch.library.opcheck(_torch_sampling.stratified_op, (near, far, 8, True, -1, 0, 0))
    torch.library.opcheck(_torch_sampling.pdf_op, (coarse, None, coarse[:, 1:].contiguous(), None, 3, None, 0, 0))
    torch.library.opcheck(_torch_sampling.pdf_op, (weights, weights + 1, weights, offsets, 3, 7, 0, 0))
    torch.library.opcheck(_torch_sampling.merged_op, (coarse, coarse, 0))


def test_bad_arguments():
    ends = np.zeros(4, np.float32), np.ones(4, np.float32)
    edges, weights = np.zeros((4, 6), np.float32), np.zeros((4, 5), np.float32)
    with pytest.raises(ValueError, match=r"^num_intervals: expected 1 to 1048576, got 0$"):
        sample_stratified(*ends, 0)
    with pytest.raises(ValueError, match=r"^spacing: expected linear or disparity, got log$"):
        sample_stratified(*ends, 3, spacing="log")
    with pytest.raises(ValueError, match=r"^seed: expected 0 to 2\*\*64 - 1, got -1$"):
        sample_pdf(edges, weights, 3, seed=-1)
    with pytest.raises(ValueError, match=r"^first_ray: expected 0 to 2\*\*56 - 1, got -1$"):
        sample_pdf(edges, weights, 3, first_ray=-1)
    with pytest.raises(ValueError, match=r"^far: expected shape \(R,\) with R = 4, got \(3,\)$"):
        sample_stratified(ends[0], ends[1][1:], 3)
    with pytest.raises(TypeError, match=r"^near: expected dtype float32, got float64$"):
        sample_stratified(ends[0].astype(float), ends[1], 3)
    with pytest.raises(ValueError, match=r"^weights: expected shape \(4, 5\), got \(4, 6\)$"):
        sample_pdf(edges, edges, 3)
    with pytest.raises(ValueError, match=r"^intervals: expected edges of one interval or more, got shape \(4, 1\)$"):
        sample_pdf(edges[:, :1], weights[:, :0], 3)
    with pytest.raises(ValueError, match=r"^b: expected shape \(R, B\) with R = 4, got \(3, 6\)$"):
        merge_edges(edges, edges[1:])
