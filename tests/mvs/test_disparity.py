# SPDX-License-Identifier: Apache-2.0
"""Disparity of rectified pairs: against numpy bit for bit, planes of known disparity, and bad input."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _reference_disparity as reference


def slanted_pair(shape=(90, 160), seed=0):
    """Left and right image of a textured plane whose disparity grows from 4 to 14 pixels, and that disparity."""
    rng = np.random.default_rng(seed)
    height, width = shape
    disparity = np.broadcast_to(np.linspace(4, 14, width, dtype=np.float32), shape)
    texture = cv2.GaussianBlur(rng.random((height, width + 40)).astype(np.float32), (0, 0), 1.2)
    texture = (texture - texture.min()) / np.ptp(texture)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    left = texture[:, 20 : 20 + width]
    # A right pixel xr shows the left one with x - disparity(x) = xr; disparity is 4 + 10 x / (width - 1).
    from_left = (x + 4) / (1 - 10 / (width - 1))
    right = cv2.remap(texture, from_left + 20, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return left.copy(), np.clip(right, 0, 1), disparity


def noise(rng, shape, dtype):
    return rng.random(shape, np.float32) if dtype == "float32" else rng.integers(0, np.iinfo(dtype).max, shape, dtype)


def shifted_noise(shape, dtype, seed=0, max_disparity=9):
    """A pair whose rows are shifted by different amounts, with noise, so that all kinds of matches occur."""
    rng = np.random.default_rng(seed)
    left = noise(rng, shape, dtype)
    shifts = rng.integers(0, max_disparity, len(left))
    right = np.stack([np.roll(row, -int(shift), axis=0) for row, shift in zip(left, shifts, strict=True)])
    wrong = rng.random(shape[:2]) < 0.2
    right[wrong] = noise(rng, shape, dtype)[wrong]
    return left, right


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("color", [False, True])
def test_equals_the_reference(device, dtype, color):
    left, right = shifted_noise((17, 41, *([3] * color)), dtype)
    result = mvs.estimate_disparity(device.put(left), device.put(right), 12, min_pixels=0)
    expected = reference.estimate_disparity(left, right, 12)
    assert 0.2 < np.isfinite(expected.disparity).mean() < 0.95
    for a, b in zip(result, expected, strict=True):
        np.testing.assert_array_equal(device.get(a), b)


@pytest.mark.parametrize(
    ("shape", "num", "low"),
    [
        ((1, 4), 4, 0),
        ((3, 5), 5, 0),
        ((1, 40), 16, 0),
        ((9, 70), 70, 0),
        ((6, 90), 65, 3),
        ((6, 50), 20, -9),
        ((5, 33), 10, -32),
        ((5, 33), 10, 30),
        ((20, 300), 200, -100),
    ],
)
def test_sizes_and_ranges(device, shape, num, low):
    left, right = shifted_noise(shape, "uint8", seed=3)
    for options in ({}, {"p1": 1, "p2": 1}, {"p1": 51, "p2": 51, "max_difference": None, "min_confidence": 0.2}):
        images = device.put(left), device.put(right)
        result = mvs.estimate_disparity(*images, num, min_disparity=low, min_pixels=0, **options)
        expected = reference.estimate_disparity(left, right, num, min_disparity=low, **options)
        for a, b in zip(result, expected, strict=True):
            np.testing.assert_array_equal(device.get(a), b)


def test_slanted_plane():
    left, right, truth = slanted_pair()
    result = mvs.estimate_disparity(left, right, 24)
    found = np.isfinite(result.disparity)
    assert found[:, 15:].mean() > 0.97  # columns before 14 have partners outside of the right image
    error = np.abs(result.disparity - truth)[found]
    # Two thirds of a pixel's rounding would be 0.25 on average: the parabola halves it at least.
    assert error.mean() < 0.12
    assert np.quantile(error, 0.99) < 0.6
    assert (result.confidence[found] > 0).all()
    assert (result.confidence[~found] == 0).all()


def test_swapped_images_give_negative_disparities():
    left, right, truth = slanted_pair()
    result = mvs.estimate_disparity(right, left, 24, min_disparity=-24)
    assert (np.nanmedian(result.disparity[:, 20:100], axis=0) < -4).all()
    np.testing.assert_allclose(np.nanmedian(result.disparity), -np.median(truth), atol=1.5)


def test_hidden_pixels_have_none():
    """A square 8 pixels in front of a wall hides the 8 columns to its left from the right camera."""
    rng = np.random.default_rng(2)
    wall, square = rng.integers(0, 256, (80, 160), np.uint8), rng.integers(0, 256, (40, 50), np.uint8)
    left, right = wall[:, 4:154].copy(), wall[:, 8:158].copy()  # the wall at 4
    left[20:60, 60:110] = square
    right[20:60, 48:98] = square  # the square at 12
    disparity = mvs.estimate_disparity(left, right, 32).disparity
    assert np.isnan(disparity[24:56, 53:59]).mean() > 0.9
    assert np.nanmax(np.abs(disparity[24:56, 64:106] - 12)) < 0.5
    assert np.nanmax(np.abs(disparity[:16, 40:] - 4)) < 0.5
    filled = mvs.fill_disparity(disparity)
    assert np.abs(filled[24:56, 53:59] - 4).max() < 1.5  # from behind


def test_no_texture_no_disparity(device):
    flat = device.put(np.full((20, 60), 0.5, np.float32))
    result = mvs.estimate_disparity(flat, flat, 16)
    assert np.isnan(device.get(result.disparity)).all()
    assert (device.get(result.confidence) == 0).all()


def test_same_bits_for_every_thread_count():
    left, right, _ = slanted_pair((133, 201))
    results = [mvs.estimate_disparity(left, right, 40, num_threads=n) for n in (1, 2, 3, 16)]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


DIGEST = """
import hashlib, sys, numpy as np
from fastcv import mvs
images = np.load(sys.argv[1])
digest = hashlib.sha256()
for num, low in [(40, 0), (70, -20), (130, 5)]:
    result = mvs.estimate_disparity(images["left"], images["right"], num, min_disparity=low)
    digest.update(np.nan_to_num(result.disparity, nan=-1000).tobytes() + result.confidence.tobytes())
