# SPDX-License-Identifier: Apache-2.0
"""Frequency encodings, against exact arithmetic, the reference and the definition."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from fastcv.nerf import _reference_encodings as reference
from fastcv.nerf import frequency_encoding, frequency_encoding_vjp

OCTAVES = 10


@pytest.fixture
def points():
    values = np.random.default_rng(0).uniform(-3, 3, (37, 3))
    values[0] = [0.0, 0.5, -1.0]
    return values


@pytest.fixture(params=[False, True], ids=["waves", "input and waves"])
def include_input(request):
    return request.param


def width(include_input: bool) -> int:
    return 3 * (2 * OCTAVES + include_input)


def test_features(points, include_input, device):
    expected = reference.frequency_encoding(points, np.ones(OCTAVES), include_input)
    result = frequency_encoding(device.put(points), OCTAVES, include_input=include_input)
    np.testing.assert_allclose(device.get(result), expected, rtol=0, atol=1e-15)
    single = np.float32(points)
    expected = reference.frequency_encoding(single.astype(float), np.ones(OCTAVES), include_input)
    result = device.get(frequency_encoding(device.put(single), OCTAVES, include_input=include_input))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=0, atol=1.2e-7)  # 2 units in the last place


def test_every_octave_is_as_exact_as_the_first():
    """32 octaves in single precision: a product with pi would be wrong by half a turn from the 24th on."""
    points = np.float32([[0.7], [-1.3], [3.1415927]])
    result = frequency_encoding(points, 32).reshape(3, 32, 2)
    for row, x in zip(result, points[:, 0].tolist(), strict=True):
        angles = np.array([math.pi * float(Fraction(x) * 2**k % 2) for k in range(32)])
        np.testing.assert_allclose(row, np.stack([np.sin(angles), np.cos(angles)], 1), rtol=0, atol=1.2e-7)


def test_order_is_the_paper_s():
    x, y = 0.3, 0.7
    by_hand = [f(2**k * np.pi * c) for c in (x, y) for k in range(2) for f in (np.sin, np.cos)]
    np.testing.assert_allclose(frequency_encoding(np.array([[x, y]]), 2), [by_hand], rtol=0, atol=1e-15)
    result = frequency_encoding(np.array([[x, y]]), 2, include_input=True)
    np.testing.assert_allclose(result, [[x, y, *by_hand]], rtol=0, atol=1e-15)


def test_window(points):
    """BARF's: octaves fade in one after the other."""
    full = frequency_encoding(points, 4).reshape(37, 3, 4, 2)
    for window, weights in (
        (0, [0, 0, 0, 0]),
        (1.5, [1, 0.5, 0, 0]),
        (2.25, [1, 1, (1 - 0.5**0.5) / 2, 0]),
        (4, [1] * 4),
    ):
        result = frequency_encoding(points, 4, window=window).reshape(full.shape)
        np.testing.assert_allclose(result, full * np.array(weights)[:, None], rtol=0, atol=1e-15)


def test_gradients(points, include_input, device):
    grad = np.random.default_rng(1).normal(size=(37, width(include_input)))
    weights = [1, 1, 1, 0.5, *[0] * (OCTAVES - 4)]
    for window, w in ((None, np.ones(OCTAVES)), (3.5, np.array(weights))):
        cut = grad.copy()
        cut[:, 3 * include_input :] *= np.tile(np.repeat(w, 2), 3)  # weights are factors of features
        expected = reference.frequency_encoding_vjp(points, np.ones(OCTAVES), cut, include_input)
        options = {"include_input": include_input, "window": window}
        result = frequency_encoding_vjp(device.put(points), OCTAVES, device.put(grad), **options)
        np.testing.assert_allclose(device.get(result), expected, rtol=0, atol=1e-11)  # slopes of 2^9 pi
        arrays = (device.put(np.float32(a)) for a in (points, grad))
        single = device.get(frequency_encoding_vjp(next(arrays), OCTAVES, next(arrays), **options))
        # A point rounded by 1.2e-7 turns the highest waves by 2^9 pi times that, and slopes are as large again.
        np.testing.assert_allclose(single, expected, rtol=0, atol=5.0)
        rounded = reference.frequency_encoding_vjp(
            np.float32(points).astype(float), np.ones(OCTAVES), cut, include_input
        )
        np.testing.assert_allclose(single, rounded, rtol=0, atol=2e-3)


