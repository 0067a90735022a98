# SPDX-License-Identifier: Apache-2.0
"""Datasets are true: tracks, colours, sizes, determinism."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv.synthetic import Dataset, make_dataset


def pixels_of(dataset: Dataset, image_id: int) -> tuple[np.ndarray, np.ndarray]:
    """pycolmap's projection of an image's points, and their depths."""
    truth = dataset.reconstruction
    image, camera = truth.images[image_id], truth.cameras[1]
    points = truth.points3D.xyz[truth.points3D.rows(image.point3D_ids)]
    in_cam = points @ image.rotation.T + image.translation
    theirs = pycolmap.Camera(model=camera.model, width=camera.width, height=camera.height, params=camera.params)
    return theirs.img_from_cam(in_cam), in_cam[:, 2]


def test_tracks_project_exactly_and_are_not_occluded(courtyard: Dataset) -> None:
    assert len(courtyard.reconstruction.points3D) > 1000
    for image_id, image in courtyard.reconstruction.images.items():
        pixels, depth = pixels_of(courtyard, image_id)
        np.testing.assert_allclose(image.points2D, pixels, atol=1e-9)
        column, row = np.floor(image.points2D).astype(int).T
        around = [courtyard.depths[image_id - 1][np.clip(row + dy, 0, 239), np.clip(column + dx, 0, 319)]
                  for dy in (-1, 0, 1) for dx in (-1, 0, 1)]  # fmt: skip
        behind = depth > np.max(around, axis=0) * 1.01
        assert not behind.any()
        assert len(depth) > 500


def test_tracks_are_well_formed(courtyard: Dataset, turntable: Dataset) -> None:
    for dataset in (courtyard, turntable):
        _, _, points = dataset.reconstruction.observations()
        lengths = np.bincount(points, minlength=len(dataset.reconstruction.points3D))
        assert lengths.min() >= 2
        assert lengths.max() >= 4
        assert (dataset.reconstruction.points3D.error == 0).all()


def test_point_colours_are_those_of_the_pictures(courtyard: Dataset) -> None:
    truth = courtyard.reconstruction
    image = truth.images[1]
    column, row = np.floor(image.points2D).astype(int).T
    seen = courtyard.images[0][row, column].astype(float)
    difference = np.abs(seen - truth.points3D.rgb[truth.points3D.rows(image.point3D_ids)]).mean(1)
    # The nearest pixel is up to 0.7 pixel away from the point, in texture with detail of that size.
    assert np.median(difference) < 12


def test_keypoint_noise_has_the_size_asked_for() -> None:
    noisy = make_dataset("courtyard", num_views=3, width=64, height=48, num_points=900, noise_px=0.7)
    residuals = np.concatenate([i.points2D - pixels_of(noisy, k)[0] for k, i in noisy.reconstruction.images.items()])
    # Standard deviation of a standard deviation from n values: 1 / sqrt(2 n), here below 2 %; four of them.
    np.testing.assert_allclose(residuals.std(), 0.7, rtol=0.08)
    _, _, points = noisy.reconstruction.observations()
    counts = np.bincount(points)
    np.testing.assert_allclose(
        (noisy.reconstruction.points3D.error * counts).sum(), np.linalg.norm(residuals, axis=1).sum(), rtol=1e-9
    )


def test_scene_size_is_the_extent_of_the_cameras(turntable: Dataset) -> None:
    centers = np.array([image.center for image in turntable.reconstruction.images.values()])
    width, depth, height = centers.max(0) - centers.min(0)
    assert turntable.scene_size == pytest.approx(np.sqrt(width**2 + depth**2 + height**2), rel=1e-12)
    assert 5 < turntable.scene_size < 7


def test_same_arguments_same_bits_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []

    def make(seed: int) -> Dataset:
        return make_dataset(
            "object", num_views=2, width=40, height=30, seed=seed, progress=lambda *count: told.append(count)
        )

    first, again, other = make(1), make(1), make(2)
    assert told == [(1, 2), (2, 2)] * 3
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.reconstruction.points3D.xyz, again.reconstruction.points3D.xyz)
    np.testing.assert_array_equal(first.reconstruction.images[1].points2D, again.reconstruction.images[1].points2D)
    assert not np.array_equal(first.images, other.images)


def test_mesh_is_what_the_views_see(turntable: Dataset) -> None:
    """Depth maps, lifted to points, lie on the mesh: within its edge length of a vertex."""
    cv2 = pytest.importorskip("cv2")
    mesh, truth = turntable.mesh, turntable.reconstruction
    edge = 8 * np.median(turntable.depths[turntable.masks]) / truth.cameras[1].focal_length
    camera = truth.cameras[1]
    theirs = pycolmap.Camera(model=camera.model, width=240, height=320, params=camera.params)
    image, (y, x) = truth.images[4], np.nonzero(turntable.masks[3])
    rays = np.column_stack([theirs.cam_from_img(np.column_stack([x, y]) + 0.5), np.ones(len(x))])
    points = (turntable.depths[3][y, x, None] * rays - image.translation) @ image.rotation
    tree = cv2.flann.Index(mesh.vertices.astype(np.float32), {"algorithm": 4})  # exact k-d tree
    _, squared = tree.knnSearch(points[::7].astype(np.float32), 1, params={"checks": -1})
    assert np.sqrt(squared).max() < edge


def test_one_view_and_no_points() -> None:
    lonely = make_dataset("courtyard", num_views=1, width=20, height=10, num_points=0)
    assert lonely.images.shape == (1, 10, 20, 3)
    assert len(lonely.reconstruction.points3D) == 0
    assert lonely.scene_size == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "house"}, "name: expected one of courtyard, object"),
        ({"num_views": 0}, "num_views: expected at least 1"),
        ({"num_points": -1}, "num_points: expected 0 or more"),
        ({"camera_model": "FOV"}, "camera_model: expected one of"),
        ({"noise": -1.0}, "noise: expected 0 or more"),
        ({"noise_px": -1.0}, "noise_px: expected 0 or more"),
        ({"width": 0}, "width, height: expected positive"),
    ],
)
def test_guards(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_dataset(**{"num_views": 1, "width": 8, "height": 8, **arguments})
