# SPDX-License-Identifier: Apache-2.0
"""Medians and removal of small regions against numpy and OpenCV, filling of holes against numpy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _reference_disparity as reference


def blotches(shape, seed=0):
    """Disparities in quarter pixels with regions of all sizes, and holes."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.random(shape, np.float32), (0, 0), 2.0)
    disparity = (np.round(smooth * 400) / 4).astype(np.float32)
    disparity[rng.random(shape) < 0.2] = np.nan
    return disparity


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (67, 83)])
@pytest.mark.parametrize(("min_pixels", "max_step"), [(1, 1.0), (2, 0.0), (20, 1.0), (60, 0.75)])
def test_speckles_equal_the_reference(device, shape, min_pixels, max_step):
    disparity = blotches(shape)
    confidence = np.where(np.isnan(disparity), 0, 0.5).astype(np.float32)
    given = mvs.DisparityMap(device.put(disparity), device.put(confidence))
    result = mvs.remove_speckles(given, min_pixels, max_step=max_step)
    expected = reference.remove_speckles(disparity, min_pixels, max_step)
    np.testing.assert_array_equal(device.get(result.disparity), expected)
    np.testing.assert_array_equal(device.get(result.confidence), np.where(np.isnan(expected), 0, confidence))
    np.testing.assert_array_equal(device.get(given.disparity), disparity)  # left as it was


def test_speckles_against_opencv():
    disparity = blotches((120, 150), seed=1)
    sixteenths = np.where(np.isnan(disparity), -1000, disparity * 16).astype(np.int16)
    cv2.filterSpeckles(sixteenths, -1000, 40, 16)  # removes regions of up to 40 pixels
    confidence = np.ones_like(disparity)
    result = mvs.remove_speckles(mvs.DisparityMap(disparity, confidence), 41).disparity
    np.testing.assert_array_equal(np.isnan(result), sixteenths == -1000)
    assert 0.1 < np.isnan(result).mean() - np.isnan(disparity).mean() < 0.7


def test_speckles_same_for_every_thread_count():
    disparity = blotches((300, 200), seed=2)
    maps = mvs.DisparityMap(disparity, np.ones_like(disparity))
    results = [mvs.remove_speckles(maps, 30, num_threads=n).disparity for n in (1, 2, 5)]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_serpent_is_one_region():
    """A path of one pixel's width through the whole image joins what rows alone would keep apart."""
    disparity = np.full((41, 40), np.nan, np.float32)
    disparity[::2] = 5
    disparity[1::4, -1] = disparity[3::4, 0] = 5
    maps = mvs.DisparityMap(disparity, np.ones_like(disparity))
    size = int(np.isfinite(disparity).sum())
    assert np.isfinite(mvs.remove_speckles(maps, size).disparity).sum() == size
    assert np.isfinite(mvs.remove_speckles(maps, size + 1).disparity).sum() == 0


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (1, 50), (50, 1), (2, 3), (67, 83)])
def test_median_equals_the_reference(device, shape):
    disparity = blotches(shape) if 0 not in shape else np.empty(shape, np.float32)
    given = device.put(disparity)
    result = device.get(mvs.median_disparity(given))
    np.testing.assert_array_equal(result, reference.median_disparity(disparity))
    np.testing.assert_array_equal(device.get(given), disparity)  # left as it was


def test_median_against_opencv():
    whole = np.nan_to_num(blotches((61, 90), seed=3))
    result = mvs.median_disparity(whole)
    np.testing.assert_array_equal(result[1:-1, 1:-1], cv2.medianBlur(whole, 3)[1:-1, 1:-1])
    assert 0.1 < (result != whole).mean() < 1


def test_median_of_what_is_known():
    """Holes stay, take no part, and the lower one of two values in the middle counts."""
    nan = np.nan
    disparity = np.array([[1, nan, 9, 5], [nan, nan, nan, nan], [4, 3, nan, -2]], np.float32)
    expected = np.array([[1, nan, 5, 5], [nan, nan, nan, nan], [3, 3, nan, -2]], np.float32)
    np.testing.assert_array_equal(mvs.median_disparity(disparity), expected)


def test_median_same_for_every_thread_count():
    disparity = blotches((300, 200), seed=4)
    results = [mvs.median_disparity(disparity, num_threads=n) for n in (1, 2, 5)]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (1, 50), (60, 83)])
def test_fill_equals_the_reference(device, shape):
    disparity = blotches(shape) if 0 not in shape else np.empty(shape, np.float32)
    disparity[shape[0] // 2 :] = np.where(np.arange(shape[1]) % 7 == 3, disparity[shape[0] // 2 :], np.nan)
    disparity[-1:] = np.nan
    filled = device.get(mvs.fill_disparity(device.put(disparity)))
    np.testing.assert_array_equal(filled, reference.fill_disparity(disparity))


def test_bad_input():
    good = np.zeros((5, 6), np.float32)
    with pytest.raises(ValueError, match=r"confidence: expected shape \(H, W\) with H = 5, W = 6, got \(5, 7\)"):
        mvs.remove_speckles(mvs.DisparityMap(good, np.zeros((5, 7), np.float32)))
    with pytest.raises(ValueError, match="min_pixels: expected 0 or more, got -1"):
        mvs.remove_speckles(mvs.DisparityMap(good, good), -1)
    with pytest.raises(ValueError, match="max_step: expected 0 or more, got nan"):
        mvs.remove_speckles(mvs.DisparityMap(good, good), max_step=np.nan)
    with pytest.raises(TypeError, match="disparity: expected dtype float32, got float64"):
        mvs.median_disparity(good.astype(float))
    with pytest.raises(TypeError, match="disparity: expected dtype float32, got float64"):
        mvs.fill_disparity(good.astype(float))
    with pytest.raises(ValueError, match=r"disparity: expected shape \(H, W\), got \(6,\)"):
        mvs.fill_disparity(good[0])
