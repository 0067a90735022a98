# SPDX-License-Identifier: Apache-2.0
"""Disparity and depth: closed form, projection of points, and torch gradients."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import Camera, mvs
from fastcv.camera import project


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_depth_of_projected_points(dtype):
    rng = np.random.default_rng(0)
    points = rng.uniform([-1, -1, 2], [1, 1, 9], (50, 3))
    left = project(points, Camera("PINHOLE", 640, 480, [500, 510, 320, 240]))
    right = project(points - [0.2, 0, 0], Camera("PINHOLE", 640, 480, [500, 510, 331, 240]))
    disparity = (left - right)[:, 0].astype(dtype)
    depth = mvs.disparity_to_depth(disparity, 500, 0.2, offset=11)
    assert depth.dtype == dtype
    np.testing.assert_allclose(depth, points[:, 2], rtol=1e-5 if dtype == "float32" else 1e-12)
    back = mvs.depth_to_disparity(depth, 500, 0.2, offset=11)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, disparity, atol=1e-4 if dtype == "float32" else 1e-12)


def test_what_has_none():
    depth = mvs.disparity_to_depth(np.array([[4.0, 0.0], [-3.0, np.nan]], np.float32), 8.0, 2.0)
    np.testing.assert_array_equal(depth, np.array([[4, 0], [0, 0]], np.float32))
    disparity = mvs.depth_to_disparity(np.array([4.0, 0.0, -1.0, np.nan, np.inf]), 8.0, 2.0)
    np.testing.assert_array_equal(disparity, [4, np.nan, np.nan, np.nan, 0])
    assert mvs.disparity_to_depth(np.empty((0, 3)), 1.0, 1.0).shape == (0, 3)


def test_torch():
    torch = pytest.importorskip("torch")
    disparity = torch.tensor([4.0, float("nan"), 8.0], dtype=torch.float64, requires_grad=True)
    depth = mvs.disparity_to_depth(disparity, 8.0, 2.0)
    assert depth.tolist() == [4, 0, 2]
    depth.sum().backward()
    assert disparity.grad.tolist() == [-1, 0, -0.25]  # -f b / d^2


def test_bad_input():
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="focal_length: expected a positive number"):
            mvs.disparity_to_depth(np.ones(3), wrong, 1.0)
        with pytest.raises(ValueError, match="baseline: expected a positive number"):
            mvs.depth_to_disparity(np.ones(3), 1.0, wrong)
    with pytest.raises(TypeError, match="disparity: expected dtype float32 or float64, got int64"):
        mvs.disparity_to_depth(np.ones(3, np.int64), 1.0, 1.0)
