# SPDX-License-Identifier: Apache-2.0
"""Projection and its derivatives against pycolmap, OpenCV, finite differences and the numpy reference."""

from __future__ import annotations

import cv2
import mpmath
import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv._backend import backend
from fastcv.camera import _reference, project, project_jacobian

# Pixels are some hundreds, so float64 rounds them to 1e-13; twenty operations lose about one more digit.
EXACT = 2e-12


def test_against_pycolmap(camera, points):
    model = "RADIAL" if camera.model == "BAL" else camera.model
    params = [camera.params[0], 0, 0, *camera.params[1:]] if camera.model == "BAL" else camera.params
    theirs = pycolmap.Camera(model=model, width=640, height=480, params=params).img_from_cam(points)
    # COLMAP replaces FOV by a series of two terms for r < 0.01, which is good to 1e-8 relative.
    np.testing.assert_allclose(project(points, camera), theirs, rtol=0, atol=1e-8 if camera.model == "FOV" else EXACT)


def test_against_the_reference(camera, points, device):
    expected = _reference.project_jacobian(points, camera)
    for ours, theirs in zip(project_jacobian(device.put(points), camera), expected, strict=True):
        np.testing.assert_allclose(device.get(ours), theirs, rtol=0, atol=EXACT)
    np.testing.assert_allclose(device.get(project(device.put(points), camera)), expected[0], rtol=0, atol=EXACT)


def test_float32(camera, points, device):
    pixels, d_point, d_params = project_jacobian(device.put(points.astype(np.float32)), camera)
    expected = _reference.project_jacobian(points.astype(np.float32).astype(np.float64), camera)
    # A few roundings (6e-8) of terms of up to 1000 pixels; derivatives add the errors of a dozen terms.
    np.testing.assert_allclose(device.get(pixels), expected[0], rtol=0, atol=5e-4)
    np.testing.assert_allclose(device.get(d_point), expected[1], rtol=0, atol=2e-3)
    np.testing.assert_allclose(device.get(d_params), expected[2], rtol=0, atol=2e-3)
    assert device.get(pixels).dtype == device.get(d_point).dtype == device.get(d_params).dtype == np.float32


@pytest.mark.parametrize("model", ["OPENCV", "FULL_OPENCV"])
def test_against_opencv(model, points):
    distortion = [-0.2, 0.05, 0.002, -0.003, 0.01, 0.02, -0.01, 0.005][: 4 if model == "OPENCV" else 8]
    camera = Camera(model, 640, 480, [500, 510, 321, 239, *distortion])
    theirs, jacobian = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, np.array(distortion))
    pixels, d_point, d_params = project_jacobian(points, camera)
    np.testing.assert_allclose(pixels, theirs[:, 0], rtol=0, atol=EXACT)
    # OpenCV's columns: rotation, translation (the same as the point), fx, fy, cx, cy, distortion.
    jacobian = jacobian.reshape(-1, 2, jacobian.shape[1])
    np.testing.assert_allclose(d_point, jacobian[:, :, 3:6], rtol=0, atol=EXACT)
    np.testing.assert_allclose(d_params, jacobian[:, :, 6 : 6 + d_params.shape[2]], rtol=0, atol=EXACT)


def test_fisheye_against_opencv(points):
    distortion = np.array([-0.05, 0.02, -0.003, 0.001])
    camera = Camera("OPENCV_FISHEYE", 640, 480, [500, 510, 321, 239, *distortion])
    theirs, _ = cv2.fisheye.projectPoints(points[:, None], np.zeros(3), np.zeros(3), camera.matrix, distortion)
    np.testing.assert_allclose(project(points, camera), theirs[:, 0], rtol=0, atol=EXACT)


@pytest.mark.parametrize("omega", [1e-20, 1e-9, 1e-4, 1e-3, 2.4e-3, 2.5e-3, 0.01, 0.1, 1.0, 3.0])
def test_fov_at_every_omega(omega):
    camera = Camera("FOV", 640, 480, [500, 500, 320, 240, omega])
    points = np.array([[0.0, 0.0, 1.0], [1e-8, 0, 1], [0.1, 0.2, 1], [3, 4, 1], [30, 0, 1]])
    _, _, d_params = project_jacobian(points, camera)
    pixels = project(points, camera)

    def radius(r, w):  # Devernay & Faugeras 2001, eq. 13, in 60 digits
        return mpmath.atan(2 * r * mpmath.tan(w / 2)) / w

    with mpmath.workdps(60):
        for (x, y, _), pixel, d_param in zip(points, pixels, d_params, strict=True):
            r = mpmath.mpf(float(np.hypot(x, y)))
            expected = 500 * float(radius(r, mpmath.mpf(omega)))
            assert np.hypot(*(pixel - [320, 240])) == pytest.approx(expected, rel=1e-12, abs=1e-12)
            slope = 500 * float(mpmath.diff(lambda w, r=r: radius(r, w), mpmath.mpf(omega), h=mpmath.mpf(omega) / 1e20))
            direction = np.array([x, y]) / max(np.hypot(x, y), 1e-300)
            # At the border of the two formulas either loses a third of its digits of a quantity of r / omega.
            assert d_param[:, 4] @ direction == pytest.approx(slope, rel=1e-8, abs=1e-9 * float(r + r**3))


