# SPDX-License-Identifier: Apache-2.0
"""Depth ranges by points and by poses whose geometry is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.optimize import brentq

import fastcv
from fastcv import mvs

from .test_select_sources import camera_at, reconstruction, temple

NOTHING = np.empty(0, np.int64)


def test_depth_range_survives_outliers():
    depths = np.r_[np.linspace(4, 6, 500), 0.01, 900, -5]
    xyz = np.c_[np.zeros((503, 2)), depths]
    image = camera_at(0, np.arange(503))
    near, far = mvs.depth_range(reconstruction({1: image}, xyz), 1)
    assert near == pytest.approx(4.0 / 1.1, rel=0.01)
    assert far == pytest.approx(6.0 / 0.9, rel=0.01)


def side_by_side() -> fastcv.Reconstruction:
    """f = 500, 640 x 480, one unit apart."""
    return reconstruction({i: camera_at(x, NOTHING) for i, x in enumerate([0.0, 1.0])}, np.empty((0, 3)))


def test_frusta_side_by_side_in_closed_form():
    """The first column of samples, at x = 35.6, is in the other image from f b / x on; rays must meet at 2 degrees."""
    near, far = mvs.depth_range_from_poses(side_by_side(), 0, share=1.0, margin=0)
    step = 1.052  # between the depths that are looked at, (20 / 0.0349)^(1 / 127)
    assert 1 <= near / (500 / (0.5 / 9 * 640)) <= step

    def smallest_angle(depth: float) -> float:
        x, y = np.meshgrid(((np.arange(9) + 0.5) / 9 - 0.5) * 640, ((np.arange(7) + 0.5) / 7 - 0.5) * 480)
        first = np.stack([x, y, np.full_like(x, 500)], -1) * depth / 500
        second = first - [1, 0, 0]
        cross = np.linalg.norm(np.cross(first, second), axis=-1)
        return float(np.degrees(np.arctan2(cross, (first * second).sum(-1))).min())

    expected = brentq(lambda depth: smallest_angle(depth) - 2, 15, 30)
    assert 1 / step <= far / expected <= 1


def test_a_smaller_share_or_angle_reaches_further():
    ranges = [
        mvs.depth_range_from_poses(side_by_side(), 0, min_angle=angle, share=share)
        for angle, share in ((2.0, 1.0), (2.0, 0.25), (1.0, 0.25))
    ]
    assert ranges[0][0] > ranges[1][0] == pytest.approx(ranges[2][0], rel=0.04)
    assert ranges[0][1] < ranges[1][1] < ranges[2][1]


def test_cameras_around_an_object_get_the_object(data_dir):
    K, poses = temple(data_dir)
    camera = fastcv.Camera("PINHOLE", 640, 480, np.array([K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5]))
    scene = fastcv.Reconstruction({1: camera}, {i: fastcv.Image(f"{i}.png", 1, pose) for i, pose in poses.items()})
    low, high = np.array([-0.023121, -0.038009, -0.091940]), np.array([0.078626, 0.121636, -0.017395])  # its README
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
    for i, pose in poses.items():
        depth = pose[2, :3] @ corners + pose[2, 3]
        near, far = mvs.depth_range_from_poses(scene, i)
        assert 0.25 < near < depth.min()
        assert depth.max() < far < 2.5


def test_a_walk_through_a_room_holds_the_depths_of_its_sensor(data_dir):
    folder = data_dir / "mvs" / "hololens000"
    K, images = np.loadtxt(folder / "K.txt").reshape(3, 3), {}
    for i, line in enumerate((folder / "poses.txt").read_text().splitlines()):
        name, *numbers = line.split()
        pose = np.linalg.inv(np.array(numbers, float).reshape(4, 4))[:3]
        U, _, Vt = np.linalg.svd(pose[:, :3])
        images[i] = fastcv.Image(name.partition(".")[0], 1, np.c_[U @ Vt, pose[:, 3]])
    camera = fastcv.Camera("PINHOLE", 540, 360, np.array([K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5]))
    scene = fastcv.Reconstruction({1: camera}, images)
    for i in range(0, 24, 5):
        depth = cv2.imread(str(folder / "depth" / f"{images[i].name}.png"), cv2.IMREAD_UNCHANGED) / 1000
        near, far = mvs.depth_range_from_poses(scene, i)
        assert 0.1 < near < far < 50
        assert ((depth >= near) & (depth <= far))[depth > 0].mean() > 0.999


def test_scale_of_the_scene_does_not_matter():
    scene = side_by_side()
    one = mvs.depth_range_from_poses(scene, 0)
    for image in scene.images.values():
        image.cam_from_world = np.c_[image.rotation, 1000 * image.translation]
    np.testing.assert_allclose(mvs.depth_range_from_poses(scene, 0), 1000 * np.array(one), rtol=1e-9)


def test_nothing_overlaps():
    for images in (
        {1: camera_at(0, NOTHING)},
        {1: camera_at(0, NOTHING), 2: camera_at(0, NOTHING)},
        {1: camera_at(0, NOTHING), 2: camera_at(1, NOTHING, np.pi)},
    ):
        with pytest.raises(ValueError, match="image_id: expected an image whose frustum others overlap at 2 to 45 deg"):
            mvs.depth_range_from_poses(reconstruction(images, np.empty((0, 3))), 1)


def test_bad_input():
    scene = reconstruction({1: camera_at(0, np.array([0]))}, np.array([[0, 0, 1.0]]))
    with pytest.raises(ValueError, match="image_id: expected an image that sees two points or more, got 1 with 1"):
        mvs.depth_range(scene, 1)
    for name, arguments in (("percentile", {"percentile": 50.0}), ("margin", {"margin": 1.0})):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            mvs.depth_range(scene, 1, **arguments)
    for name, value in (("margin", 1.0), ("share", 0.0), ("share", 1.1), ("min_angle", 0.0), ("min_angle", 45.0)):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            mvs.depth_range_from_poses(scene, 1, **{name: value})
