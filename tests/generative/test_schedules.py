# SPDX-License-Identifier: Apache-2.0
"""Schedules and grids against their definitions and published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.generative import (
    cosine_betas,
    exponential,
    karras,
    linear_betas,
    polyexponential,
    scaled_linear_betas,
    shift_times,
    zero_terminal_snr,
)


def test_betas():
    """Ends as published; the signal left by DDPM's, and the largest noise level of Stable Diffusion's."""
    linear, scaled = linear_betas(), scaled_linear_betas()
    np.testing.assert_allclose(linear[[0, 1, -1]], [1e-4, 1e-4 + 0.0199 / 999, 0.02])
    assert np.prod(1 - linear) == pytest.approx(4.04e-5, rel=1e-2)
    np.testing.assert_allclose(scaled[[0, -1]], [0.00085, 0.012])
    kept = np.prod(1 - scaled)
    assert np.sqrt((1 - kept) / kept) == pytest.approx(14.6146, rel=1e-4)


def test_cosine_betas():
    betas = cosine_betas(1000)
    t = np.arange(1, 990) / 1000  # the clamp at 0.999 acts on the last steps alone
    expected = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(np.cumprod(1 - betas)[:989], expected, rtol=1e-10)
    assert betas.max() == 0.999


def test_zero_terminal_snr():
    before, after = linear_betas(), zero_terminal_snr(linear_betas())
    signal_before, signal = np.sqrt(np.cumprod(1 - before)), np.sqrt(np.cumprod(1 - after))
    assert signal[-1] == 0
    assert signal[0] == pytest.approx(signal_before[0], rel=1e-14)
    slope = np.diff(signal) / np.diff(signal_before)  # shifted and scaled: one slope everywhere
    np.testing.assert_allclose(slope, slope[0], rtol=1e-8)


@pytest.mark.parametrize("grid", [karras, exponential, polyexponential])
def test_levels(grid):
    levels = grid(9, 0.02, 80.0)
    assert levels.shape == (10,)
    np.testing.assert_allclose(levels[[0, 8, 9]], [80, 0.02, 0], rtol=1e-12)
    assert (np.diff(levels) < 0).all()


def test_spacing():
    np.testing.assert_allclose(np.diff(karras(9, 0.02, 80.0, 5.0)[:-1] ** (1 / 5), 2), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(np.log(exponential(9, 0.02, 80.0)[:-1]), 2), 0, atol=1e-12)
    curved = np.log(polyexponential(9, 0.02, 80.0, 2.0)[:-1] / 0.02)
    np.testing.assert_allclose(np.diff(np.sqrt(curved), 2), 0, atol=1e-12)


def test_shift():
    """σ' = s σ / (1 + (s - 1) σ); s and 1/s undo each other."""
    t = np.linspace(0, 1, 11)
    noise = 1 - t
    np.testing.assert_allclose(1 - shift_times(t, 3.0), 3 * noise / (1 + 2 * noise), rtol=1e-14)
    np.testing.assert_allclose(shift_times(shift_times(t, 3.0), 1 / 3), t, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear_betas(0), "num_steps: expected 1 or more, got 0"),
        (lambda: zero_terminal_snr([0.1]), "betas: expected two numbers or more"),
        (lambda: karras(5, 0.0, 1.0), "smallest: expected 0 < smallest <= largest"),
        (lambda: exponential(5, 2.0, 1.0), "smallest: expected 0 < smallest <= largest"),
        (lambda: karras(0, 0.1, 1.0), "num: expected 1 or more, got 0"),
        (lambda: shift_times([0.5], 0.0), "shift: expected a positive number"),
    ],
)
def test_guards(make, message):
    with pytest.raises(ValueError, match=message):
        make()
