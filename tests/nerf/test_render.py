# SPDX-License-Identifier: Apache-2.0
"""Volume rendering against the reference, closed forms and the definition."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from fastcv.nerf import Rendered, RenderGradients, _reference_render, render, render_vjp, render_weights

from .ray_samples import Samples, cast, make

COUNTS = [0, 1, 15, 16, 17, 0, 33, 64, 3, 100, 0]
# On a GPU, by their average: a warp a ray, eight lanes, or a thread.
LENGTHS = {"long": COUNTS, "middle": [0, 5, 9, 14, 0, 8, 20], "short": [0, 1, 3, 2, 0, 4, 3]}
# Sums of 100 weights, each known to 3e-7 of itself; distances of up to 6.
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}


def reference(samples, background=None, early_stop=0.0):
    s = cast(samples, np.float64)
    return _reference_render.render(s.densities, s.starts, s.ends, s.offsets, s.colors, background, early_stop)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4, 17])
@pytest.mark.parametrize("early_stop", [0.0, 0.3])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_render(dtype, channels, early_stop, lengths, device):
    counts = LENGTHS[lengths]
    samples = cast(make(counts, channels), dtype)
    background = np.random.default_rng(1).random((len(counts), channels)).astype(dtype)
    expected = reference(samples, background.astype(float), early_stop)
    put = [device.put(array) for array in samples]
    result = render(*put, background=device.put(background), early_stop=early_stop)
    for name, ours, theirs in zip(Rendered._fields, result, expected, strict=True):
        assert str(ours.dtype).endswith(dtype)
        np.testing.assert_allclose(device.get(ours), theirs, rtol=0, atol=5 * TOLERANCE[dtype], err_msg=name)
    weights = render_weights(put[0], *put[2:], early_stop=early_stop)
    np.testing.assert_array_equal(device.get(weights), device.get(result.weights))
    assert (device.get(weights) == 0).any()
    assert device.get(result.depth)[0] == device.get(result.opacity)[0] == 0  # a ray without samples
    np.testing.assert_array_equal(device.get(result.color)[0], background[0])


def gradients(samples, grads, background, early_stop):
    """By complex steps through the reference: exact to rounding."""
    step, s = 1e-100j, cast(samples, np.float64)

    def value(arrays):
        densities, starts, ends, colors, behind = arrays
        result = _reference_render.render(densities, starts, ends, s.offsets, colors, behind, early_stop)
        return sum((g * r).sum() for g, r in zip(grads, result, strict=True))

    arrays = [s.densities, s.starts, s.ends, s.colors, background]
    result = []
    for k, array in enumerate(arrays):
        grad = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            moved = array.astype(complex)
            moved[place] += step
            grad[place] = value([*arrays[:k], moved, *arrays[k + 1 :]]).imag / step.imag
        result.append(grad)
    by_densities, by_starts, by_ends, by_colors, by_background = result
    return RenderGradients(by_densities, by_colors, by_starts, by_ends, by_background)


@pytest.mark.parametrize("channels", [3, 2])
@pytest.mark.parametrize("early_stop", [0.0, 0.3])
@pytest.mark.parametrize("counts", [[0, 1, 16, 17, 0, 40, 5], LENGTHS["middle"], LENGTHS["short"]], ids=LENGTHS)
def test_gradients(channels, early_stop, counts, device):
    samples = make(counts, channels)
    samples.densities[samples.densities == 0] = 1e-9  # at 0 itself there are two slopes
    rng = np.random.default_rng(2)
    background = rng.random((7, channels))
    expected = reference(samples, background, early_stop)
    grads = [rng.normal(size=array.shape) for array in expected]
    exact = gradients(samples, grads, background, early_stop)
    # A depth is divided by the ray's opacity, 1e-4 for one of them, and so is the rounding of it.
    for dtype, tolerance in (("float64", 1e-12), ("float32", 6e-8 / 1e-4)):
        put = [device.put(array) for array in cast(samples, dtype)]
        behind = device.put(background.astype(dtype))
        result = render(*put, background=behind, early_stop=early_stop)
        by = Rendered(*(device.put(g.astype(dtype)) for g in grads))
        options = {"background": behind, "early_stop": early_stop}
        for name, ours, theirs in zip(
            RenderGradients._fields, render_vjp(*put, result, by, **options), exact, strict=True
        ):
            scale = np.abs(theirs).max()
            np.testing.assert_allclose(device.get(ours), theirs, rtol=0, atol=tolerance * scale, err_msg=name)


def test_each_gradient_alone():
    """What is left out counts as 0, and gradients add up."""
    samples = make([20, 3])
    result = render(*samples)
    rng = np.random.default_rng(3)
    whole = Rendered(*(rng.normal(size=array.shape) for array in result))
    parts = []
    for k in range(4):
        grads = Rendered(*(g if i == k else None for i, g in enumerate(whole)))
        parts.append(render_vjp(*samples, result, grads))
    for name in ("densities", "colors", "starts", "ends"):
        total = sum(getattr(part, name) for part in parts)
        np.testing.assert_allclose(total, getattr(render_vjp(*samples, result, whole), name), rtol=0, atol=1e-10)
    assert not parts[1].colors.any()
    assert parts[0].background is None


def test_fog_in_closed_form():
    """Even density σ over [a, b]: opacity 1 - exp(-σ (b - a)), whatever the sampling."""
    edges = np.sort(np.random.default_rng(4).uniform(1, 3, 1001)).astype(np.float32)
    for density in (1e-6, 0.1, 1.0, 30.0):
        densities = np.full(1000, density, np.float32)
        result = render(densities, np.ones((1000, 1), np.float32), edges[:-1], edges[1:], np.array([0, 1000]))
        expected = -np.expm1(-np.float64(np.float32(density)) * np.float64(edges[-1] - edges[0]))
        np.testing.assert_allclose(result.opacity, expected, rtol=2e-6)
        np.testing.assert_allclose(result.color[0], expected, rtol=2e-6)


def test_tiny_optical_depths():
    """A thousand of them, down to 1e-30: weights to single precision of themselves, where 1 - exp(-x) would be 0."""
    depths = np.float32(10.0 ** -np.linspace(3, 30, 1000))
    zero, one = np.zeros(1000, np.float32), np.ones(1000, np.float32)
    weights = render_weights(depths, zero, one, np.array([0, 1000]))
    before = np.cumsum(depths, dtype=np.float64) - depths
    np.testing.assert_allclose(weights, np.exp(-before) * -np.expm1(-np.float64(depths)), rtol=5e-7)


def test_one_minus_exp_to_single_precision():
    """Against mpmath's numbers of 40 digits."""
    mpmath = pytest.importorskip("mpmath")
    depths = np.float32(10.0 ** np.random.default_rng(5).uniform(-12, 2, 500))
    with mpmath.workdps(40):
        exact = np.array([float(-mpmath.expm1(-mpmath.mpf(float(x)))) for x in depths])
    offsets = np.arange(501)
    weights = render_weights(depths, np.zeros(500, np.float32), np.ones(500, np.float32), offsets)
    np.testing.assert_allclose(weights, exact, rtol=3e-7)


