# SPDX-License-Identifier: Apache-2.0
"""Undistortion against closed forms, pycolmap, OpenCV and the numpy reference."""

from __future__ import annotations

import cv2
import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.camera import _reference, max_valid_angle, undistort_image, undistort_map, undistorted_pinhole, unproject


def barrel(width=65, height=47) -> Camera:
    return Camera("OPENCV", width, height, [60, 58, 32.2, 23.1, -0.2, 0.05, 0.002, -0.003])


def test_a_linear_image_stays_exact(device):
    # Bilinear interpolation reproduces a linear function: the result is that function at the source positions.
    camera = barrel(640, 480).with_params(np.array([600, 580, 322, 231, -0.2, 0.05, 0.002, -0.003]))
    x, y = np.meshgrid(np.arange(640) + 0.5, np.arange(480) + 0.5)
    image = np.stack([x / 640, y / 480, 0.2 + x / 1000 - y / 2000], axis=-1).astype(np.float32)
    result, pinhole = undistort_image(device.put(image), camera)
    fx, fy, cx, cy = pinhole.params
    rays = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], axis=-1).reshape(-1, 3)
    source = pycolmap.Camera(model="OPENCV", width=640, height=480, params=camera.params).img_from_cam(rays)
    sx, sy = source.T.reshape(2, 480, 640)
    expected = np.stack([sx / 640, sy / 480, 0.2 + sx / 1000 - sy / 2000], axis=-1)
    inner = (sx > 0.5) & (sx < 639.5) & (sy > 0.5) & (sy < 479.5)
    assert inner.mean() > 0.9
    np.testing.assert_allclose(device.get(result)[inner], expected[inner], rtol=0, atol=3e-7)  # float32


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (4,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_against_the_reference(shape, dtype, device):
    camera, rng = barrel(), np.random.default_rng(5)
    image = rng.integers(0, 256, (47, 65, *shape)).astype(dtype)
    result, pinhole = undistort_image(device.put(image), camera)
    result = device.get(result)
    assert result.dtype == dtype
    assert result.shape == image.shape
    # float32 weights err by 1e-7 of 255; bytes are rounded to the nearest on top.
    limit = 1e-4 if dtype == np.float32 else 0.5 + 1e-4
    assert abs(result - _reference.undistort_image(image, camera, pinhole)).max() <= limit


def test_map_against_opencv():
    camera = barrel()
    positions, pinhole = undistort_map(camera)
    centre = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])  # OpenCV's origin is the first pixel's centre
    theirs = cv2.initUndistortRectifyMap(
        camera.matrix - centre, camera.params[4:], None, pinhole.matrix - centre, (65, 47), cv2.CV_32FC1
    )
    np.testing.assert_allclose(positions - 0.5, np.stack(theirs, axis=-1), rtol=0, atol=2e-5)  # theirs are float32


def test_every_model_keeps_its_field(forward_camera):
    camera = forward_camera
    pinhole = undistorted_pinhole(camera)
    assert (pinhole.model, pinhole.width, pinhole.height) == ("PINHOLE", 640, 480)
    focal, center = pinhole.params[:2], pinhole.params[2:]
    sides = np.array([[0, center[1]], [640, center[1]], [center[0], 0], [center[0], 480]])
    sides = sides[np.hypot(*(sides - center).T) > 0]  # BAL has its principal point in the corner
    distance = np.hypot(*((sides - center) / focal).T)
    reach = np.hypot(*unproject(sides, camera)[:, :2].T)
    # Each side lies within the new image, and one of them exactly on its border.
    assert (reach <= distance * (1 + 1e-12)).all()
    assert (reach / distance).max() == pytest.approx(1, rel=1e-12)


def test_pinhole_rule():
    same = undistorted_pinhole(Camera("PINHOLE", 640, 480, [500, 510, 300, 250]))
    np.testing.assert_allclose(same.params, [500, 510, 300, 250], rtol=1e-15)
    # f tan(70°): a fisheye that sees more than 70° to a side is cut there. Its right side lies at 320/150 = 122°.
    wide = undistorted_pinhole(Camera("SIMPLE_FISHEYE", 640, 480, [150, 320, 240]))
    np.testing.assert_allclose(wide.params[0], 240 / np.tan(np.radians(70)), rtol=1e-12)
    # SIMPLE_RADIAL, k > 0: the left side's ray solves r + k r³ = 320/500.
    pincushion = Camera("SIMPLE_RADIAL", 640, 480, [500, 320, 240, 0.1])
    r = [np.roots([0.1, 0, 1, -half / 500]) for half in (320, 240)]
    r = [float(x[abs(x.imag) < 1e-12].real[0]) for x in r]
    np.testing.assert_allclose(undistorted_pinhole(pincushion).params[0], min(320 / r[0], 240 / r[1]), rtol=1e-12)
    # A side beyond the fold is replaced by the fold.
    folded = Camera("SIMPLE_RADIAL", 640, 480, [300, 320, 240, -0.3])
    limit = np.tan(max_valid_angle(folded))
    assert np.isnan(unproject(np.array([[0.0, 240.0]]), folded)[0, 0])
    np.testing.assert_allclose(undistorted_pinhole(folded).params[0], 240 / limit, rtol=1e-9)


