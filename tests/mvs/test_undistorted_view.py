# SPDX-License-Identifier: Apache-2.0
"""Photographs with lens distortion as views: pixels against OpenCV, and masks that say what the photograph lacks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import fastcv
from fastcv import mvs

BARREL = fastcv.Camera("OPENCV", 160, 120, [140, 138, 82, 59, -0.25, 0.05, 0.001, -0.002])
PINHOLE = fastcv.Camera("PINHOLE", 170, 130, [100, 100, 85, 65])  # sees more than the photograph
POSE = np.eye(3, 4)


def photo():
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)


def test_pixels_against_opencv():
    view = mvs.undistorted_view(photo(), BARREL, POSE, pinhole=PINHOLE)
    to_center = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    fx, fy, cx, cy, *distortion = BARREL.params
    matrix = to_center @ [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
    maps = cv2.initUndistortRectifyMap(
        matrix, np.array(distortion), None, to_center @ PINHOLE.matrix, (170, 130), cv2.CV_32FC1
    )
    expected = cv2.remap(photo(), *maps, cv2.INTER_LINEAR)
    seen = cv2.remap(np.full((120, 160), 255, np.uint8), *maps, cv2.INTER_LINEAR) == 255
    # OpenCV rounds positions to 1/32 px: noise changes by up to 255 levels a pixel along each axis.
    assert np.abs(view.image.astype(int) - expected)[seen & view.mask].max() <= 2 * 255 / 64 + 1
    assert (view.mask == seen).mean() > 0.98  # but for that rounding at the border
    assert 0.3 < view.mask.mean() < 0.9
    np.testing.assert_array_equal(view.K, PINHOLE.matrix)


def test_a_mask_takes_its_pixels_along():
    mask = np.ones((120, 160), bool)
    mask[40:60, 50:70] = False
    whole = mvs.undistorted_view(photo(), BARREL, POSE)
    view = mvs.undistorted_view(photo(), BARREL, POSE, mask=mask)
    np.testing.assert_array_equal(view.mask, mvs.undistorted_view(photo(), BARREL, POSE, mask=mask * np.uint8(7)).mask)
    hole = whole.mask & ~view.mask
    assert hole[48:52, 58:62].all()
    assert not hole[:30].any()
    assert not hole[70:].any()


def test_depth_of_distorted_photographs():
    """Two photographs of a wall, with distortion: depth as from pinhole ones."""
    rng = np.random.default_rng(1)
    wall = cv2.GaussianBlur(rng.integers(0, 256, (400, 400)).astype(np.float32), (0, 0), 1.5)
    wall = np.clip((wall - 128) * 4 + 128, 0, 255).astype(np.uint8)  # 40 texels a unit, at z = 4
    views = []
    for x in (0.0, 0.3):
        rays = fastcv.camera.unproject(
            np.stack(np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5), -1).reshape(-1, 2), BARREL
        )
        points = 4 * rays / rays[:, 2:] + [x, 0, 0]
        texels = ((points[:, :2] + 5) * 40).reshape(120, 160, 2).astype(np.float32)
        image = cv2.remap(wall, texels[..., 0], texels[..., 1], cv2.INTER_LINEAR)
        views.append(mvs.undistorted_view(image, BARREL, np.c_[np.eye(3), [-x, 0, 0]]))
    depth = mvs.estimate_depth(views[0], views[1:], mvs.inverse_depth_planes(2.5, 8, 32)).depth
    assert (np.abs(depth / 4 - 1) < 0.02)[10:-10, 20:-10].mean() > 0.95


def test_torch_stays_torch():
    torch = pytest.importorskip("torch")
    expected = mvs.undistorted_view(photo(), BARREL, POSE)
    view = mvs.undistorted_view(torch.from_numpy(photo()), BARREL, POSE)
    assert isinstance(view.mask, torch.Tensor)
    np.testing.assert_array_equal(view.image, expected.image)
    np.testing.assert_array_equal(view.mask, expected.mask)


def test_bad_masks():
    with pytest.raises(TypeError, match="mask: expected dtype bool or uint8, got float64"):
        mvs.undistorted_view(photo(), BARREL, POSE, mask=np.ones((120, 160)))
    with pytest.raises(ValueError, match="expected shape"):
        mvs.undistorted_view(photo(), BARREL, POSE, mask=np.ones((120, 161), bool))