def test_early_stop_is_before_the_sample_that_too_little_light_reaches():
    densities = np.log([2.0] * 40)
    samples = Samples(densities, np.ones((40, 1)), np.arange(40.0), np.arange(1.0, 41), np.array([0, 40]))
    for dtype in (np.float32, np.float64):
        result = render(*cast(samples, dtype), background=np.array([8.0], dtype), early_stop=0.3)
        np.testing.assert_allclose(result.weights[:3], [0.5, 0.25, 0], rtol=1e-6)
        assert not result.weights[2:].any()
        np.testing.assert_allclose(result.opacity, 0.75, rtol=1e-6)
        np.testing.assert_allclose(result.color, [[0.75 + 0.25 * 8]], rtol=1e-6)
        by = Rendered(np.ones((1, 1), dtype), None, None, np.ones(40, dtype))
        grads = render_vjp(*cast(samples, dtype), result, by, background=np.array([8.0], dtype), early_stop=0.3)
        assert not grads.densities[2:].any()
        assert not grads.colors[2:].any()
        assert grads.densities[:2].all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_that_are_none(dtype):
    """Documented values, and no ray knows of its neighbours."""
    samples = cast(make([20, 20, 20]), dtype)
    clean = render(*samples)
    grads = Rendered(*(np.ones_like(array) for array in clean))

    def changed(name, place, value):
        copies = Samples(*(array.copy() for array in samples))
        getattr(copies, name)[place] = value
        result = render(*copies)
        back = render_vjp(*copies, result, grads)
        for k in (0, 2):  # rays beside it
            np.testing.assert_array_equal(result.color[k], clean.color[k])
            own = slice(20 * k, 20 * k + 20)
            np.testing.assert_array_equal(back.densities[own], render_vjp(*samples, clean, grads).densities[own])
        return Rendered(result.color[1], result.depth[1], result.opacity[1], result.weights[20:40]), back

    result, back = changed("densities", 25, np.inf)
    assert result.opacity == 1
    assert not result.weights[6:].any()
    assert result.weights[5] > 0
    assert all(np.isfinite(array).all() for array in back if array is not None)
    assert back.densities[25] == back.starts[25] - back.starts[25] == 0
    result, _ = changed("densities", 25, np.nan)
    assert np.isnan([*result.color, result.depth, result.opacity, *result.weights[5:]]).all()
    assert np.isfinite(result.weights[:5]).all()
    result, back = changed("densities", 25, -5.0)
    assert result.weights[5] == back.densities[25] == 0
    result, back = changed("ends", 25, samples.starts[25])  # without length
    assert result.weights[5] == back.densities[25] == 0
    empty = 20 + int(np.flatnonzero(samples.densities[20:40] == 0)[0])
    result, _ = changed("colors", empty, np.nan)
    np.testing.assert_array_equal(result.color, clean.color[1])
    result, _ = changed("colors", 25 if samples.densities[25] else 26, np.nan)
    assert np.isnan(result.color).all()
    assert np.isfinite(result.depth)


