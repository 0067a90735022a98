# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM against scikit-image 0.26's numbers for pictures made by formula."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import psnr, ssim


def pictures():
    y, x = np.mgrid[:40, :56]
    waves, dots = 0.5 + 0.4 * np.sin(0.3 * x + 0.1 * y), ((x * 7 + y * 13) % 17) / 16
    truth = np.stack([waves, dots, (x // 5 + y // 7) % 2 * 0.8 + 0.1], -1)
    return np.clip(truth + 0.1 * np.sin(1.7 * x * y / 9)[..., None], 0, 1), truth


def test_floats():
    image, truth = pictures()
    assert psnr(image, truth) == pytest.approx(23.289203518333824, abs=1e-12)
    assert ssim(image, truth) == pytest.approx(0.9259751681484203, abs=1e-12)
    assert ssim(image[..., 1], truth[..., 1]) == pytest.approx(0.9757925928969865, abs=1e-12)
    assert ssim(np.float32(image), np.float32(truth)) == pytest.approx(0.9259751681484203, abs=1e-6)


def test_bytes():
    image, truth = ((255 * picture + 0.5).astype(np.uint8) for picture in pictures())
    assert psnr(image, truth) == pytest.approx(23.285076899405478, abs=1e-12)
    assert ssim(image, truth) == pytest.approx(0.9258884853910807, abs=1e-12)
    assert psnr(image, image) == float("inf")
    assert ssim(image, image) == pytest.approx(1, abs=1e-12)


def test_smallest():
    image, truth = (picture[:11, :11] for picture in pictures())
    assert -1 <= ssim(image, truth) < 1
    with pytest.raises(ValueError, match=r"^image: expected 11 pixels a side or more, got shape \(10, 11, 3\)$"):
        ssim(image[1:], truth[1:])


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_bad_arguments(metric):
    image, truth = pictures()
    with pytest.raises(ValueError, match=r"^truth: expected shape \(40, 56, 3\), got \(39, 56, 3\)$"):
        metric(image, truth[1:])
    with pytest.raises(ValueError, match=r"^image: expected shape \(H, W\) or \(H, W, C\) with pixels, got \(56,\)$"):
        metric(image[0, :, 0], truth)
    with pytest.raises(ValueError, match=r"^image: expected shape .* with pixels, got \(0, 56, 3\)$"):
        metric(image[:0], truth[:0])
    with pytest.raises(TypeError, match=r"^truth: expected dtype uint8 or a float, got int64$"):
        metric(image, np.int64(truth))
