# SPDX-License-Identifier: Apache-2.0
"""Ray-casting against surfaces in closed form."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastcv import Camera
from fastcv.voxels import TsdfVolume, VoxelGrid

from .conftest import CENTER, RADIUS, ball_depth, pose_towards
from .fusion import CAMERA


def exact_ball(voxel_size: float, *, color: bool = False) -> TsdfVolume:
    """A volume whose values are the distance to the ball itself, not what frames would make of it."""
    side = int(np.ceil(2.4 * RADIUS / voxel_size / 8))
    blocks = np.indices((side,) * 3, np.int32).reshape(3, -1).T.copy()
    origin = CENTER - 1.2 * RADIUS
    voxels = 8 * blocks[:, None] + np.indices((8, 8, 8)).reshape(3, -1).T + 0.5
    points = origin + voxel_size * voxels[..., ::-1]
    values = (np.linalg.norm(points - CENTER, axis=-1) - RADIUS).reshape(-1, 8, 8, 8).astype(np.float32)
    near = (np.abs(values) < 4 * voxel_size).any((1, 2, 3))
    values, blocks, points = np.clip(values, -4 * voxel_size, 4 * voxel_size)[near], blocks[near], points[near]
    colors = None
    if color:  # red grows along x, green along y, blue along z
        colors = np.moveaxis(128 + 100 * (points - CENTER), -1, 1).reshape(-1, 3, 8, 8, 8).astype(np.float32)
    options = {"voxels": voxel_size, "origin": origin}
    return TsdfVolume.from_arrays(blocks, values, np.ones_like(values), colors, **options)


@pytest.mark.parametrize("voxel_size", [0.05, 0.02])
def test_ball(voxel_size):
    """Between voxels a sphere's distance is off by at most h² / 4R along the normal, as its second derivatives sum to
    2 / R; along a ray by that over the cosine between them, here from 0.4 on."""
    camera = Camera("PINHOLE", 120, 100, np.array([150.0, 150, 60, 50]))
    pose = pose_towards(CENTER + [1.5, -1.2, 0.8], CENTER)
    view = exact_ball(voxel_size).render(camera, pose)
    depth = ball_depth(camera, pose)
    expected = np.where(np.isinf(depth), 0, depth)
    x, y = np.meshgrid(np.arange(120) + 0.5, np.arange(100) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.matrix).T
    normal = (rays * expected[..., None] - (pose[:, :3] @ CENTER + pose[:, 3])) / RADIUS
    facing = -(normal * rays).sum(-1) / np.linalg.norm(rays, axis=-1)
    clear = (expected > 0) & (facing > 0.4)
    assert clear.sum() > 2000
    assert (view.depth[clear] > 0).all()
    bound = (voxel_size**2 / (4 * RADIUS) + 2e-3 * voxel_size) / 0.4
    assert np.abs(view.depth - expected)[clear].max() < bound
    # A tetrahedron's differences over 1.2 voxels between values that are interpolated: errors of 2nd order.
    assert (view.normals * normal).sum(-1)[clear].min() > np.cos(3 * voxel_size / RADIUS)
    np.testing.assert_allclose(np.linalg.norm(view.normals, axis=-1)[view.depth > 0], 1, atol=1e-5)
    beside = np.isinf(depth)
    ringed = beside & np.roll(beside, 3, 0) & np.roll(beside, -3, 0) & np.roll(beside, 3, 1) & np.roll(beside, -3, 1)
    assert not view.depth[ringed].any()


def test_colors():
    camera = Camera("PINHOLE", 60, 50, np.array([75.0, 75, 30, 25]))
    pose = pose_towards(CENTER + [-1.5, 1.2, 0.8], CENTER)
    view = exact_ball(0.03, color=True).render(camera, pose)
    hit = view.depth > 0
    x, y = np.meshgrid(np.arange(60) + 0.5, np.arange(50) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.matrix).T
    points = (rays * view.depth[..., None] - pose[:, 3]) @ pose[:, :3]
    expected = 128 + 100 * (points - CENTER)  # linear in space, so that interpolation is exact up to rounding
    assert np.abs(view.colors[hit] - expected[hit]).max() < 0.52
    assert hit.sum() > 500
    assert not view.colors[~hit].any()
    assert not view.normals[~hit].any()


def test_from_behind_and_within():
    """From within the ball there is only its back; a camera far off sees what it sees from near, zoomed."""
    volume = exact_ball(0.04)
    camera = Camera("PINHOLE", 40, 30, np.array([20.0, 20, 20, 15]))
    assert not volume.render(camera, pose_towards(CENTER, CENTER + [0, 1, 0])).depth.any()
    pose = pose_towards(CENTER + [0, 1000 * 0.5, 0], CENTER)
    far = Camera("PINHOLE", 40, 30, np.array([8000.0, 8000, 20, 15]))
    depth = volume.render(far, pose).depth
    assert abs(depth[15, 20] - (500 - RADIUS)) < 0.01
    assert not volume.render(far, pose, max_depth=499).depth.any()


def test_weights_that_are_too_small():
    volume = exact_ball(0.05)
    camera, pose = Camera("PINHOLE", 40, 30, np.array([40.0, 40, 20, 15])), pose_towards(CENTER + [2, 0, 0.1], CENTER)
    assert volume.render(camera, pose, min_weight=1).depth.any()
    assert not volume.render(camera, pose, min_weight=1.01).depth.any()


@pytest.mark.parametrize("model", ["OPENCV_FISHEYE", "SIMPLE_RADIAL"])
def test_any_camera(model):
    """A lens sees along its rays what a pinhole camera sees along the same ones."""
    params = {"OPENCV_FISHEYE": [40.0, 40, 20, 15, 0.01, 0, 0, 0], "SIMPLE_RADIAL": [40.0, 20, 15, -0.1]}[model]
    camera, pose = Camera(model, 40, 30, np.array(params)), pose_towards(CENTER + [2, 0.3, 0.1], CENTER)
    import fastcv

    volume = exact_ball(0.04)
    view = volume.render(camera, pose)
    for row, column in [(15, 20), (12, 25), (20, 14)]:
        ray = fastcv.camera.unproject(np.array([[column + 0.5, row + 0.5]]), camera)[0]
        pinhole = Camera("PINHOLE", 1, 1, np.array([40.0, 40, 0.5 - 40 * ray[0] / ray[2], 0.5 - 40 * ray[1] / ray[2]]))
        single = volume.render(pinhole, pose)
        np.testing.assert_allclose(view.depth[row, column], single.depth[0, 0], atol=1e-4)
        np.testing.assert_allclose(view.normals[row, column], single.normals[0, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("pose", "options", "message"),
    [
        (np.eye(4), {}, "cam_from_world: expected a pose of shape (3, 4), got (4, 4)"),
        (2 * np.eye(3, 4), {}, "cam_from_world: expected a rotation and a translation"),
        (np.c_[np.eye(3), [0, 0, 1e15]], {}, "cam_from_world: expected a camera within 2**40 voxels of the volume"),
        (np.eye(3, 4), {"min_weight": -1}, "min_weight: expected a finite number from 0 on, got -1"),
        (np.eye(3, 4), {"max_depth": 0}, "max_depth: expected a positive number, got 0"),
    ],
)
def test_bad_values(pose, options, message):
    volume = TsdfVolume(VoxelGrid([0, 0, 0], 0.1, (8, 8, 8)))
    with pytest.raises(ValueError, match=re.escape(message)):
        volume.render(CAMERA, pose, **options)
