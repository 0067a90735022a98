# SPDX-License-Identifier: Apache-2.0
"""The named scenes are fit for what they are made for: features, relief, silhouettes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fastcv.synthetic import Dataset, make_camera, make_poses, make_scene, render


def test_sift_finds_thousands_of_features() -> None:
    view = render(make_scene("courtyard"), make_camera("PINHOLE", 640, 480), make_poses("courtyard", 3)[1])
    grey = cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY)
    keypoints = cv2.SIFT_create().detect(grey)
    assert len(keypoints) > 3000
    # In every part of the picture below the sky, not in a few busy corners.
    places = np.array([keypoint.pt for keypoint in keypoints])
    counts, _, _ = np.histogram2d(*places.T, bins=(8, 6), range=((0, 640), (0, 480)))
    assert counts[:, 1:].min() > 15


def test_texture_is_everywhere(courtyard: Dataset, turntable: Dataset) -> None:
    """Nearly every 9 x 9 block of surface varies by more than the noise of a photograph."""
    for dataset in (courtyard, turntable):
        grey = dataset.images.astype(np.float32).mean(3)
        for picture, mask in zip(grey, dataset.masks, strict=True):
            mean, square = cv2.blur(picture, (9, 9)), cv2.blur(picture**2, (9, 9))
            deviation = np.sqrt(np.maximum(square - mean**2, 0))
            inside = cv2.erode(mask.astype(np.uint8), np.ones((9, 9))) > 0
            assert np.quantile(deviation[inside], 0.02) > 3
            assert np.median(deviation[inside]) > 10


def test_no_sample_is_lost_in_black_or_white(courtyard: Dataset) -> None:
    pixels = courtyard.images[courtyard.masks]
    assert (pixels.min(1) >= 250).mean() < 0.02
    assert (pixels.max(1) <= 8).mean() < 0.01


def test_courtyard_fills_the_view_and_has_relief(courtyard: Dataset) -> None:
    assert courtyard.masks.mean() > 0.9
    near, far = np.quantile(courtyard.depths[courtyard.masks], (0.05, 0.95))
    assert far / near > 1.7


def test_object_is_whole_in_every_view(turntable: Dataset) -> None:
    border = np.ones(turntable.masks.shape[1:], bool)
    border[1:-1, 1:-1] = False
    assert not turntable.masks[:, border].any()
    assert turntable.masks.mean((1, 2)).min() > 0.12


@pytest.mark.parametrize("num_views", [3, 12, 40])
def test_object_is_whole_for_every_number_of_views(num_views: int) -> None:
    scene, camera = make_scene("object", seed=5), make_camera("PINHOLE", 64, 48)
    for pose in make_poses("object", num_views):
        mask = render(scene, camera, pose).mask
        assert mask.sum() == mask[1:-1, 1:-1].sum()


@pytest.mark.parametrize("name", ["courtyard", "object"])
def test_cameras_are_outside_and_seeds_differ(name: str) -> None:
    scene, other = make_scene(name, seed=0), make_scene(name, seed=1)
    centers = np.stack([-p[:, :3].T @ p[:, 3] for p in make_poses(name, 50)])
    for solid in scene.solids:
        assert (solid.gauge(centers) > 1).all()
    assert any((a.center != b.center).any() for a, b in zip(scene.solids, other.solids, strict=True))


def test_guards() -> None:
    with pytest.raises(ValueError, match="name: expected one of courtyard, object, got 'house'"):
        make_scene("house")
    with pytest.raises(ValueError, match="num_views: expected at least 1, got 0"):
        make_poses("object", 0)
