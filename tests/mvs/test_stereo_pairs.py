# SPDX-License-Identifier: Apache-2.0
"""Disparities of photographs with ground truth, and depth from two photographs and their calibration."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fastcv import Camera, mvs
from fastcv.camera import project, rotation_from_angle_axis, undistort_map, unproject
from fastcv.geometry import rectify


def load(data_dir, name):
    """Left and right RGB images, the true disparity of the left one (0 = unknown), how many to try."""
    folder = data_dir / "stereo" / name
    names = {"cones": ("im2.png", "im6.png", "disp2.pgm"), "aloe": ("aloeL.jpg", "aloeR.jpg", "aloeGT.png")}[name]
    left, right = (cv2.cvtColor(cv2.imread(str(folder / n)), cv2.COLOR_BGR2RGB) for n in names[:2])
    truth = cv2.imread(str(folder / names[2]), cv2.IMREAD_GRAYSCALE) / (4 if name == "cones" else 1)
    return left, right, truth, {"cones": 64, "aloe": 224}[name]


def bad2(disparity, truth):
    """Share of the pixels with ground truth that are off by more than 2 pixels or have no disparity."""
    return float((~(np.abs(disparity - truth) <= 2))[truth > 0].mean())


def opencv(left, right, num, block, mode):
    """OpenCV's disparity in colour with its documentation's penalties."""
    penalty = 3 * block**2
    matcher = cv2.StereoSGBM_create(0, num, block, 8 * penalty, 32 * penalty, 1, 63, 0, 0, 2, mode)
    disparity = matcher.compute(left, right) / 16
    return np.where(disparity < 0, np.nan, disparity)


# Measured: cones 0.147 and 0.081, aloe 0.194 and 0.074.
@pytest.mark.parametrize(("name", "most", "most_filled"), [("cones", 0.152, 0.086), ("aloe", 0.199, 0.079)])
def test_against_ground_truth_and_opencv(data_dir, name, most, most_filled):
    left, right, truth, num = load(data_dir, name)
    result = mvs.estimate_disparity(left, right, num)
    ours = bad2(result.disparity, truth)
    assert ours < most
    assert bad2(mvs.fill_disparity(result.disparity), truth) < most_filled
    for mode in (cv2.STEREO_SGBM_MODE_SGBM, cv2.STEREO_SGBM_MODE_SGBM_3WAY):
        assert ours < bad2(opencv(left, right, num, 3, mode), truth) - 0.03
    # What is said to be sure is right more often.
    found = np.isfinite(result.disparity) & (truth > 0)
    sure = found & (result.confidence > np.median(result.confidence[found]))
    wrong = np.abs(result.disparity - truth) > 2
    assert wrong[sure].mean() < 0.5 * wrong[found].mean()


def test_depth_of_cones_from_distorted_photographs(data_dir):
    """Both images, seen through lenses and from turned cameras: rectified again, they give the depths they had."""
    left, right, truth, num = load(data_dir, "cones")
    ideal = Camera("PINHOLE", 450, 375, [700, 700, 225, 187.5])
    turns = rotation_from_angle_axis(np.array([[0.01, -0.02, 0.015], [-0.012, 0.01, -0.01]]))
    lens = Camera("OPENCV", 450, 375, [690, 693, 228, 185, -0.12, 0.05, 0.001, -0.001])
    photos = []
    for image, turn in zip((left, right), turns, strict=True):
        # A lens camera's pixel looks along a ray; where that ray meets the ideal image is what it shows.
        x, y = np.meshgrid(np.arange(450) + 0.5, np.arange(375) + 0.5)
        rays = unproject(np.stack([x, y], -1).reshape(-1, 2), lens) @ turn
        at = (project(rays, ideal) - 0.5).reshape(375, 450, 2).astype(np.float32)
        photos.append(cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
    R = turns[1] @ turns[0].T
    pair = rectify(lens, lens, np.c_[R, turns[1] @ [-0.16, 0, 0]])
    disparity = mvs.estimate_disparity(*pair.resample(*photos), num).disparity
    depth = mvs.disparity_to_depth(disparity, pair.camera.focal_length, pair.baseline)
    # The ideal image's depth, looked up where a rectified pixel looks. Turns are small: z changes by a percent.
    at, _ = undistort_map(ideal, pinhole=pair.camera, cam_from_pinhole=turns[0].T @ pair.rect_from_left.T)
    at = (at - 0.5).astype(np.float32)
    true_depth = 700 * 0.16 / np.where(truth > 0, truth, np.inf)
    expected = cv2.remap(true_depth.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_NEAREST)
    seen = (depth > 0) & (expected > 0)
    assert seen.mean() > 0.7
    error = np.abs(depth[seen] / expected[seen] - 1)
    assert np.median(error) < 0.02
    assert (error < 0.06).mean() > 0.9