@pytest.mark.parametrize("model", ["SIMPLE_FISHEYE", "OPENCV_FISHEYE"])
def test_fisheye_is_accurate_near_the_axis_and_at_its_rim(model):
    params = [500, 320, 240] if model == "SIMPLE_FISHEYE" else [500, 500, 320, 240, 0, 0, 0, 0]
    camera = Camera(model, 640, 480, np.array(params) * 1.0)
    origin = camera.with_params(np.where(np.isin(camera.params, [320, 240]), 0, camera.params))
    r = np.geomspace(1e-200, 1e200, 401)
    points = np.column_stack([0.6 * r, 0.8 * r, np.ones_like(r)])
    expected = 500 * np.arctan(r)[:, None] * [0.6, 0.8]
    np.testing.assert_allclose(project(points[r < 1e150], origin), expected[r < 1e150], rtol=1e-15 * 4)


def test_not_in_front_is_nan(forward_camera, device):
    camera = forward_camera
    points = np.array([[0.1, 0.2, 0.0], [0.1, 0.2, -1.0], [0.0, 0.0, -1.0], [np.nan, 0.0, 1.0], [0.1, 0.2, np.nan]])
    assert np.isnan(device.get(project(device.put(points), camera))).any(axis=1).all()
    assert np.isnan(device.get(project(device.put(points[:3]), camera))).all()


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 33])
def test_sizes(camera, points, n):
    for ours, all_points in zip(project_jacobian(points[:n], camera), project_jacobian(points, camera), strict=True):
        np.testing.assert_array_equal(ours, all_points[:n])
    assert project(points[:n], camera).shape == (n, 2)


def test_threads_do_not_change_the_result(camera):
    points = np.random.default_rng(2).uniform(0.5, 1, (500_003, 3))
    for one, three in zip(
        project_jacobian(points, camera, num_threads=1), project_jacobian(points, camera, num_threads=3), strict=True
    ):
        np.testing.assert_array_equal(one, three)


def test_layouts_and_out(camera, points):
    expected = project(points, camera)
    strided = np.zeros((1001, 6))
    strided[:, ::2] = points
    points.flags.writeable = False
    np.testing.assert_array_equal(project(points, camera), expected)
    np.testing.assert_array_equal(project(strided[:, ::2], camera), expected)
    np.testing.assert_array_equal(project(np.asfortranarray(points), camera), expected)
    np.testing.assert_array_equal(project(points.tolist(), camera), expected)
    out = np.full((1001, 2), np.nan)
    assert project(points, camera, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_params_argument(camera, points):
    other = camera.params * 1.01
    np.testing.assert_array_equal(project(points, camera, params=other), project(points, camera.with_params(other)))


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ({"points": np.zeros((2, 2))}, ValueError, r"points: expected shape \(N, 3\), got \(2, 2\)"),
        ({"points": np.zeros(3)}, ValueError, r"points: expected shape \(N, 3\), got \(3,\)"),
        ({"points": np.zeros((2, 3), int)}, TypeError, "points: expected dtype float32 or float64, got int64"),
        ({"params": np.zeros(3)}, ValueError, r"params: expected shape \(4,\), got \(3,\)"),
        ({"params": np.zeros(4, int)}, TypeError, "params: expected dtype float32 or float64, got int64"),
        ({"out": np.zeros((4, 2))}, ValueError, r"out: expected shape \(N, 2\) with N = 3, got \(4, 2\)"),
        ({"out": np.zeros((3, 2), np.float32)}, TypeError, "out: expected dtype float64, got float32"),
        ({"out": np.zeros((2, 3)).T}, ValueError, "out: expected a writeable C-contiguous array, got one that is not"),
        ({"num_threads": -1}, ValueError, r"num_threads: expected 0 \(default\) or more, got -1"),
    ],
)
def test_wrong_arguments(argument, error, message):
    camera = Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    with pytest.raises(error, match=f"^{message}$"):
        project(**({"points": np.ones((3, 3)), "camera": camera} | argument))


def test_unknown_model_number():
    for name in ("project", "unproject"):
        sizes = (3, 2) if name == "project" else (2, 3)
        arrays = [np.ones((5, size)) for size in sizes]
        with pytest.raises(ValueError, match="model_id: expected the number of a camera model, got 77"):
            getattr(backend("cpu").camera, name)(77, np.zeros(4), *arrays, 1)


@pytest.mark.gpu
def test_cupy(points):
    camera = Camera("OPENCV_FISHEYE", 640, 480, [500, 510, 321, 239, -0.05, 0.02, -0.003, 0.001])
    cupy = pytest.importorskip("cupy")
    if cupy.cuda.runtime.getDeviceCount() == 0:
        pytest.skip("no CUDA device")
    np.testing.assert_allclose(project(cupy.asarray(points), camera).get(), project(points, camera), rtol=0, atol=EXACT)
