# SPDX-License-Identifier: Apache-2.0
"""Soft-argmin against SciPy's softmax and torch's gradients in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from fastcv import mvs

PLANES = mvs.inverse_depth_planes(1.0, 8.0, 24)
K = np.array([[90.0, 0, 40], [0, 88.0, 30], [0, 0, 1]])
NORMAL, OFFSETS = [0.2, -0.1, 1.0], np.linspace(2, 6, 24)


def costs_of(size: tuple[int, int], holes: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    costs = rng.random((24, *size), np.float32)
    costs[rng.random(costs.shape) < holes] = np.nan
    costs[rng.random(costs.shape) < holes / 10] = np.inf
    costs[:, 0, 0] = np.nan
    return costs


def surfaces_of(kind: str, size: tuple[int, int]):
    """Surfaces of a kind, and their inverse depths (D, H, W)."""
    if kind == "planes":
        return PLANES, np.broadcast_to(1 / PLANES[:, None, None], (24, *size))
    if kind == "slanted":
        y, x = np.mgrid[: size[0], : size[1]] + 0.5
        rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(K).T
        return mvs.SlantedPlanes(NORMAL, OFFSETS), rays @ NORMAL / OFFSETS[:, None, None]
    near = 1 + np.random.default_rng(1).random(size, np.float32)
    ratio = np.linspace(0, 1, 24)[:, None, None]
    return mvs.DepthRange(near, near * 2, 24), 1 / near + (1 / near.astype(float) / 2 - 1 / near) * ratio


def expected(costs: np.ndarray, w: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    counts = np.isfinite(costs)
    known = counts.any(0)
    p = np.zeros(costs.shape)
    p[:, known] = softmax(np.where(counts, -costs.astype(float) / temperature, -np.inf)[:, known], 0)
    mean = np.where(known, (p * w).sum(0), 1)
    deviation = np.sqrt((p * (w - mean) ** 2).sum(0))
    return np.where(known, 1 / mean, 0), np.where(known, deviation / mean**2, np.inf)


@pytest.mark.parametrize("temperature", [1e-3, 0.05, 1.0, 1e6])
@pytest.mark.parametrize("kind", ["planes", "slanted", "range"])
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (2, 1030), (33, 81)])
def test_equals_scipy_s_softmax(size, kind, temperature):
    surfaces, w = surfaces_of(kind, size)
    costs = costs_of(size)
    result = mvs.soft_argmin(costs, surfaces, temperature=temperature, K=K)
    for value, reference in zip(result, expected(costs, w, temperature), strict=True):
        # The exponent's own rounding, cost / temperature / 2^24, is part of the weights.
        np.testing.assert_allclose(value, reference, rtol=2e-5, atol=2e-5)
    assert result.depth[0, 0] == 0
    assert result.uncertainty[0, 0] == np.inf


def test_a_low_temperature_picks_the_lowest_cost():
    costs = costs_of((20, 30), holes=0)
    depth = mvs.soft_argmin(costs[:, 1:], PLANES, temperature=1e-8).depth
    np.testing.assert_allclose(depth, PLANES[costs[:, 1:].argmin(0)], rtol=1e-6)


def test_one_surface_and_costs_of_any_size():
    costs = np.array([-1e30, 3e38, 0, np.nan, -np.inf], np.float32).reshape(1, 1, 5)
    result = mvs.soft_argmin(costs, [2.0], temperature=0.1)
    np.testing.assert_array_equal(result.depth, [[2, 2, 2, 0, 0]])
    np.testing.assert_array_equal(result.uncertainty, [[0, 0, 0, np.inf, np.inf]])
    assert mvs.soft_argmin(np.zeros((3, 0, 4), np.float32), [1.0, 2.0, 3.0], temperature=1).depth.shape == (0, 4)


def test_uncertainty_is_the_error_that_is_made():
    """Of a plane seen with noise, two thirds of the errors are less than it and hardly any are three times as large."""
    rng = np.random.default_rng(0)
    truth, deviation = 0.3, 0.01  # inverse depth and its error
    w = np.linspace(0.2, 0.4, 81)[::-1]
    seen = truth + deviation * rng.standard_normal((60, 60))
    costs = (0.5 * ((w[:, None, None] - seen) / deviation) ** 2).astype(np.float32)  # -log of the likelihood
    depth, uncertainty = mvs.soft_argmin(costs, 1 / w, temperature=1.0)
    off = np.abs(depth - 1 / truth) / uncertainty
    assert 0.65 < (off < 1).mean() < 0.71
    assert (off < 3).mean() > 0.99


def test_same_bits_for_every_thread_count_and_strides():
    costs = costs_of((130, 700))
    one, seven = (mvs.soft_argmin(costs, PLANES, temperature=0.1, num_threads=n) for n in (1, 7))
    costs.flags.writeable = False
    turned = np.asfortranarray(costs)
    for result in (seven, mvs.soft_argmin(turned, PLANES, temperature=0.1)):
        for a, b in zip(one, result, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a finite number of 1e-30 or more, got 0.0"),
        ({"temperature": np.nan}, "temperature: expected a finite number"),
        ({"depths": PLANES[:-1]}, "depths: expected 24 surfaces, got 23"),
        ({"depths": mvs.SlantedPlanes(NORMAL, OFFSETS)}, "K: expected the reference's calibration matrix"),
        ({"costs": np.zeros((24, 3), np.float32)}, r"costs: expected shape \(D, H, W\), got \(24, 3\)"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"costs": costs_of((3, 4)), "depths": PLANES, "temperature": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        mvs.soft_argmin(**arguments)


def test_wrong_dtype():
    with pytest.raises(TypeError, match="costs: expected dtype float32, got float64"):
        mvs.soft_argmin(np.zeros((24, 3, 4)), PLANES, temperature=0.1)
