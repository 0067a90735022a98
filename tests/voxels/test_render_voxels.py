# SPDX-License-Identifier: Apache-2.0
"""Pictures of voxels against closed forms, and with input that is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastcv import Camera, voxels
from fastcv.voxels import VoxelGrid

from .conftest import CENTER, RADIUS, ball_grid, ball_mask, pose_towards


def test_ball(ball):
    """Silhouettes and depths of a ball of voxels are the ball's but for voxels at its surface."""
    grid = ball_grid(90, 90, 90)
    centers = np.stack([grid.centers(z) for z in range(90)])
    dense = np.linalg.norm(centers - CENTER, axis=-1) <= RADIUS
    occupancy = voxels.Occupancy.from_dense(dense, grid)
    for camera, pose in ball.pairs[:3]:
        seen, depths = voxels.render_voxels(occupancy, (camera, pose))
        mask = ball_mask(camera, pose)
        assert (seen.shape, depths.shape) == ((camera.height, camera.width),) * 2
        assert ((seen >= 0) & mask).sum() / ((seen >= 0) | mask).sum() > 0.96
        assert dense.ravel()[seen[seen >= 0]].all()
        np.testing.assert_array_equal(depths > 0, seen >= 0)
        x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
        rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.matrix).T
        center, squared = pose[:, :3] @ CENTER + pose[:, 3], np.sum(rays**2, -1)
        along = rays @ center
        true = (along - np.sqrt(np.maximum(along**2 - squared * (center @ center - RADIUS**2), 0))) / squared
        steep = mask & (seen >= 0) & (along**2 - squared * (center @ center - RADIUS**2) > 0.25 * squared * RADIUS**2)
        # A voxel counts by its centre: the surface moves by up to half its diagonal, more so along slanted rays.
        assert np.abs(depths - true)[steep].max() < 2 * 0.87 * grid.voxel_size
        assert steep.sum() > 500


def test_camera_within_the_grid_and_rays_along_axes():
    grid = VoxelGrid([-2, -2, -2], 1.0, (4, 4, 4))
    dense = np.zeros(grid.shape, bool)
    dense[3, 1, 1] = dense[0, 1, 1] = True
    camera = Camera("PINHOLE", 1, 1, np.array([1.0, 1, 0.5, 0.5]))  # its pixel looks along z
    pose = np.c_[np.eye(3), [0.5, 0.5, 0.25]]  # from (-0.5, -0.5, -0.25)
    seen, depths = voxels.render_voxels(voxels.Occupancy.from_dense(dense, grid), (camera, pose))
    assert seen[0, 0] == np.ravel_multi_index((3, 1, 1), grid.shape)
    assert depths[0, 0] == 1.25  # behind it there is another, which it does not see
    dense[1, 1, 1] = True  # it stands in this one
    seen, depths = voxels.render_voxels(voxels.Occupancy.from_dense(dense, grid), (camera, pose))
    assert (seen[0, 0], depths[0, 0]) == (np.ravel_multi_index((1, 1, 1), grid.shape), 0.0)
    beside = np.c_[np.eye(3), [5.0, 0.5, 9]]
    assert voxels.render_voxels(voxels.Occupancy.from_dense(dense, grid), (camera, beside))[0][0, 0] == -1


def test_matrix_and_pair_agree_for_every_number_of_threads():
    grid = VoxelGrid([-1, -1, -1], 0.125, (16, 16, 16))
    occupancy = voxels.Occupancy.from_dense(np.random.default_rng(0).random(grid.shape) < 0.05, grid)
    camera = Camera("PINHOLE", 61, 47, np.array([70.0, 71, 30, 22]))
    pose = pose_towards(np.array([3.0, 1, 2]), np.zeros(3))
    expected = voxels.render_voxels(occupancy, (camera, pose), num_threads=1)
    for other in (
        voxels.render_voxels(occupancy, (camera, pose), num_threads=3),
        voxels.render_voxels(occupancy, -3 * camera.matrix @ pose, size=(47, 61)),
    ):
        # Scaling a matrix rounds: a ray along an edge may take the neighbour.
        assert np.mean(other[0] != expected[0]) < 0.002
    np.testing.assert_array_equal(voxels.render_voxels(occupancy, (camera, pose), num_threads=3)[0], expected[0])
    assert 200 < (expected[0] >= 0).sum() < 61 * 47


@pytest.mark.parametrize(
    ("camera", "options", "message"),
    [
        (np.eye(3, 4), {}, "size: expected (H, W) where the camera is a matrix, got None"),
        (np.eye(3, 4), {"size": (0, 4)}, "size: expected two positive numbers (H, W), got (0, 4)"),
        ((Camera("SIMPLE_RADIAL", 8, 6, np.array([5.0, 4, 3, 0.1])), np.eye(3, 4)), {}, "camera: expected PINHOLE or"),
        ((Camera("PINHOLE", 8, 6, np.array([5.0, 5, 4, 3])), np.zeros((3, 4))), {}, "camera: expected a rotation and"),
        (np.zeros((3, 4)), {"size": (4, 4)}, "camera: expected a matrix whose left 3x3 part is not singular"),
        (np.eye(3, 4), {"size": (4, 4), "num_threads": -1}, "num_threads: expected 0 (default) or more, got -1"),
    ],
)
def test_bad_values(camera, options, message):
    grid = VoxelGrid([-1, -1, 1], 1.0, (2, 2, 2))
    occupancy = voxels.Occupancy.from_dense(np.ones(grid.shape, bool), grid)
    with pytest.raises(ValueError, match=re.escape(message)):
        voxels.render_voxels(occupancy, camera, **options)
