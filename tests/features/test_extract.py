# SPDX-License-Identifier: Apache-2.0
"""Keypoints against blobs of known place and size, against pycolmap's SIFT, and what a stranger does wrong."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pycolmap
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fastcv import MissingDependencyError, features


def blobs(height: int, width: int, spacing: int, sizes: tuple[float, float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A grey picture of Gaussian blobs off the pixel grid; (x, y, standard deviation) of each, corner convention."""
    rng = np.random.default_rng(3)
    y, x = np.meshgrid(
        np.arange(spacing, height - spacing / 2, spacing), np.arange(spacing, width - spacing / 2, spacing)
    )
    truth = np.stack([x.ravel(), y.ravel(), np.empty(x.size)], axis=1)
    truth[:, :2] += rng.uniform(-0.5, 0.5, (len(truth), 2))
    truth[:, 2] = rng.uniform(*sizes, len(truth))
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    image = np.full((height, width), 50.0)
    for cx, cy, size in truth:
        image += 150 * np.outer(
            np.exp(-((rows - cy) ** 2) / (2 * size**2)), np.exp(-((columns - cx) ** 2) / (2 * size**2))
        )
    return np.rint(image).clip(0, 255).astype(np.uint8), truth


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A picture full of corners at several scales."""
    rng = np.random.default_rng(seed)
    image = sum(
        cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), sigma) * sigma for sigma in (1.5, 3.0, 6.0)
    )
    return np.asarray(128 + 100 * image / np.abs(image).max()).astype(np.uint8)


def nearest_to(found: features.Features, truth: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Row of the keypoint on each blob, and the blobs that have one: all but a few whose size falls between scales."""
    distance, nearest = cKDTree(found.keypoints).query(truth[:, :2])
    hit = distance < 1
    assert hit.mean() > 0.9
    return nearest[hit], truth[hit]


@pytest.mark.parametrize("color", [False, True])
def test_blobs_are_found_where_they_are(color: bool) -> None:
    image, truth = blobs(280, 361, 40, (1.5, 5.0))
    found = features.extract(np.repeat(image[..., None], 3, axis=2) if color else image)
    nearest, truth = nearest_to(found, truth)
    error = found.keypoints[nearest] - truth[:, :2]
    # The octaves' sampling leaves a few hundredths of a pixel; a wrong convention would show as 0.25 or 0.5.
    assert np.abs(error).max() < 0.1
    bias = error.mean(axis=0)
    assert np.abs(bias).max() < 0.01
    # The scale-normalised Laplacian of a Gaussian of deviation s peaks at s; differences of Gaussians answer for the
    # geometric mean of two scales 2^(1/3) apart, and the image counts as blurred by 0.5 px.
    assert np.abs(np.log2(found.scales[nearest] / truth[:, 2]) + 1 / 6).max() < 0.25


def test_large_images_are_reduced_and_keypoints_come_back() -> None:
    image, truth = blobs(500, 4011, 100, (12.0, 20.0))
    found = features.extract(image)
    nearest, truth = nearest_to(found, truth)
    assert np.abs((found.keypoints[nearest] - truth[:, :2]).mean(axis=0)).max() < 0.03
    assert np.abs(np.log2(found.scales[nearest] / truth[:, 2]) + 1 / 6).max() < 0.25


def test_agrees_with_colmap() -> None:
    image = texture(300, 400)
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    extractor = pycolmap.FeatureExtractor.create(options, device=pycolmap.Device.cpu)
    peer, _ = extractor.extract(pycolmap.Bitmap.from_array(image))
    theirs = np.array([[k.x, k.y, k.compute_scale(), k.compute_orientation()] for k in peer])
    ours = features.extract(image)
    distance, nearest = cKDTree(theirs[:, :2]).query(ours.keypoints)
    same = distance < 0.5
    assert same.mean() > 0.8
    assert np.abs((ours.keypoints - theirs[nearest, :2])[same].mean(axis=0)).max() < 0.02
    assert np.abs(np.log(ours.scales / theirs[nearest, 2])[same]).mean() < 0.05
    turn = np.abs(np.exp(1j * ours.orientations) - np.exp(1j * theirs[nearest, 3]))[same]
    # A histogram of 36 bins: 10° wide, interpolated.
    assert np.median(turn) < np.deg2rad(5)


