# SPDX-License-Identifier: Apache-2.0
"""Tracks without pictures: exact without noise, and with the noise and outliers that were asked for."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv.synthetic import Tracks, make_tracks
from fastcv.synthetic.tracks import LAYOUTS


def residuals(tracks: Tracks) -> dict[int, np.ndarray]:
    """Keypoints minus pycolmap's projection of their points, for each image."""
    truth = tracks.reconstruction
    camera = truth.cameras[1]
    theirs = pycolmap.Camera(model=camera.model, width=camera.width, height=camera.height, params=camera.params)
    result = {}
    for image_id, image in truth.images.items():
        points = truth.points3D.xyz[truth.points3D.rows(image.point3D_ids)]
        result[image_id] = image.points2D - theirs.img_from_cam(points @ image.rotation.T + image.translation)
    return result


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("camera_model", ["SIMPLE_PINHOLE", "RADIAL"])
def test_exact_without_noise(layout: str, camera_model: str) -> None:
    tracks = make_tracks(layout, num_images=8, num_points=300, camera_model=camera_model, seed=2)
    truth = tracks.reconstruction
    assert len(truth.points3D) > 200
    for image_id, difference in residuals(tracks).items():
        np.testing.assert_allclose(difference, 0, atol=1e-9)
        image = truth.images[image_id]
        assert len(image.points2D) >= 30
        assert (image.points2D >= 0).all()
        assert (image.points2D < (1024, 768)).all()
        assert not tracks.outliers[image_id].any()
    _, _, points = truth.observations()
    assert np.bincount(points).min() >= 2


def test_noise_and_outliers_have_the_size_asked_for() -> None:
    tracks = make_tracks("arc", num_images=10, num_points=1000, noise_px=0.5, outlier_ratio=0.2, seed=3)
    difference = np.concatenate(list(residuals(tracks).values()))
    outlier = np.concatenate([tracks.outliers[image_id] for image_id in tracks.reconstruction.images])
    assert len(outlier) > 9000
    np.testing.assert_allclose(outlier.mean(), 0.2, atol=0.017)  # four standard deviations of 9000 coins
    np.testing.assert_allclose(difference[~outlier].std(), 0.5, rtol=0.03)
    assert np.median(np.linalg.norm(difference[outlier], axis=1)) > 200


def test_layouts_are_what_their_names_say() -> None:
    planar = make_tracks("planar").reconstruction
    assert (planar.points3D.xyz[:, 2] == 0).all()
    narrow = make_tracks("narrow").reconstruction
    centers = np.array([image.center for image in narrow.images.values()])
    assert np.ptp(centers, axis=0).max() < 0.06
    assert narrow.points3D.xyz[:, 1].min() > 4
    street = make_tracks("street", num_images=30, num_points=2000).reconstruction
    images, _, points = street.observations()
    spans = [np.ptp(images[points == p]) for p in range(len(street.points3D))]
    assert np.median(spans) < 15  # nobody sees the whole street
    ring = make_tracks("ring", num_images=12).reconstruction
    images, _, points = ring.observations()
    assert np.bincount(points).max() <= 6  # never from behind


def test_same_seed_same_bits() -> None:
    first, again, other = (
        make_tracks("street", noise_px=1.0, outlier_ratio=0.1, seed=seed).reconstruction for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.points3D.xyz, again.points3D.xyz)
    np.testing.assert_array_equal(first.images[3].points2D, again.images[3].points2D)
    assert not np.array_equal(first.points3D.xyz, other.points3D.xyz)


def test_smallest() -> None:
    assert len(make_tracks(num_points=0).reconstruction.points3D) == 0
    lonely = make_tracks(num_images=1).reconstruction
    assert len(lonely.points3D) == 0
    assert len(lonely.images) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": "spiral"}, "layout: expected one of arc, ring, street, planar, narrow, got 'spiral'"),
        ({"num_images": 0}, "num_images, num_points: expected at least 1 and 0, got 0 and 500"),
        ({"num_points": -1}, "num_images, num_points: expected at least 1 and 0, got 10 and -1"),
        ({"noise_px": -0.1}, "noise_px: expected 0 or more, got -0.1"),
        ({"outlier_ratio": 1.5}, "outlier_ratio: expected 0 to 1, got 1.5"),
        ({"camera_model": "OPENCV"}, "camera_model: expected one of"),
    ],
)
def test_guards(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_tracks(**arguments)