def test_outside_is_zero_and_the_border_is_repeated():
    camera = Camera("PINHOLE", 4, 3, [4, 4, 2, 1.5])
    image = np.full((3, 4), 7, np.uint8)
    # Twice the field: centres at 0.5 … 7.5 look at -1.5 … 5.5 across and at -1 … 4 down (0 and 3 are the very border).
    result, _ = undistort_image(image, camera, pinhole=Camera("SIMPLE_PINHOLE", 8, 6, [4, 4, 3]))
    expected = np.zeros((6, 8))
    expected[1:5, 2:6] = 7
    np.testing.assert_array_equal(result, expected)
    # A quarter of a pixel from the border there is no second neighbour: the border's value, not a mix with black.
    near, _ = undistort_image(image, camera, pinhole=Camera("PINHOLE", 4, 3, [4, 4, 2.25, 1.5]))
    np.testing.assert_array_equal(near, image)


def test_identity_is_exact():
    camera = Camera("PINHOLE", 33, 17, [30, 30, 16, 8])
    image = np.random.default_rng(6).integers(0, 256, (17, 33, 3), np.uint8)
    np.testing.assert_array_equal(undistort_image(image, camera, pinhole=camera)[0], image)


def test_threads_layouts_and_out():
    camera = barrel(641, 479).with_params(np.array([600, 580, 322, 231, -0.2, 0.05, 0.002, -0.003]))
    image = np.random.default_rng(7).integers(0, 256, (479, 641, 3), np.uint8)
    expected, pinhole = undistort_image(image, camera, num_threads=1)
    np.testing.assert_array_equal(undistort_image(image, camera, num_threads=3)[0], expected)
    np.testing.assert_array_equal(undistort_image(np.asfortranarray(image), camera)[0], expected)
    image.flags.writeable = False
    out = np.empty_like(image)
    result, again = undistort_image(image, camera, out=out)
    assert result is out
    assert again == pinhole
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((47, 64), np.uint8), ValueError, r"image: expected shape \(47, 65\), got \(47, 64\)"),
        (np.zeros((47, 65)), TypeError, "image: expected dtype uint8 or float32, got float64"),
        (np.zeros((47, 65, 5), np.uint8), ValueError, "image: expected 1 to 4 channels, got 5"),
        (np.zeros((47, 65, 0), np.uint8), ValueError, "image: expected 1 to 4 channels, got 0"),
    ],
)
def test_wrong_images(image, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        undistort_image(image, barrel())


def test_a_view_into_a_panorama(device):
    """Smooth on the sphere: at a pixel of the view the panorama holds the function of that pixel's direction."""
    panorama = Camera("EQUIRECTANGULAR", 1024, 512, [1024, 512])
    x, y = np.meshgrid((np.arange(1024) + 0.5) / 1024 * 2 * np.pi - np.pi, (np.arange(512) + 0.5) / 512 * np.pi)
    y -= np.pi / 2
    image = np.stack([np.cos(y) * np.sin(x), np.sin(y), np.cos(y) * np.cos(x)], axis=-1).astype(np.float32)
    pinhole = Camera("PINHOLE", 65, 47, [30, 30, 32.5, 23.5])
    view = device.get(undistort_image(device.put(image), panorama, pinhole=pinhole)[0])
    column, row = np.meshgrid(np.arange(65) + 0.5, np.arange(47) + 0.5)
    expected = np.stack([(column - 32.5) / 30, (row - 23.5) / 30, np.ones_like(row)], axis=-1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    # Linear interpolation errs by an eighth of the squared spacing, 2 pi / 1024, in each direction; float32 on top.
    np.testing.assert_allclose(view, expected, rtol=0, atol=2 * (2 * np.pi / 1024) ** 2 / 8 + 3e-7)
    with pytest.raises(ValueError, match=r"^camera: expected a model whose field a pinhole camera can keep, got EQUIR"):
        undistort_image(np.zeros((512, 1024), np.uint8), panorama)


def test_wrong_pinhole():
    with pytest.raises(ValueError, match=r"^pinhole: expected a PINHOLE or SIMPLE_PINHOLE camera, got OPENCV$"):
        undistort_image(np.zeros((47, 65), np.uint8), barrel(), pinhole=barrel())


def test_turned_pinhole_cameras(device):
    """A quarter turn about the optical axis turns the image; the middle pixel of any turn shows the turned axis."""
    camera = Camera("PINHOLE", 64, 64, [60, 60, 32, 32])
    image = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # the pinhole camera's x is the photograph's y
    result, _ = undistort_image(device.put(image), camera, pinhole=camera, cam_from_pinhole=quarter)
    np.testing.assert_array_equal(device.get(result), np.rot90(image))
    odd = Camera("PINHOLE", 65, 65, [60, 60, 32.5, 32.5])
    turn = np.array([[np.cos(0.2), 0, np.sin(0.2)], [0, 1, 0], [-np.sin(0.2), 0, np.cos(0.2)]])
    positions, _ = undistort_map(barrel(), pinhole=odd, cam_from_pinhole=turn)
    expected = pycolmap.Camera(model="OPENCV", width=65, height=47, params=barrel().params).img_from_cam(turn[:, 2])
    np.testing.assert_allclose(positions[32, 32], np.ravel(expected), atol=1e-9)


def test_bad_turns():
    camera, image = barrel(), np.zeros((47, 65), np.uint8)
    with pytest.raises(ValueError, match="pinhole: expected a camera where cam_from_pinhole is given, got None"):
        undistort_image(image, camera, cam_from_pinhole=np.eye(3))
    pinhole = undistorted_pinhole(camera)
    with pytest.raises(ValueError, match=r"cam_from_pinhole: expected shape \(3, 3\), got \(3, 4\)"):
        undistort_map(camera, pinhole=pinhole, cam_from_pinhole=np.eye(3, 4))
    for wrong in (2 * np.eye(3), np.diag([1, 1, -1]), np.full((3, 3), np.nan)):
        with pytest.raises(ValueError, match="cam_from_pinhole: expected a rotation"):
            undistort_map(camera, pinhole=pinhole, cam_from_pinhole=wrong)