def test_orientations_follow_a_turn_of_the_image() -> None:
    image = texture(200, 200)
    before, after = features.extract(image), features.extract(np.rot90(image))
    matches = features.match(before, after)
    # np.rot90 sends the pixel at (x, y) to (y, W - x), and the direction φ to φ - 90°.
    expected = np.stack([before.keypoints[:, 1], 200 - before.keypoints[:, 0]], axis=1)[matches[:, 0]]
    assert len(matches) > 0.7 * len(before)
    error = np.linalg.norm(after.keypoints[matches[:, 1]] - expected, axis=1)
    assert np.median(error) < 0.05
    turn = after.orientations[matches[:, 1]] - before.orientations[matches[:, 0]] + np.pi / 2
    assert np.median(np.abs(np.exp(1j * turn) - 1)) < 0.02


def test_descriptors_are_root_sift() -> None:
    image = texture(120, 160)
    found = features.extract(image)
    # Hellinger kernel: the squared bytes are the L1-normalised SIFT histogram.
    norms = np.linalg.norm(found.descriptors.astype(float), axis=1)
    np.testing.assert_allclose(norms, 512, rtol=0.01)
    plain, raw = cv2.SIFT_create(contrastThreshold=0.02).detectAndCompute(image, None)
    places = np.array([k.pt for k in plain]) + 0.25
    distance, nearest = cKDTree(np.c_[places, [k.angle for k in plain]]).query(
        np.c_[found.keypoints, np.rad2deg(found.orientations)]
    )
    assert distance.max() < 1e-3
    share = raw[nearest] / raw[nearest].sum(axis=1, keepdims=True)
    np.testing.assert_allclose((found.descriptors / 512.0) ** 2, share, atol=0.002)


def test_colors_are_those_of_the_pixel_below() -> None:
    image = np.stack([texture(90, 120, seed) for seed in range(3)], axis=2)
    found = features.extract(image)
    column, row = np.floor(found.keypoints).astype(int).T
    np.testing.assert_array_equal(found.colors, image[row, column])
    grey = features.extract(np.ascontiguousarray(image[..., 0]))
    column, row = np.floor(grey.keypoints).astype(int).T
    np.testing.assert_array_equal(grey.colors, np.repeat(image[row, column, :1], 3, axis=1))


def test_the_strongest_are_kept() -> None:
    image = texture(160, 200)
    every, few = features.extract(image), features.extract(image, max_features=50)
    assert len(every) > 100
    assert len(few) == 50
    np.testing.assert_array_equal(few.keypoints, every.keypoints[:50])
    np.testing.assert_array_equal(few.descriptors, every.descriptors[:50])


def test_threads_do_not_change_the_result() -> None:
    images = [texture(200, 260, seed) for seed in range(4)]
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        serial = [features.extract(image) for image in images]
    finally:
        cv2.setNumThreads(before)
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(features.extract, images))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.descriptors, other.descriptors)
        np.testing.assert_array_equal(one.colors, other.colors)


def test_strided_and_read_only_images() -> None:
    image = texture(120, 160)
    wide = np.repeat(image, 2, axis=1)[:, ::2]
    wide.flags.writeable = False
    np.testing.assert_array_equal(features.extract(wide).keypoints, features.extract(image).keypoints)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (64, 64, 3)])
def test_nothing_to_see(shape: tuple[int, ...]) -> None:
    found = features.extract(np.full(shape, 90, np.uint8))
    assert len(found) == 0
    assert found.descriptors.shape == (0, 128)
    assert found.keypoints.dtype == np.float32


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((8, 8)), TypeError, "image: expected dtype uint8, got float64"),
        (np.zeros((8, 8, 4), np.uint8), ValueError, "image: expected shape"),
        (np.zeros((8,), np.uint8), ValueError, "image: expected shape"),
        (np.zeros((0, 8), np.uint8), ValueError, "at least one pixel"),
    ],
)
def test_wrong_images(image: NDArray[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        features.extract(image)


def test_wrong_max_features() -> None:
    with pytest.raises(ValueError, match="max_features: expected 1 or more, got 0"):
        features.extract(np.zeros((8, 8), np.uint8), max_features=0)


def test_features_check_their_shapes() -> None:
    found = features.extract(texture(60, 80))
    with pytest.raises(ValueError, match=r"scales: expected shape \(M,\) with M = "):
        features.Features(found.keypoints, found.scales[:-1], found.orientations, found.descriptors, found.colors)


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match="pip install opencv-python-headless"):
        features.extract(np.zeros((8, 8), np.uint8))
