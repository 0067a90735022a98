# SPDX-License-Identifier: Apache-2.0
"""View selection and depth ranges on tracks whose geometry is known."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import mvs


def camera_at(x: float, seen: np.ndarray, turn: float = 0.0) -> fastcv.Image:
    c, s = np.cos(turn), np.sin(turn)
    R = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    pose = np.c_[R, -R @ [x, 0, 0]]
    return fastcv.Image(f"{x}.png", 1, pose, np.zeros((len(seen), 2)), seen)


def reconstruction(images: dict[int, fastcv.Image], xyz: np.ndarray) -> fastcv.Reconstruction:
    camera = fastcv.Camera("SIMPLE_PINHOLE", 640, 480, np.array([500.0, 320, 240]))
    n = len(xyz)
    points = fastcv.Points3D(np.arange(n), xyz, np.zeros((n, 3), np.uint8), np.zeros(n))
    return fastcv.Reconstruction({1: camera}, images, points)


def test_baseline_decides_where_points_are_shared():
    """Points 10 away: the best angle, 5 degrees, is a baseline of 0.87."""
    xyz = np.random.default_rng(0).normal([0, 0, 10], [0.5, 0.5, 0.1], (50, 3))
    everything = np.arange(50)
    images = {i: camera_at(x, everything) for i, x in {3: 0.0, 5: 0.05, 7: 0.9, 8: 2.5, 9: 6.0}.items()}
    selected = mvs.select_sources(reconstruction(images, xyz), num_sources=3)
    assert selected[3] == [7, 8, 9]
    assert list(selected) == [3, 5, 7, 8, 9]
    assert len(selected[9]) == 3


def test_number_of_shared_points_decides_among_equal_baselines():
    xyz = np.random.default_rng(0).normal([0, 0, 10], 0.1, (40, 3))
    images = {1: camera_at(0, np.arange(40)), 2: camera_at(0.87, np.arange(10)), 3: camera_at(-0.87, np.arange(5, 40))}
    images[4] = camera_at(0.5, np.empty(0, np.int64))
    selected = mvs.select_sources(reconstruction(images, xyz))
    assert selected == {1: [3, 2], 2: [1, 3], 3: [1, 2], 4: []}  # image 4 shares nothing


def test_poses_alone():
    """Without points, cameras on an arc around one centre are judged by the angles between their axes."""
    images = {}
    for i, degrees in enumerate([0, 1, 6, 30]):
        a = np.radians(degrees)
        image = camera_at(0.0, np.empty(0, np.int64), a)
        center = np.array([-10 * np.sin(a), 0, 10 - 10 * np.cos(a)])
        image.cam_from_world = np.c_[image.rotation, -image.rotation @ center]
        images[i] = image
    scene = reconstruction(images, np.empty((0, 3)))
    selected = mvs.select_sources(scene, depth_ranges=dict.fromkeys(images, (9.0, 11.0)))
    assert selected[0] == [2, 3, 1]  # 25 degrees too many count less than 4 too few


def test_depth_range_survives_outliers():
    depths = np.r_[np.linspace(4, 6, 500), 0.01, 900, -5]
    xyz = np.c_[np.zeros((503, 2)), depths]
    image = camera_at(0, np.arange(503))
    near, far = mvs.depth_range(reconstruction({1: image}, xyz), 1)
    assert near == pytest.approx(4.0 / 1.1, rel=0.01)
    assert far == pytest.approx(6.0 / 0.9, rel=0.01)


def test_bad_input():
    scene = reconstruction({1: camera_at(0, np.array([0]))}, np.array([[0, 0, 1.0]]))
    with pytest.raises(ValueError, match="image_id: expected an image that sees two points or more, got 1 with 1"):
        mvs.depth_range(scene, 1)
    with pytest.raises(ValueError, match="num_sources: expected at least 1, got 0"):
        mvs.select_sources(scene, num_sources=0)
    for name, arguments in (("percentile", {"percentile": 50.0}), ("margin", {"margin": 1.0})):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            mvs.depth_range(scene, 1, **arguments)