def test_dense_samples_are_packed_ones():
    samples = make([8] * 5)
    dense = [array.reshape(5, 8, *array.shape[1:]) for array in samples[:4]]
    background = np.array([0.1, 0.2, 0.3])
    ours, packed = render(*dense, background=background), render(*samples, background=background)
    assert ours.weights.shape == (5, 8)
    for a, b in zip(ours, packed, strict=True):
        np.testing.assert_array_equal(a.ravel(), b.ravel())
    grads = Rendered(*(np.ones_like(array) for array in ours))
    back = render_vjp(*dense, None, ours, grads, background=background)
    flat = render_vjp(*samples, packed, Rendered(*(np.ones_like(array) for array in packed)), background=background)
    for name, a, b in zip(RenderGradients._fields, back, flat, strict=True):
        np.testing.assert_array_equal(a.ravel(), b.ravel(), err_msg=name)
    assert back.colors.shape == (5, 8, 3)
    assert back.background.shape == (3,)


@pytest.mark.parametrize("shape", [(0, 8), (3, 0), (0, 0), (1, 1)])
def test_few(shape):
    result = render(*(np.ones((*shape, *more)) for more in ((), (2,))), np.zeros(shape), np.ones(shape))
    expected = -np.expm1(-np.ones(shape[0]) * (shape[1] > 0))
    np.testing.assert_allclose(result.opacity, expected, rtol=1e-15)
    assert result.color.shape == (shape[0], 2)
    assert result.weights.shape == shape


def test_samples_of_no_ray(device):
    samples = make([5, 7])
    more = [np.concatenate([array, np.full((3, *array.shape[1:]), np.nan)]) for array in samples[:4]]
    put = [device.put(array) for array in (*more, samples.offsets)]
    result, expected = render(*put), render(*samples)
    assert not device.get(result.weights)[12:].any()
    np.testing.assert_allclose(device.get(result.color), expected.color, rtol=0, atol=1e-14)
    back = render_vjp(*put, result, Rendered(*(device.put(np.ones(array.shape)) for array in result)))
    for array in back[:4]:
        assert not device.get(array)[12:].any()


def many(rays=700):
    counts = np.random.default_rng(6).integers(0, 200, rays)
    return cast(make(counts), np.float32), np.random.default_rng(7)


