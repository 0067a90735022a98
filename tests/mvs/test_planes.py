# SPDX-License-Identifier: Apache-2.0
"""Planes even in inverse depth, and how many a sweep needs."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import mvs

K = np.array([[500.0, 0, 320], [0, 500.0, 240], [0, 0, 1]])
IMAGE = np.zeros((480, 640), np.uint8)


def test_even_in_inverse_depth():
    depths = mvs.inverse_depth_planes(0.5, 20.0, 33)
    assert depths[0] == pytest.approx(0.5)
    assert depths[-1] == pytest.approx(20.0)
    np.testing.assert_allclose(np.diff(1 / depths), (1 / 20 - 2) / 32)


def test_number_of_planes_of_a_rectified_pair():
    """f b (1 / near - 1 / far) pixels of disparity want as many steps of a pixel."""
    views = [mvs.View(IMAGE, K, np.c_[np.eye(3), [-b, 0, 0]]) for b in (0.0, 0.1, 0.4)]
    disparity = 500 * 0.4 * (1 / 2 - 1 / 8)
    assert mvs.num_inverse_depth_planes(views[0], views[1:], 2.0, 8.0) == np.ceil(disparity) + 1
    assert mvs.num_inverse_depth_planes(views[0], views[1:], 2.0, 8.0, max_step_px=0.5) == np.ceil(2 * disparity) + 1
    assert mvs.num_inverse_depth_planes(views[0], views[1:2], 2.0, 8.0) == np.ceil(disparity / 4) + 1


def test_bad_input():
    view = mvs.View(IMAGE, K, np.eye(3, 4))
    for near, far in ((0.0, 1.0), (2.0, 1.0), (1.0, np.inf), (-1.0, 1.0)):
        with pytest.raises(ValueError, match="near, far: expected 0 < near < far"):
            mvs.inverse_depth_planes(near, far, 8)
        with pytest.raises(ValueError, match="near, far: expected 0 < near < far"):
            mvs.num_inverse_depth_planes(view, [], near, far)
    with pytest.raises(ValueError, match="num: expected at least 2, got 1"):
        mvs.inverse_depth_planes(1.0, 2.0, 1)
    with pytest.raises(ValueError, match="max_step_px: expected more than 0"):
        mvs.num_inverse_depth_planes(view, [], 1.0, 2.0, max_step_px=0)