print(digest.hexdigest())
"""


def test_same_bits_on_every_instruction_set(tmp_path):
    left, right, _ = slanted_pair((40, 201))
    np.savez(tmp_path / "pair.npz", left=left, right=right)
    command, digests = [sys.executable, "-c", DIGEST, str(tmp_path / "pair.npz")], []
    for isa in ("v2", "v3", "v4"):
        run = subprocess.run(command, env={**os.environ, "FASTCV_ISA": isa}, capture_output=True, text=True, check=True)
        digests.append(run.stdout)
    assert digests[0] == digests[1] == digests[2]
    assert len(digests[0].strip()) == len(hashlib.sha256().hexdigest())


def test_torch_strided_and_read_only_images():
    torch = pytest.importorskip("torch")
    left, right = shifted_noise((20, 60, 3), "uint8")
    expected = mvs.estimate_disparity(left, right, 12)
    result = mvs.estimate_disparity(torch.from_numpy(left), torch.from_numpy(right), 12)
    assert isinstance(result.disparity, torch.Tensor)
    np.testing.assert_array_equal(result.disparity, expected.disparity)
    wide = np.repeat(left, 2, axis=1)
    wide.flags.writeable = False
    np.testing.assert_array_equal(mvs.estimate_disparity(wide[:, ::2], right, 12).disparity, expected.disparity)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_ctrl_c(num_threads):
    """Rows of 1.5 ms each: pressed within the first seconds, answered long before the last of 30,000."""
    rng = np.random.default_rng(0)
    left = rng.integers(0, 256, (30_000, 1000), np.uint8)
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        mvs.estimate_disparity(left, left, 500, num_threads=num_threads)
    timer.join()
    again = mvs.estimate_disparity(left[:20], left[:20], 500, num_threads=num_threads)
    assert np.nanmax(np.abs(again.disparity)) < 0.5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"right": np.zeros((20, 31), np.uint8)},
            ValueError,
            r"right: expected shape \(H, W, \*\) with H = 20, W = 30",
        ),
        ({"left": np.zeros((20, 30, 4), np.uint8)}, ValueError, r"left: expected shape \(H, W\) or \(H, W, 3\)"),
        ({"left": np.zeros((0, 30), np.uint8)}, ValueError, "left: expected shape"),
        ({"left": np.zeros((20, 30))}, TypeError, "left: expected dtype uint8 or uint16 or float32, got float64"),
        ({"left": np.full((20, 30), np.nan, np.float32)}, ValueError, r"left: expected values in \[0, 1\], got nan"),
        ({"right": np.full((20, 30), 2, np.float32)}, ValueError, r"right: expected values in \[0, 1\], got 2"),
        ({"num_disparities": 3}, ValueError, r"num_disparities: expected 4 to 30 \(the width of the images\), got 3"),
        ({"num_disparities": 31}, ValueError, "num_disparities: expected 4 to 30"),
        ({"min_disparity": 30}, ValueError, "min_disparity: expected -29 to 29, got 30"),
        ({"p1": 0}, ValueError, "p1, p2: expected 0 < p1 <= p2 <= 51, got 0 and 51"),
        ({"p1": 20, "p2": 10}, ValueError, "p1, p2: expected"),
        ({"p2": 52}, ValueError, "p1, p2: expected"),
        ({"max_difference": -1}, ValueError, "max_difference: expected 0 or more, or None, got -1"),
        ({"min_confidence": 1.5}, ValueError, "min_confidence: expected 0 to 1, got 1.5"),
        ({"min_pixels": -1}, ValueError, "min_pixels: expected 0 or more, got -1"),
        ({"num_threads": -1}, ValueError, "num_threads: expected 0"),
    ],
)
def test_bad_input(change, error, message):
    good = {"left": np.zeros((20, 30), np.uint8), "right": np.zeros((20, 30), np.uint8), "num_disparities": 8}
    with pytest.raises(error, match=message):
        mvs.estimate_disparity(**{**good, **change})
