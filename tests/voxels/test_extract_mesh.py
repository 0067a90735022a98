# SPDX-License-Identifier: Apache-2.0
"""Meshes of fused depth maps: against a ball's closed form, colours, weights."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import voxels

from .conftest import CENTER, RADIUS, Scene

SIZE = 0.04


def ball_depth(camera, pose) -> np.ndarray:
    """Depth of the ball along z at pixel centres, 0 beside it."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.matrix).T  # z = 1
    center = pose[:, :3] @ CENTER + pose[:, 3]
    b, a = rays @ center, np.sum(rays**2, axis=-1)
    root = b**2 - a * (center @ center - RADIUS**2)
    return np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, 0).astype(np.float32)


@pytest.fixture(scope="module")
def volume(ball: Scene) -> voxels.TsdfVolume:
    result = voxels.TsdfVolume(SIZE, color=True)
    for camera, pose in ball.pairs:
        color = np.full((camera.height, camera.width, 3), (10, 200, 99), np.uint8)
        result.integrate(ball_depth(camera, pose), camera, pose, color=color)
    return result


def test_the_mesh_lies_on_the_ball(volume: voxels.TsdfVolume) -> None:
    mesh = volume.extract_mesh(min_weight=2)
    outwards = mesh.vertices - CENTER
    distances = np.linalg.norm(outwards, axis=1)
    assert abs(np.median(distances) - RADIUS) < 0.1 * SIZE
    # Signed distances are along the viewing axes: at the rims of silhouettes they are too large by half a voxel.
    assert np.percentile(np.abs(distances - RADIUS), 95) < 0.5 * SIZE
    along = np.einsum("ij,ij->i", mesh.normals, outwards / distances[:, None])
    assert np.median(along) > 0.99
    np.testing.assert_array_equal(np.unique(mesh.colors, axis=0), [[10, 200, 99]])


def test_weights_and_missing_colors(volume: voxels.TsdfVolume, ball: Scene) -> None:
    sizes = [len(volume.extract_mesh(min_weight=weight).faces) for weight in (1, 3, 8)]
    assert sizes[0] > sizes[1] > sizes[2] == 0
    plain = voxels.TsdfVolume(SIZE)
    camera, pose = ball.pairs[0]
    plain.integrate(ball_depth(camera, pose), camera, pose)
    assert plain.extract_mesh().colors is None
    assert len(voxels.TsdfVolume(SIZE, color=True).extract_mesh().faces) == 0


def test_threads_change_nothing(volume: voxels.TsdfVolume) -> None:
    one, three = (volume.extract_mesh(num_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.vertices, three.vertices)
    np.testing.assert_array_equal(one.faces, three.faces)
    np.testing.assert_array_equal(one.colors, three.colors)
