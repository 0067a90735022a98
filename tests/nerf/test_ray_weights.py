# SPDX-License-Identifier: Apache-2.0
"""Distortion, median depth and random backgrounds against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import (
    DistortionGradients,
    _reference_render,
    distortion_loss,
    distortion_loss_vjp,
    median_depth,
    random_background,
    render,
    render_weights,
)

from .ray_samples import cast, make


def weights_of(counts, dtype="float64"):
    s = make(counts)
    return [x.astype(dtype) for x in (render_weights(s.densities, *s[2:]), s.starts, s.ends)], s.offsets


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distortion(dtype, device):
    arrays, offsets = weights_of([0, 1, 2, 50, 0, 7], dtype)
    put = [device.put(array) for array in (*arrays, offsets)]
    exact = [array.astype(float) for array in arrays]
    expected = _reference_render.distortion_loss(*exact, offsets)
    tolerance = {"rtol": 0, "atol": 1e-7 if dtype == "float32" else 1e-14}
    np.testing.assert_allclose(device.get(distortion_loss(*put)), expected, **tolerance)
    grad = np.random.default_rng(1).normal(size=6).astype(dtype)
    result = distortion_loss_vjp(*put, device.put(grad))
    step = 1e-100j
    for k, name in enumerate(DistortionGradients._fields):
        slopes = np.zeros(len(arrays[0]))
        for i in range(len(slopes)):
            moved = [array.astype(complex) for array in exact]
            moved[k][i] += step
            slopes[i] = (grad * _reference_render.distortion_loss(*moved, offsets).imag / step.imag).sum()
        ours = device.get(getattr(result, name))
        np.testing.assert_allclose(ours, slopes, rtol=0, atol=2e-6 if dtype == "float32" else 1e-13, err_msg=name)


def test_distortion_of_light_stopped_evenly():
    """Weight 1 over [0, 1]: the mean distance of two points is 1/3, whatever the sampling."""
    edges = np.linspace(0, 1, 10_001)
    result = distortion_loss(np.full((1, 10_000), 1e-4), edges[None, :-1], edges[None, 1:])
    np.testing.assert_allclose(result, 1 / 3, rtol=1e-12)


def test_median_depth(device):
    """Even fog of density σ from 2 on has half its light left at 2 + ln 2 / σ."""
    edges = np.linspace(2, 9, 30)
    densities = np.repeat([[0.4], [2.0], [0.01]], 29, axis=1)
    starts, ends = np.broadcast_to(edges[:-1], (3, 29)), np.broadcast_to(edges[1:], (3, 29))
    for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-6)):
        put = [device.put(np.array(x, dtype)) for x in (densities, starts, ends)]
        result = device.get(median_depth(render_weights(*put), *put[1:]))
        np.testing.assert_allclose(result, [2 + np.log(2) / 0.4, 2 + np.log(2) / 2, 0], rtol=tolerance)


def test_median_depth_of_a_wall_and_of_none():
    weights, edges = np.array([0.25, 0.0, 0.75, np.nan]), np.arange(5.0)
    result = median_depth(weights, edges[:-1], edges[1:], np.array([0, 3, 3, 4]))
    np.testing.assert_array_equal(result, [2, 0, 0])


def test_threads_change_no_bit():
    arrays, offsets = weights_of(np.random.default_rng(2).integers(0, 200, 700), "float32")
    grad = np.random.default_rng(3).random(700, np.float32)
    assert offsets[-1] > 2 * 2**15
    results = [
        (
            distortion_loss(*arrays, offsets, num_threads=n),
            *distortion_loss_vjp(*arrays, offsets, grad, num_threads=n),
            median_depth(*arrays, offsets, num_threads=n),
            random_background(30_000, seed=5, num_threads=n),
        )
        for n in (1, 2, 8)
    ]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_bad_offsets():
    one = np.ones(3)
    for call in (distortion_loss, median_depth):
        with pytest.raises(ValueError, match=r"^offsets: expected numbers that rise from 0 to at most 3, got others"):
            call(one, one, one, np.array([0, 4]))
    with pytest.raises(ValueError, match=r"^grad: expected shape \(R,\) with R = 1, got \(2,\)$"):
        distortion_loss_vjp(one, one, one, np.array([0, 3]), np.ones(2))


def test_random_background(device):
    out = device.put(np.zeros((20_001, 3), np.float32))
    colors = device.get(random_background(20_001, seed=2**63 + 5, out=out))
    assert colors.min() >= 0
    assert colors.max() < 1
    # The mean and its neighbours' correlation of 60 003 uniform numbers: five standard errors.
    assert abs(colors.mean() - 0.5) < 5 * np.sqrt(1 / 12 / colors.size)
    assert abs(((colors[1:] - 0.5) * (colors[:-1] - 0.5)).mean()) < 5 / 12 / np.sqrt(colors.size)
    np.testing.assert_array_equal(random_background(9, seed=2**63 + 5, first=7), colors[7:16])
    assert not np.array_equal(random_background(9, seed=1), colors[:9])
    assert random_background(0).shape == (0, 3)
    assert random_background(2, 0).shape == (2, 0)
    samples = cast(make([3] * 9), np.float32)
    rendered = render(*samples, background=colors[7:16])
    np.testing.assert_allclose(
        rendered.color - render(*samples).color, (1 - rendered.opacity[:, None]) * colors[7:16], atol=1e-6
    )


@pytest.mark.parametrize(("name", "value"), [("num_rays", -1), ("channels", -1), ("first", -3), ("seed", -1)])
def test_bad_backgrounds(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: expected 0 to \d+, got {value}$"):
        random_background(**{"num_rays": 4, name: value})
