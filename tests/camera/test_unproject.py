# SPDX-License-Identifier: Apache-2.0
"""Unprojection against pycolmap, the numpy reference and known folds."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.camera import _reference, max_valid_angle, project, unproject

CLOSED = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_FISHEYE", "FISHEYE", "SIMPLE_DIVISION", "DIVISION", "EUCM")
CLOSED += ("EQUIRECTANGULAR",)


def test_returns_to_the_point(camera, points, device):
    rays = device.get(unproject(device.put(project(points, camera)), camera))
    length = np.linalg.norm(points, axis=1) if camera.is_spherical else points[:, 2]
    # Rays are at most 1.4 long: a dozen roundings of 1e-16.
    np.testing.assert_allclose(rays, points / length[:, None], rtol=0, atol=5e-15)


def test_against_pycolmap(camera, points):
    pixels = project(points, camera)
    model = "RADIAL" if camera.model == "BAL" else camera.model
    params = [camera.params[0], 0, 0, *camera.params[1:]] if camera.model == "BAL" else camera.params
    theirs = pycolmap.Camera(model=model, width=640, height=480, params=params).cam_ray_from_img(pixels)
    ours = unproject(pixels, camera)
    # COLMAP stops its Newton iteration at a step of 1e-5, after which the error is at most about 1e-10.
    limit = 5e-15 if camera.model in CLOSED else 1e-8
    np.testing.assert_allclose(ours / np.linalg.norm(ours, axis=1, keepdims=True), theirs, rtol=0, atol=limit)


def test_against_the_reference_over_the_image_and_beyond(camera, device):
    rng = np.random.default_rng(3)
    pixels = np.concatenate([rng.uniform(0, 1, (300, 2)) * [640, 480], rng.uniform(-1500, 2000, (300, 2))])
    ours, theirs = device.get(unproject(device.put(pixels), camera)), _reference.unproject(pixels, camera)
    np.testing.assert_array_equal(np.isnan(ours[:, 0]), np.isnan(theirs[:, 0]))
    near = abs(theirs[:, 0]) + abs(theirs[:, 1]) < 20  # close to 90° the tangent magnifies every rounding
    np.testing.assert_allclose(ours[near], theirs[near], rtol=1e-10, atol=1e-13)


def test_float32(camera, points, device):
    pixels = project(points, camera).astype(np.float32)
    rays = device.get(unproject(device.put(pixels), camera))
    assert rays.dtype == np.float32
    expected = _reference.unproject(pixels.astype(np.float64), camera)
    np.testing.assert_allclose(rays, expected, rtol=0, atol=2e-6)  # ten roundings of 6e-8 on rays up to 1.4


def test_beyond_the_fold_is_nan(device):
    # r (1 - 0.3 r²) is largest at r = sqrt(1 / 0.9), where it is 2/3 of that.
    camera = Camera("SIMPLE_RADIAL", 640, 480, [1, 0, 0, -0.3])
    fold = np.sqrt(1 / 0.9)
    assert max_valid_angle(camera) == pytest.approx(np.arctan(fold), rel=1e-12)
    largest = fold * 2 / 3
    pixels = np.array([[largest * 0.999, 0], [0, -largest * 0.999], [largest * 1.001, 0], [5, 5], [1e30, 0]])
    rays = device.get(unproject(device.put(pixels), camera))
    assert np.isnan(rays[2:, :2]).all()
    np.testing.assert_allclose(project(rays[:2], camera), pixels[:2], rtol=1e-12, atol=1e-15)
    assert (np.hypot(rays[:2, 0], rays[:2, 1]) < fold).all()


def test_a_second_branch_is_not_taken():
    # F = r (1 - 0.5 s + 0.1 s²) rises to r = 1, falls to r = sqrt(2), then rises again: F(1) = 0.6.
    camera = Camera("RADIAL", 640, 480, [1, 0, 0, -0.5, 0.1])
    radii = np.concatenate([np.linspace(0, 0.599, 50), np.linspace(0.601, 2, 200)])
    rays = unproject(np.column_stack([0.6 * radii, 0.8 * radii]), camera)
    assert (np.hypot(rays[:50, 0], rays[:50, 1]) < 1).all()
    assert np.isnan(rays[50:, :2]).all()


@pytest.mark.parametrize("model", ["SIMPLE_FISHEYE", "OPENCV_FISHEYE", "FOV"])
def test_fisheye_ends_at_90_degrees(model):
    extra = {"SIMPLE_FISHEYE": [], "OPENCV_FISHEYE": [0, 0, 0, 0], "FOV": [1.0]}[model]
    focal = [100] if model == "SIMPLE_FISHEYE" else [100, 100]
    camera = Camera(model, 640, 480, [*focal, 0, 0, *extra])
    rim = 100 * np.pi / 2
    rays = unproject(np.array([[rim * 0.9999, 0], [rim * 1.0001, 0], [1000, 1000]]), camera)
    slope = 2 * np.tan(0.5) if model == "FOV" else 1.0
    assert rays[0, 0] == pytest.approx(np.tan(np.pi / 2 * 0.9999) / slope, rel=1e-9)
    assert np.isnan(rays[1:, :2]).all()
    np.testing.assert_array_equal(rays[:, 2], 1)


def test_fisheye_is_accurate_near_the_axis():
    camera = Camera("RADIAL_FISHEYE", 640, 480, [1, 0, 0, 0.1, -0.01])
    radii = np.geomspace(1e-140, 1e-9, 50)
    np.testing.assert_allclose(unproject(np.column_stack([radii, -radii]), camera)[:, 0], radii, rtol=1e-15)


def test_not_finite(camera):
    rays = unproject(np.array([[np.nan, 1], [1, np.inf], [np.nan, np.nan]]), camera)
    assert np.isnan(rays[:, :2]).any(axis=1).all()


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33])
def test_sizes(camera, points, n):
    pixels = project(points, camera)
    np.testing.assert_array_equal(unproject(pixels[:n], camera), unproject(pixels, camera)[:n])


def test_threads_layouts_and_out(camera):
    pixels = np.random.default_rng(4).uniform(0, 400, (100_003, 2))
    expected = unproject(pixels, camera, num_threads=1)
    np.testing.assert_array_equal(unproject(pixels, camera, num_threads=3), expected)
    np.testing.assert_array_equal(unproject(np.asfortranarray(pixels), camera), expected)
    pixels.flags.writeable = False
    out = np.empty((100_003, 3))
    assert unproject(pixels, camera, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_wrong_arguments(camera):
    with pytest.raises(ValueError, match=r"^pixels: expected shape \(N, 2\), got \(2, 3\)$"):
        unproject(np.zeros((2, 3)), camera)
    with pytest.raises(TypeError, match=r"^pixels: expected dtype float32 or float64, got uint8$"):
        unproject(np.zeros((2, 2), np.uint8), camera)


def test_max_valid_angle_of_every_family():
    angle = max_valid_angle
    assert angle(Camera("PINHOLE", 4, 4, [1, 1, 0, 0])) == np.pi / 2
    assert angle(Camera("SIMPLE_RADIAL", 4, 4, [1, 0, 0, 0.2])) == np.pi / 2
    assert angle(Camera("SIMPLE_FISHEYE", 4, 4, [1, 0, 0])) == np.pi / 2
    # 1 + 3 k s = 0
    assert angle(Camera("BAL", 4, 4, [1, -0.1, 0])) == pytest.approx(np.arctan(np.sqrt(1 / 0.3)), rel=1e-12)
    assert angle(Camera("SIMPLE_RADIAL_FISHEYE", 4, 4, [1, 0, 0, -0.3])) == pytest.approx(np.sqrt(1 / 0.9), rel=1e-12)
    # r / (1 + s) grows until r = 1.
    assert angle(Camera("DIVISION", 4, 4, [1, 1, 0, 0, -0.2])) == np.pi / 2
    # A point at r has an image as long as 1 - 4 k r² > 0.
    assert angle(Camera("SIMPLE_DIVISION", 4, 4, [1, 0, 0, 0.25])) == pytest.approx(np.pi / 4, rel=1e-12)
    assert angle(Camera("EUCM", 4, 4, [1, 1, 0, 0, 0.9, 1.3])) == np.pi / 2
    # alpha = 1.5: sqrt(1 + beta r²) = 3 at the maximum. alpha = -1: r is infinitely far away where it is 2.
    assert angle(Camera("EUCM", 4, 4, [1, 1, 0, 0, 1.5, 2])) == pytest.approx(np.arctan(2), rel=1e-12)
    assert angle(Camera("EUCM", 4, 4, [1, 1, 0, 0, -1, 3])) == pytest.approx(np.pi / 4, rel=1e-12)
    assert angle(Camera("EUCM", 4, 4, [1, 1, 0, 0, 0.5, -1])) == 0
    assert angle(Camera("EQUIRECTANGULAR", 4, 2, [4, 2])) == np.pi
    # 1 + 3 k s = 0 again; the other terms of this model are no radial ones.
    aria = Camera("RAD_TAN_THIN_PRISM_FISHEYE", 4, 4, [1, 1, 0, 0, -0.3, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    assert angle(aria) == pytest.approx(np.sqrt(1 / 0.9), rel=1e-12)
    rational = Camera("FULL_OPENCV", 4, 4, [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
    assert angle(rational) == pytest.approx(np.pi / 4, rel=1e-12)
