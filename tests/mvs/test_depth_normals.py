# SPDX-License-Identifier: Apache-2.0
"""Normals of depth maps of known planes."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import mvs

NORMAL = np.array([0.25, -0.15, 1.0])  # of the plane in conftest.py, world frame


def test_plane(scene):
    for view, depth in zip(scene.views, scene.depths, strict=True):
        depth = depth.astype(np.float32)
        depth[:, ::7] = 0
        normals = mvs.depth_normals(view, depth)
        expected = -view.cam_from_world[:, :3] @ NORMAL / np.linalg.norm(NORMAL)
        assert np.abs(normals[depth > 0] - expected).max() < 2e-3  # depths are rounded to float32
        assert not normals[:, ::7].any()


def test_one_pixel_faces_the_camera():
    view = mvs.View(np.ones((1, 1)), [[1.0, 0, -0.5], [0, 1.0, 0.5], [0, 0, 1]], np.eye(3, 4))
    normal = mvs.depth_normals(view, np.full((1, 1), 2, np.float32))
    np.testing.assert_allclose(normal, [[[-np.sqrt(0.5), 0, -np.sqrt(0.5)]]], atol=1e-7)


def test_strided_read_only_and_threads(scene):
    depth = np.repeat(scene.depths[0].astype(np.float32), 2, axis=1)[:, ::2]
    depth.flags.writeable = False
    one = mvs.depth_normals(scene.views[0], depth, num_threads=1)
    np.testing.assert_array_equal(one, mvs.depth_normals(scene.views[0], depth.copy(), num_threads=3))


def test_bad_input(scene):
    with pytest.raises(TypeError, match="depth: expected dtype float32, got float64"):
        mvs.depth_normals(scene.views[0], scene.depths[0])
    with pytest.raises(ValueError, match="depth: expected shape"):
        mvs.depth_normals(scene.views[0], np.ones((3, 3), np.float32))
    with pytest.raises(ValueError, match=r"view\.K: expected"):
        mvs.depth_normals(scene.views[0]._replace(K=np.zeros((3, 3))), scene.depths[0].astype(np.float32))
