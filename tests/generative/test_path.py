# SPDX-License-Identifier: Apache-2.0
"""Paths: closed forms, derivatives, inverses, discrete schedules."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from fastcv.generative import Path, cosine_betas, linear_betas, scaled_linear_betas, zero_terminal_snr

EVERY = {
    "straight": Path.conditional_ot(),
    "with sigma_min": Path.conditional_ot(0.1),
    "vp": Path.vp(),
    "ve": Path.ve(),
    "discrete": Path.from_betas(scaled_linear_betas()),
    "no signal at the end": Path.from_betas(zero_terminal_snr(linear_betas())),
    "cosine by hand": Path(lambda t: np.sin(t * np.pi / 2), lambda t: np.cos(t * np.pi / 2), t_noise=0.0, t_data=1.0),
    "reversed": Path.vp().reversed(),
}


@pytest.fixture(params=EVERY)
def path(request: pytest.FixtureRequest) -> Path:
    return EVERY[request.param]


def inner(path: Path, count: int = 41) -> np.ndarray:
    return np.linspace(path.t_noise, path.t_data, count + 2)[1:-1]


def test_noise_falls_all_the_way(path):
    t = np.linspace(path.t_noise, path.t_data, 500)
    ratio = path.noise_ratio(t)
    assert (ratio[1:] < ratio[:-1]).all()


def test_derivatives(path):
    """Against differences of fourth order; schedules are kinked at their steps, half-way between they are smooth."""
    t = inner(path)
    if path.t_data == -1:
        t = np.floor(t) + 0.5
    h = 1e-4 * abs(path.t_data - path.t_noise)
    for function, derivative in zip((path.alpha, path.sigma), path.derivatives(t), strict=True):
        differences = (8 * (function(t + h) - function(t - h)) - function(t + 2 * h) + function(t - 2 * h)) / (12 * h)
        scale = np.abs(derivative).max()
        np.testing.assert_allclose(derivative, differences, rtol=0, atol=2e-6 * scale)


def test_times_of_noise_levels(path):
    t = inner(path)
    np.testing.assert_allclose(path.time_at(path.noise_ratio(t)), t, rtol=1e-9, atol=1e-12)
    assert path.time_at(np.inf) == path.t_noise
    assert path.time_at(0.0) == path.t_data


def test_vp_is_the_integral_of_its_beta():
    """Song et al. 2021: α(t) = exp(-1/2 ∫ β), α² + σ² = 1."""
    path = Path.vp(0.2, 15.0)
    for t in (0.1, 0.5, 1.0):
        integral = quad(lambda s: 0.2 + s * 14.8, 0, t)[0]
        assert path.alpha(t) == pytest.approx(np.exp(-0.5 * integral), rel=1e-12)
        assert path.alpha(t) ** 2 + path.sigma(t) ** 2 == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("betas", [linear_betas(), scaled_linear_betas(), cosine_betas(), linear_betas(1)])
def test_discrete_steps(betas):
    path, kept = Path.from_betas(betas), np.cumprod(1 - betas)
    t = np.arange(len(betas))
    np.testing.assert_allclose(path.alpha(t), np.sqrt(kept), rtol=1e-12)
    np.testing.assert_allclose(path.sigma(t), np.sqrt(1 - kept), rtol=1e-9)
    assert (path.alpha(-1.0), path.sigma(-1.0)) == (1, 0)


def test_reversed():
    path, back = Path.vp(), Path.vp().reversed()
    t = np.linspace(0.1, 0.9, 5)
    np.testing.assert_array_equal(back.alpha(t), path.alpha(1 - t))
    np.testing.assert_allclose(back.derivatives(t)[0], -path.derivatives(1 - t)[0], rtol=1e-14)
    assert (back.t_noise, back.t_data) == (0, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Path.conditional_ot(1.0), "sigma_min: expected 0 to 1, got 1.0"),
        (lambda: Path.vp(2.0, 1.0), "beta_max: expected at least beta_min"),
        (lambda: Path.ve(0.0), "sigma_max: expected a positive number"),
        (lambda: Path.from_betas([]), "betas: expected numbers above 0"),
        (lambda: Path.from_betas([0.5, 1.5]), "betas: expected numbers above 0"),
        (lambda: Path.from_betas([[0.5]]), "betas: expected numbers above 0"),
        (lambda: Path.vp().time_at([-1.0]), "noise_ratio: expected numbers from 0"),
        (lambda: Path(np.log, np.exp, 0.0, 1.0).at(np.zeros(1)), "times: expected times at which alpha and sigma"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_guards(make, message):
    with pytest.raises(ValueError, match=message):
        make()