def test_threads_change_no_bit():
    samples, rng = many()
    background = rng.random((700, 3), np.float32)
    options = {"background": background, "early_stop": 1e-3}
    assert len(samples.densities) > 2 * 2**15  # more than one range of rays
    results = []
    for threads in (1, 2, 8):
        result = render(*samples, **options, num_threads=threads)
        grads = Rendered(*(np.ones_like(array) for array in result))
        results.append((*result, *render_vjp(*samples, result, grads, **options, num_threads=threads)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


SCRIPT = """
import hashlib, numpy as np
from fastcv.nerf import Rendered, render, render_vjp
digest = hashlib.sha256()
rng = np.random.default_rng(0)
offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 60, 50))])
size = int(offsets[-1])
for channels in (0, 1, 3, 5):
    for early_stop in (0, 0.2):
        t = np.cumsum(rng.random(size, np.float32) * np.float32(0.01))
        samples = rng.exponential(9, size).astype(np.float32), rng.random((size, channels), np.float32), t, t + 0.02
        result = render(*samples, offsets, early_stop=early_stop)
        grads = Rendered(*(np.ones_like(array) for array in result))
        for array in (*result, *render_vjp(*samples, offsets, result, grads, early_stop=early_stop)[:4]):
            digest.update(array.tobytes())
print(digest.hexdigest())
"""


def digest(isa: str) -> str:
    environment = {**os.environ, "FASTCV_ISA": isa} if isa else {**os.environ}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_instruction_sets_change_no_bit():
    assert digest("v2") == digest("v3") == digest("")


def test_layouts_and_out():
    samples = cast(make([9, 30]), np.float32)
    expected = render(*samples)
    for array in samples:
        array.flags.writeable = False
    strided = Samples(*(np.repeat(array, 2, axis=0)[::2] for array in samples[:4]), samples.offsets)
    out = Rendered(*(np.empty_like(array) for array in expected))
    assert render(*strided, out=out).color is out.color
    for a, b in zip(out, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    into = RenderGradients(*(np.empty_like(array) for array in samples[:4]), None)
    grads = Rendered(np.ones_like(expected.color), None, None, None)
    assert render_vjp(*samples, expected, grads, out=into).colors is into.colors
    np.testing.assert_array_equal(into.densities, render_vjp(*samples, expected, grads).densities)


def test_bad_arguments():
    s = cast(make([4, 6]), np.float32)
    with pytest.raises(ValueError, match=r"^starts: expected shape \(S,\) with S = 10, got \(9,\)$"):
        render(s.densities, s.colors, s.starts[1:], s.ends, s.offsets)
    with pytest.raises(ValueError, match=r"^densities: expected shape \(R, N\), got \(10,\)$"):
        render(*s[:4])
    with pytest.raises(TypeError, match=r"^densities: expected dtype float32 or float64, got float16$"):
        render(s.densities.astype(np.float16), *s[1:])
    with pytest.raises(TypeError, match=r"^colors: expected dtype float32, got float64$"):
        render(s.densities, s.colors.astype(float), *s[2:])
    with pytest.raises(TypeError, match=r"^offsets: expected dtype int64, got int32$"):
        render(*s[:4], s.offsets.astype(np.int32))
    with pytest.raises(ValueError, match=r"^offsets: expected shape \(R \+ 1,\), got \(0,\)$"):
        render(*s[:4], s.offsets[:0])
    for offsets in ([0, 4, 11], [1, 4, 10], [0, 7, 4, 10], [0, -1, 10]):
        with pytest.raises(ValueError, match=r"^offsets: expected numbers that rise from 0 to at most 10, got others"):
            render(*s[:4], np.array(offsets))
    with pytest.raises(ValueError, match=r"^background: expected shape \(C,\) with C = 3, got \(4,\)$"):
        render(*s, background=np.zeros(4, np.float32))
    with pytest.raises(ValueError, match=r"^background: expected shape \(R, C\) with R = 2, C = 3, got \(3, 3\)$"):
        render(*s, background=np.zeros((3, 3), np.float32))
    for value in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match=rf"^early_stop: expected 0 to 1 without 1, got {value}$"):
            render(*s, early_stop=value)
    out = Rendered(*(np.empty(shape, np.float32) for shape in ((2, 3), (2,), (2,), (9,))))
    with pytest.raises(ValueError, match=r"^out.weights: expected shape \(10,\), got \(9,\)$"):
        render(*s, out=out)
    result = render(*s)
    with pytest.raises(ValueError, match=r"^grads.depth: expected shape \(R,\) with R = 2, got \(3,\)$"):
        render_vjp(*s, result, Rendered(None, np.zeros(3, np.float32), None, None))
