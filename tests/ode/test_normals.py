# SPDX-License-Identifier: Apache-2.0
"""The noise: its formula in float64, its distribution by scipy, and that it belongs to a sample alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fastcv import ode
from fastcv.ode import _reference as reference


@pytest.fixture(scope="module")
def million() -> np.ndarray:
    return ode.normals((4, 500_000), seed=1)


def test_follows_the_formula(million):
    """2e-6 of the largest deviates, which are below 7: a float's rounding in a dozen operations."""
    truth = reference.normals(500_000, 1, np.arange(4), 0)
    assert np.abs(million - truth).max() < 2e-6


def test_distribution(million):
    """Two million numbers: a Kolmogorov-Smirnov test, moments and tails within 4.5 standard errors."""
    values = million.ravel().astype(np.float64)
    n = values.size
    assert stats.kstest(values, "norm").pvalue > 1e-4
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((values**power).mean() - mean) < 4.5 * np.sqrt(variance / n)
    for bound in (2.0, 3.0, 4.0, 4.5):
        expected = 2 * n * stats.norm.sf(bound)
        assert abs((np.abs(values) > bound).sum() - expected) < 4.5 * np.sqrt(expected)


def test_neighbours_are_independent(million):
    for lag in (1, 2, 3, 4, 64):
        a, b = million[:, :-lag].ravel().astype(np.float64), million[:, lag:].ravel().astype(np.float64)
        assert abs((a * b).mean()) < 4.5 / np.sqrt(a.size)
        assert abs(((a**2 - 1) * (b**2 - 1)).mean()) < 4.5 * 2 / np.sqrt(a.size)


@pytest.mark.parametrize("other", [{"seed": 2}, {"number": 1}, {"sample_ids": [4, 5, 6, 7]}])
def test_seeds_numbers_and_samples_differ(million, other):
    values = ode.normals((4, 500_000), **{"seed": 1, **other})
    correlation = (values.astype(np.float64) * million).mean()
    assert abs(correlation) < 4.5 / np.sqrt(million.size)


def test_a_sample_keeps_its_noise(million):
    np.testing.assert_array_equal(ode.normals((1, 500_000), seed=1, sample_ids=[2])[0], million[2])
    np.testing.assert_array_equal(ode.normals((3, 1001), seed=1, sample_ids=[3, 0, 2]), million[[3, 0, 2], :1001])
    for size in (1, 2, 3, 4, 5, 127, 128, 129, 513):  # a shorter sample has the same first elements
        np.testing.assert_array_equal(ode.normals((4, size), seed=1), million[:, :size])


def test_one_noise_for_every_dtype(million):
    wide = ode.normals((4, 1000), seed=1, out=np.empty((4, 1000)))
    np.testing.assert_array_equal(wide, million[:, :1000])
    narrow = ode.normals((4, 1000), seed=1, out=np.empty((4, 1000), np.float16))
    np.testing.assert_array_equal(narrow, million[:, :1000].astype(np.float16))


def test_guards():
    with pytest.raises(ValueError, match=r"out: expected shape \(2, 3\), got \(3, 2\)"):
        ode.normals((2, 3), out=np.empty((3, 2)))
