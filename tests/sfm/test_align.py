# SPDX-License-Identifier: Apache-2.0
"""Reconstructions moved into a known frame, and hand-made errors there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv import sfm
from fastcv.scene import Camera, Image, Points3D, Reconstruction

rng = np.random.default_rng(11)
ROTATION = Rotation.from_rotvec([0.3, -1.1, 2.0]).as_matrix()
SHIFT = np.array([3.0, -2.0, 10.0])


def world(num_images: int = 6) -> Reconstruction:
    images = {}
    for i in range(1, num_images + 1):
        pose = np.column_stack([Rotation.random(random_state=i).as_matrix(), rng.normal(size=3)])
        images[i] = Image(f"{i}.jpg", 1, pose, np.zeros((0, 2)), np.zeros(0, np.int64))
    points = Points3D(np.arange(4), rng.normal(size=(4, 3)), np.zeros((4, 3), np.uint8), np.zeros(4))
    return Reconstruction({1: Camera("SIMPLE_PINHOLE", 10, 10, np.array([9.0, 5, 5]))}, images, points)


def test_align_moves_cameras_and_points_together() -> None:
    before = world()
    reference = {image.name: 2 * ROTATION @ image.center + SHIFT for image in before.images.values()}
    after = sfm.align(before, {**reference, "unknown.jpg": np.zeros(3)})
    for key, image in before.images.items():
        np.testing.assert_allclose(after.images[key].center, reference[image.name], atol=1e-12)
        seen = before.points3D.xyz @ image.rotation.T + image.translation
        moved = after.points3D.xyz @ after.images[key].rotation.T + after.images[key].translation
        np.testing.assert_allclose(moved, 2 * seen, atol=1e-11)
    np.testing.assert_allclose(after.points3D.xyz, 2 * before.points3D.xyz @ ROTATION.T + SHIFT, atol=1e-12)


def test_compare_poses_reports_what_was_done() -> None:
    truth = world(8)
    reference = {image.name: image.cam_from_world for image in truth.images.values()}
    moved = sfm.align(truth, {image.name: 0.1 * ROTATION @ image.center for image in truth.images.values()})
    # One camera turned by a tenth of a degree about its own centre: the similarity stays.
    turned = moved.images[3]
    turn = Rotation.from_rotvec(np.deg2rad([0, 0.1, 0])).as_matrix()
    turned.cam_from_world = turn @ turned.cam_from_world
    errors = sfm.compare_poses(moved, reference)
    assert errors.names == tuple(f"{i}.jpg" for i in range(1, 9))
    np.testing.assert_allclose(errors.center, 0, atol=1e-12)
    np.testing.assert_allclose(errors.rotation, np.where(np.arange(8) == 2, 0.1, 0), atol=1e-9)
    assert errors.similarity.scale == pytest.approx(10)
