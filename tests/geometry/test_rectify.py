# SPDX-License-Identifier: Apache-2.0
"""Rectification against epipolar geometry, OpenCV and a chessboard rig."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fastcv import Camera
from fastcv.camera import project, rotation_from_angle_axis, undistort_map, unproject
from fastcv.geometry import rectify

LEFT = Camera("OPENCV", 640, 480, [530, 532, 335, 241, 0.1, -0.2, 0.001, -0.002])
RIGHT = Camera("OPENCV_FISHEYE", 640, 480, [410, 412, 322, 236, -0.02, 0.01, 0, 0])
CENTERS = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])  # OpenCV counts from the first pixel's centre


def pose(angle_axis, center):
    R = rotation_from_angle_axis(np.array([angle_axis], float))[0]
    return np.c_[R, -R @ center]


HORIZONTAL = pose([0.03, -0.12, 0.05], [0.4, 0.03, -0.05])
VERTICAL = pose([0.1, 0.04, -0.03], [0.02, 0.3, 0.02])


def rectified(rectification, camera, rotation, pixels):
    """Where pixels of a photograph come to lie."""
    return project(unproject(pixels, camera) @ rotation.T, rectification.camera)


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("right_from_left", [HORIZONTAL, VERTICAL], ids=["horizontal", "vertical"])
def test_points_keep_their_row(right_from_left, crop):
    rng = np.random.default_rng(0)
    points = rng.uniform([-1, -0.8, 3], [1, 0.8, 8], (200, 3))
    result = rectify(LEFT, RIGHT, right_from_left, crop=crop)
    left = rectified(result, LEFT, result.rect_from_left, project(points, LEFT))
    in_right = points @ right_from_left[:, :3].T + right_from_left[:, 3]
    right = rectified(result, RIGHT, result.rect_from_right, project(in_right, RIGHT))
    np.testing.assert_allclose(left[:, 1], right[:, 1], atol=1e-6)
    depth = points @ result.rect_from_left[2]
    np.testing.assert_allclose((left - right)[:, 0], result.camera.focal_length * result.baseline / depth, atol=1e-6)
    np.testing.assert_allclose(result.baseline, np.linalg.norm(right_from_left[:, 3]), rtol=1e-12)
    for R in (result.rect_from_left, result.rect_from_right):
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) > 0


@pytest.mark.parametrize("right_from_left", [HORIZONTAL, VERTICAL], ids=["horizontal", "vertical"])
def test_cropped_images_have_no_black_pixel_and_whole_ones_lose_none(right_from_left):
    white = np.full((480, 640), 255, np.uint8)
    cropped, whole = (rectify(LEFT, RIGHT, right_from_left, crop=crop) for crop in (True, False))
    shape = (480, 640) if right_from_left is HORIZONTAL else (640, 480)
    rng = np.random.default_rng(0)
    for image in cropped.resample(white, white):
        assert image.shape == shape
        assert image.min() == 255
    for image in whole.resample(white, white):
        assert image.min() == 0
    for side, camera in (("left", LEFT), ("right", RIGHT)):
        seen = rectified(whole, camera, getattr(whole, f"rect_from_{side}"), rng.uniform(0, [640, 480], (500, 2)))
        assert (seen >= -0.01).all()  # the border is known at 64 points a side
        assert (seen <= np.array(shape[::-1]) + 0.01).all()


def test_rotations_and_maps_against_opencv():
    camera = Camera("OPENCV", 640, 480, [535, 535, 334.6, 242.1, -0.17, 0.11, 0.001, 0])
    K = [c.matrix - CENTERS for c in (LEFT, camera)]
    distortion = [c.params[4:] for c in (LEFT, camera)]
    R1, R2, *_ = cv2.stereoRectify(
        K[0], distortion[0], K[1], distortion[1], (640, 480), HORIZONTAL[:, :3], HORIZONTAL[:, 3:]
    )
    result = rectify(LEFT, camera, HORIZONTAL)
    np.testing.assert_allclose(result.rect_from_left, R1, atol=1e-9)
    np.testing.assert_allclose(result.rect_from_right, R2, atol=1e-9)
    for c, R, k, d in zip((LEFT, camera), (R1, R2), K, distortion, strict=True):
        positions, _ = undistort_map(c, pinhole=result.camera, cam_from_pinhole=R.T)
        theirs = cv2.initUndistortRectifyMap(k, d, R, result.camera.matrix - CENTERS, (640, 480), cv2.CV_32FC1)
        np.testing.assert_allclose(positions - 0.5, np.stack(theirs, -1), atol=1e-4)  # theirs are float32


def test_resampled_like_opencv():
    rng = np.random.default_rng(0)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (480, 640), np.uint8), (0, 0), 3)
    result = rectify(LEFT, RIGHT, HORIZONTAL)
    K = LEFT.matrix - CENTERS
    maps = cv2.initUndistortRectifyMap(
        K, LEFT.params[4:], result.rect_from_left, result.camera.matrix - CENTERS, (640, 480), cv2.CV_32FC1
    )
    ours, _ = result.resample(photo, photo)
    theirs = cv2.remap(photo, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # OpenCV rounds positions to 1/32 px; this texture changes by up to 20 levels a pixel.
    assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_chessboard_rig(data_dir):
    """Corners that a stereo calibration was made from lie in the same rows."""
    folder = data_dir / "calib" / "opencv_stereo"
    board = np.zeros((54, 3), np.float32)
    board[:, :2] = np.mgrid[:9, :6].T.reshape(-1, 2)
    corners: dict[str, list] = {"left": [], "right": []}
    for i in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14):
        pair = [cv2.imread(str(folder / f"{side}{i:02}.jpg"), cv2.IMREAD_GRAYSCALE) for side in corners]
        found = [cv2.findChessboardCorners(image, (9, 6)) for image in pair]
        if all(ok for ok, _ in found):
            criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
            for side, image, (_, points) in zip(corners, pair, found, strict=True):
                corners[side].append(cv2.cornerSubPix(image, points, (5, 5), (-1, -1), criteria))
    boards = [board] * len(corners["left"])
    assert len(boards) >= 12
    single = [
        cv2.calibrateCamera(boards, points, (640, 480), None, None, flags=cv2.CALIB_FIX_K3)[1:3]
        for points in corners.values()
    ]
    _, K1, D1, K2, D2, R, t, *_ = cv2.stereoCalibrate(
        boards, corners["left"], corners["right"], *single[0], *single[1], (640, 480), flags=cv2.CALIB_FIX_INTRINSIC
    )
    cameras = [
        Camera("OPENCV", 640, 480, [K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5, *D.ravel()[:4]])
        for K, D in ((K1, D1), (K2, D2))
    ]
    result = rectify(*cameras, np.c_[R, t])
    left, right = (
        rectified(result, camera, rotation, np.concatenate(points).reshape(-1, 2).astype(float) + 0.5)
        for camera, rotation, points in zip(
            cameras, (result.rect_from_left, result.rect_from_right), corners.values(), strict=True
        )
    )
    # What OpenCV's own maps give on these pictures is 0.126 px at its focal length.
    assert np.abs(left - right)[:, 1].mean() < 0.2
    assert ((left - right)[:, 0] > 10).all()


def test_parallel_cameras_stay_as_they_are():
    camera = Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    result = rectify(camera, camera, np.c_[np.eye(3), [-0.2, 0, 0]])
    np.testing.assert_array_equal(result.rect_from_left, np.eye(3))
    np.testing.assert_allclose(result.camera.params, camera.params, atol=1e-9)


@pytest.mark.parametrize(
    ("right_from_left", "message"),
    [
        (np.eye(3), r"right_from_left: expected shape \(3, 4\), got \(3, 3\)"),
        (np.c_[2 * np.eye(3), [1, 0, 0]], "right_from_left: expected a rotation and a translation"),
        (np.c_[np.eye(3), [np.nan, 0, 0]], "right_from_left: expected a rotation and a translation"),
        (np.eye(3, 4), "right_from_left: expected a baseline, got a translation of 0"),
        (np.c_[np.eye(3), [0, 0, -1]], "baseline at 30 degrees or more to the viewing direction, got 0.0"),
        (np.c_[np.eye(3), [0.2, 0, 0]], "expected the right camera right of or below the left one, got it to the left"),
        (np.c_[np.eye(3), [0, 0.2, 0]], "expected the right camera right of or below the left one, got it above it"),
        (pose([0, 2.4, 0], [np.cos(1.2), 0, np.sin(1.2)]), "expected cameras with a field in common, got none"),
    ],
)
def test_bad_poses(right_from_left, message):
    with pytest.raises(ValueError, match=message):
        rectify(LEFT, LEFT, right_from_left)


def test_panoramas_are_refused():
    with pytest.raises(ValueError, match="right: expected a model with a focal length, got EQUIRECTANGULAR"):
        rectify(LEFT, Camera("EQUIRECTANGULAR", 200, 100, [200, 100]), HORIZONTAL)
