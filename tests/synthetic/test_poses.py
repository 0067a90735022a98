# SPDX-License-Identifier: Apache-2.0
"""Cameras of synthetic scenes against pycolmap's models and closed forms."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.synthetic import look_at, make_camera
from fastcv.synthetic.poses import arc, project, unproject

MODELS = ["SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL"]


@pytest.mark.parametrize("model", MODELS)
def test_projection_is_colmaps(model: str) -> None:
    camera = make_camera(model, 641, 479)
    points = np.random.default_rng(0).uniform((-0.5, -0.4, 1), (0.5, 0.4, 1), (300, 3))
    points *= np.random.default_rng(1).uniform(0.1, 20, (300, 1))
    theirs = pycolmap.Camera(model=model, width=641, height=479, params=camera.params)
    np.testing.assert_allclose(project(points, camera), theirs.img_from_cam(points), atol=1e-10)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1, 1)])
def test_unprojection_inverts_colmaps_projection(model: str, size: tuple[int, int]) -> None:
    camera = make_camera(model, *size)
    x, y = np.meshgrid(np.linspace(0, size[0], 9), np.linspace(0, size[1], 7))
    pixels = np.column_stack([x.ravel(), y.ravel()])
    rays = unproject(pixels, camera)
    assert (rays[:, 2] == 1).all()
    theirs = pycolmap.Camera(model=model, width=size[0], height=size[1], params=camera.params)
    np.testing.assert_allclose(theirs.img_from_cam(rays), pixels, atol=1e-9)


def test_look_at_puts_the_target_on_the_axis_and_up_upwards() -> None:
    pose = look_at((1, -5, 2), (0, 0, 1))
    rotation, translation = pose[:, :3], pose[:, 3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, rtol=1e-14)
    np.testing.assert_allclose(rotation @ (1, -5, 2) + translation, 0, atol=1e-14)
    np.testing.assert_allclose(rotation @ (0, 0, 1) + translation, (0, 0, np.sqrt(27)), atol=1e-14)
    above = rotation @ (0, 0, 1.5) + translation
    assert above[1] < 0
    assert abs(above[0]) < 1e-14


def test_arc_and_ring_angles() -> None:
    def azimuths(poses: np.ndarray) -> np.ndarray:
        centers = np.stack([-p[:, :3].T @ p[:, 3] for p in poses])
        return np.rad2deg(np.arctan2(centers[:, 0], -centers[:, 1]))

    place = {"target": (0, 0, 0), "radius": 2.0, "height": 0.5, "wobble": 0.05}
    np.testing.assert_allclose(azimuths(arc(4, degrees=60, **place)), [-30, -10, 10, 30])
    np.testing.assert_allclose(azimuths(arc(4, degrees=360, **place)) % 360, [180, 270, 0, 90], atol=1e-9)
    np.testing.assert_allclose(azimuths(arc(1, degrees=60, **place)), [0], atol=1e-9)


def test_guards() -> None:
    with pytest.raises(ValueError, match="camera_model: expected one of SIMPLE_RADIAL, RADIAL"):
        make_camera("OPENCV", 64, 48)
    fisheye = Camera("SIMPLE_FISHEYE", 64, 48, np.array([50.0, 32, 24]))
    with pytest.raises(ValueError, match=r"camera\.model: expected one of"):
        project(np.ones((1, 3)), fisheye)