def test_what_is_not_finite():
    for dtype in (np.float32, np.float64):
        result = frequency_encoding(np.array([[np.nan], [np.inf], [-np.inf], [0.5]], dtype), 3)
        assert np.isnan(result[:3]).all()
        np.testing.assert_allclose(result[3], [1, 0, 0, -1, 0, 1], rtol=0, atol=1e-7)
    huge = frequency_encoding(np.float32([[1e30]]), 3)  # an even number of half-turns
    np.testing.assert_array_equal(huge, [[0, 1, 0, 1, 0, 1]])


@pytest.mark.parametrize("rows", [0, 1, 11, 33])
@pytest.mark.parametrize("octaves", [1, 7, 32])
def test_sizes(rows, octaves):
    points = np.random.default_rng(2).random((rows, 5))
    result = frequency_encoding(points, octaves, include_input=True)
    expected = reference.frequency_encoding(points, np.ones(octaves), True)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-15)
    back = frequency_encoding_vjp(points, octaves, result, include_input=True)
    expected = reference.frequency_encoding_vjp(points, np.ones(octaves), result, True)
    np.testing.assert_allclose(back, expected, rtol=1e-12, atol=1e-13 * 2**octaves)


def test_layouts(points):
    expected = frequency_encoding(points, 3)
    points.flags.writeable = False
    np.testing.assert_array_equal(frequency_encoding(np.repeat(points, 2, axis=0)[::2], 3), expected)
    np.testing.assert_array_equal(frequency_encoding(np.asfortranarray(points), 3), expected)
    np.testing.assert_array_equal(frequency_encoding(points.tolist(), 3), expected)
    out = np.empty_like(expected)
    assert frequency_encoding(points, 3, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_threads_change_no_bit():
    rng = np.random.default_rng(3)
    points, grad = rng.normal(size=(20_001, 3)).astype(np.float32), rng.normal(size=(20_001, 60)).astype(np.float32)
    one, *others = (
        (frequency_encoding(points, 10, num_threads=n), frequency_encoding_vjp(points, 10, grad, num_threads=n))
        for n in (1, 2, 8)
    )
    for other in others:
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


SCRIPT = """
import hashlib, numpy as np
from fastcv import nerf
rng, digest = np.random.default_rng(0), hashlib.sha256()
for dtype in (np.float32, np.float64):
    points = rng.normal(size=(1001, 3)).astype(dtype)
    for op, n in (("frequency_encoding", 10), ("spherical_harmonics", 5), ("spherical_harmonics", 8)):
        values = getattr(nerf, op)(points, n)
        digest.update(values.tobytes() + getattr(nerf, op + "_vjp")(points, n, values).tobytes())
print(digest.hexdigest())
"""


def digest(isa: str) -> str:
    environment = {**os.environ, "FASTCV_ISA": isa} if isa else {**os.environ}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_instruction_sets_change_no_bit():
    """Of both encodings without parameters."""
    assert digest("v2") == digest("v3") == digest("")


def test_bad_arguments(points):
    with pytest.raises(ValueError, match=r"^points: expected shape \(N, D\), got \(3,\)$"):
        frequency_encoding(points[0], 4)
    with pytest.raises(TypeError, match=r"^points: expected dtype float32 or float64, got int64$"):
        frequency_encoding(np.arange(6).reshape(2, 3), 4)
    for octaves in (0, 33):
        with pytest.raises(ValueError, match=rf"^frequencies: expected 1 to 32, got {octaves}$"):
            frequency_encoding(points, octaves)
    for window in (-0.5, 4.5, float("nan")):
        with pytest.raises(ValueError, match=rf"^window: expected 0 to 4, got {window}$"):
            frequency_encoding(points, 4, window=window)
    with pytest.raises(ValueError, match=r"^out: expected shape \(N, 24\) with N = 37, got \(37, 23\)$"):
        frequency_encoding(points, 4, out=np.empty((37, 23)))
    with pytest.raises(ValueError, match=r"^grad: expected shape \(N, 24\) with N = 37, got \(37, 27\)$"):
        frequency_encoding_vjp(points, 4, np.zeros((37, 27)))
    with pytest.raises(TypeError, match=r"^grad: expected dtype float64, got float32$"):
        frequency_encoding_vjp(points, 4, np.zeros((37, 24), np.float32))
