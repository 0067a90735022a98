# SPDX-License-Identifier: Apache-2.0
"""The noise is uniform, uncorrelated, smooth, and depends on place and seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.synthetic.noise import hash_cells, uniform, value_noise


def lattice(n: int) -> np.ndarray:
    """All integer cells of a cube about the origin, (n^3, 3) int32."""
    return np.stack(np.meshgrid(*[np.arange(-n // 2, n // 2)] * 3, indexing="ij"), -1).reshape(-1, 3).astype(np.int32)


def test_lattice_values_are_uniform() -> None:
    values = uniform(hash_cells(lattice(32), seed=3))
    counts, _ = np.histogram(values, bins=64, range=(0, 1))
    # Chi-square with 63 degrees of freedom: 103.4 is exceeded with probability 0.001.
    assert ((counts - 512) ** 2 / 512).sum() < 103.4
    assert values.min() >= 0
    assert values.max() < 1


@pytest.mark.parametrize("low_half", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_neighbours_are_uncorrelated(axis: int, low_half: bool) -> None:
    cells = lattice(32)
    here = uniform(hash_cells(cells, seed=1), low_half)
    beside = uniform(hash_cells(cells + np.eye(3, dtype=np.int32)[axis], seed=1), low_half)
    # Standard deviation of a correlation of 32768 independent pairs is 0.0055; five of them.
    assert abs(np.corrcoef(here, beside)[0, 1]) < 0.028


def test_seeds_and_halves_are_uncorrelated() -> None:
    words = [hash_cells(lattice(32), seed) for seed in (0, 1)]
    assert abs(np.corrcoef(uniform(words[0]), uniform(words[1]))[0, 1]) < 0.028
    assert abs(np.corrcoef(uniform(words[0]), uniform(words[0], low_half=True))[0, 1]) < 0.028


def test_noise_interpolates_the_lattice() -> None:
    """At integer points it is the lattice value; half way along an edge it is the mean of the two ends."""
    cells = lattice(8)
    values = uniform(hash_cells(cells, 7)), uniform(hash_cells(cells, 7), low_half=True)
    for noise, value in zip(value_noise(cells.astype(np.float32), 7, 2), values, strict=True):
        np.testing.assert_array_equal(noise, value)
    ends = uniform(hash_cells(cells + np.array([0, 1, 0], np.int32), 7))
    (half_way,) = value_noise(cells.astype(np.float32) + np.float32([0, 0.5, 0]), 7)
    np.testing.assert_allclose(half_way, (values[0] + ends) / 2, atol=1e-6)


def test_noise_has_no_jump() -> None:
    """The fade's slope is at most 1.5, so steps of 0.001 along each axis change the value by at most 0.0045."""
    along = np.linspace(-4, 4, 8001, dtype=np.float32)
    (values,) = value_noise(np.stack([along, along, along], 1), seed=2)
    assert np.abs(np.diff(values)).max() < 0.0046


def test_result_depends_on_the_point_alone() -> None:
    points = np.random.default_rng(0).uniform(-50, 50, (1000, 3)).astype(np.float32)
    (together,) = value_noise(points, 5)
    apart = np.concatenate([value_noise(np.asfortranarray(points[i : i + 7]), 5)[0] for i in range(0, 1000, 7)])
    np.testing.assert_array_equal(together, apart)
    assert value_noise(points[:0], 5)[0].shape == (0,)
