# SPDX-License-Identifier: Apache-2.0
"""Random pixels: which they are by Philox, how often each comes, and that nothing else decides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from fastcv.nerf import PixelBatch, PixelWeights, sample_pixels

SHAPE = (3, 5, 7)


def flat(batch, shape=SHAPE):
    columns, rows = np.floor(batch.pixels).astype(np.int64).T
    np.testing.assert_array_equal(batch.pixels % 1, 0.5)
    return np.ravel_multi_index((batch.images, rows, columns), shape)


def words(seed, step, count):
    """The first 64 bits of numpy's Philox4x64 are others: so Philox4x32-10 by its paper."""
    result = []
    for i in range(count):
        c, k = [i, 0, step & 0xFFFFFFFF, step >> 32], [seed & 0xFFFFFFFF, seed >> 32]
        for _ in range(10):
            p, q = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
            c = [(q >> 32) ^ c[1] ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k[1], p & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        result.append(c[0] | c[1] << 32)
    return result


def test_which_pixels():
    seed, step = 2**40 + 17, 2**33 + 5
    expected = [word * 105 >> 64 for word in words(seed, step, 50)]
    np.testing.assert_array_equal(flat(sample_pixels(50, SHAPE, seed=seed, step=step)), expected)


def test_weights_pick_by_the_sum_below():
    weights = np.random.default_rng(0).random(SHAPE) * (np.random.default_rng(1).random(SHAPE) < 0.4)
    weights[0, 0, 0] = 0
    weights[-1, -1, -1] = 0
    steps = np.rint(weights.ravel() * (2**32 / weights.max())).astype(object)
    sums = np.cumsum(steps)
    expected = [np.flatnonzero(sums > (word * int(sums[-1]) >> 64))[0] for word in words(3, 4, 200)]
    batch = sample_pixels(200, SHAPE, seed=3, step=4, weights=PixelWeights(weights))
    np.testing.assert_array_equal(flat(batch), expected)


def test_how_often():
    counts = np.bincount(flat(sample_pixels(105_000, SHAPE, seed=1)), minlength=105)
    assert chisquare(counts).pvalue > 1e-3
    weights = np.random.default_rng(2).random(SHAPE)
    counts = np.bincount(flat(sample_pixels(105_000, SHAPE, seed=1, weights=PixelWeights(weights))), minlength=105)
    assert chisquare(counts, weights.ravel() / weights.sum() * 105_000).pvalue > 1e-3
    mask = np.random.default_rng(3).random(SHAPE) < 0.2
    batch = sample_pixels(1000, SHAPE, weights=PixelWeights(mask))
    np.testing.assert_array_equal(np.unique(flat(batch)), np.flatnonzero(mask))


def test_seed_step_and_place_decide_and_nothing_else():
    weights = PixelWeights(np.random.default_rng(4).random(SHAPE))
    for w in (None, weights):
        one, *others = (sample_pixels(40_001, SHAPE, seed=5, step=6, weights=w, num_threads=n) for n in (1, 2, 8))
        for other in others:
            np.testing.assert_array_equal(one.pixels, other.pixels)
            np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(sample_pixels(10, SHAPE, seed=5, step=6, weights=w).pixels, one.pixels[:10])
        for options in ({"seed": 6, "step": 6}, {"seed": 5, "step": 7}):
            assert (flat(sample_pixels(1000, SHAPE, **options, weights=w)) != flat(one)[:1000]).mean() > 0.9


def test_large_sets():
    """More pixels than 32 bits can count, without a table."""
    batch = sample_pixels(2000, (1000, 3000, 4000))
    assert batch.images.max() > 990
    assert batch.pixels.max(0).tolist() > [3980, 2980]
    assert sample_pixels(0, SHAPE).pixels.shape == (0, 2)


def test_out(device):
    torch = pytest.importorskip("torch")
    weights = PixelWeights(np.random.default_rng(7).random(SHAPE))
    for w in (None, weights):
        out = torch.empty(100, dtype=torch.int64, device=device.name), torch.empty((100, 2), device=device.name)
        batch = sample_pixels(100, SHAPE, seed=8, weights=w, out=out)
        assert batch.images is out[0]
        expected = sample_pixels(100, SHAPE, seed=8, weights=w)
        np.testing.assert_array_equal(batch.images.cpu(), expected.images)
        np.testing.assert_array_equal(batch.pixels.cpu(), expected.pixels)


def test_bad_arguments():
    for name in ("count", "seed", "step"):
        options = {"count": 1, "seed": 0, "step": 0, name: -1}
        with pytest.raises(ValueError, match=rf"^{name}: expected 0 to 2\^63 - 1, got -1$"):
            sample_pixels(options.pop("count"), SHAPE, **options)
    for shape in ((0, 5, 7), (5, 7)):
        with pytest.raises(ValueError, match=r"^shape: expected \(N, H, W\), all positive, got "):
            sample_pixels(1, shape)
    with pytest.raises(ValueError, match=r"^weights: expected those of \(3, 5, 8\), got \(3, 5, 7\)$"):
        sample_pixels(1, (3, 5, 8), weights=PixelWeights(np.ones(SHAPE)))
    with pytest.raises(ValueError, match=r"^out\[1\]: expected shape \(4, 2\), got \(3, 2\)$"):
        sample_pixels(4, SHAPE, out=PixelBatch(np.empty(4, np.int64), np.empty((3, 2), np.float32)))
    with pytest.raises(TypeError, match=r"^out\[0\]: expected dtype int64, got int32$"):
        sample_pixels(4, SHAPE, out=(np.empty(4, np.int32), np.empty((4, 2), np.float32)))
    with pytest.raises(ValueError, match=r"^weights: expected shape \(N, H, W\), got \(5, 7\)$"):
        PixelWeights(np.ones((5, 7)))
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"^weights: expected finite ones of 0 and more, some positive, got "):
            PixelWeights(np.full(SHAPE, bad))
