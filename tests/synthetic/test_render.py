# SPDX-License-Identifier: Apache-2.0
"""Pictures, depth and silhouettes against closed forms and against each other."""

from __future__ import annotations

import cv2
import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.synthetic import Dataset, Material, Scene, Solid, make_camera, make_poses, make_scene, render

PLAIN = Material(("#ffffff", "#ffffff", "#ffffff"), contrast=0.0)
IDENTITY = np.eye(3, 4)


def test_depth_is_along_z_at_pixel_centres() -> None:
    """A wall across the axis has the same depth everywhere, a ball the closed form; sizes that no tile divides."""
    camera = Camera("PINHOLE", 131, 67, np.array([100.0, 110, 64, 31]))
    wall, ball = Solid("box", (0, 0, 11), (90, 90, 1), PLAIN), Solid("ball", (0, 0, 4), (1, 1, 1), PLAIN)
    view = render(Scene([wall, ball]), camera, IDENTITY)
    x, y = np.meshgrid((np.arange(131) + 0.5 - 64) / 100, (np.arange(67) + 0.5 - 31) / 110)
    a = x**2 + y**2 + 1
    discriminant = 64 - 60 * a  # |t d - (0, 0, 4)|^2 = 1
    expected = np.where(discriminant > 0, (8 - np.sqrt(np.maximum(discriminant, 0))) / (2 * a), 10)
    np.testing.assert_array_equal(view.depth, expected.astype(np.float32))
    assert (discriminant > 0).sum() > 900
    assert view.mask.all()


@pytest.mark.parametrize("model", ["SIMPLE_RADIAL", "RADIAL"])
def test_depth_follows_the_distorted_ray(model: str) -> None:
    """A slanted plane z = 4 + 0.5 x seen through a distorted camera: the ray of the pixel comes from pycolmap."""
    camera = make_camera(model, 64, 48)
    tilt = np.arctan(0.5)
    rotation = np.array([[np.cos(tilt), 0, -np.sin(tilt)], [0, 1, 0], [np.sin(tilt), 0, np.cos(tilt)]])
    wall = Solid("box", np.array([0, 0, 4]) + rotation[:, 2], (50, 50, 1), PLAIN, rotation)
    depth = render(Scene([wall]), camera, IDENTITY).depth
    theirs = pycolmap.Camera(model=model, width=64, height=48, params=camera.params)
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    rays = theirs.cam_from_img(np.column_stack([x.ravel(), y.ravel()]))
    np.testing.assert_allclose(depth.ravel(), 4 / (1 - 0.5 * rays[:, 0]), rtol=1e-6)  # float32, their solver's 1e-8


def test_edge_pixels_are_blended_by_coverage() -> None:
    """A black half plane that covers 0.6 of a pixel covers its centre and two corners: 3/4 of the weight."""
    camera = Camera("PINHOLE", 8, 8, np.array([8.0, 8, 4, 4]))
    black = Material(("#000000", "#000000", "#000000"), contrast=0.0)
    scene = Scene([Solid("box", (-49.925, 0, 2), (50, 50, 1), black)])  # to x = 0.075 at z = 1: to pixel 4.6
    image = render(scene, camera, IDENTITY).image.astype(float)
    sky = image[4, 7]
    np.testing.assert_array_equal(image[:, :4], 0)
    np.testing.assert_allclose(image[4, 4], sky * 0.25 ** (1 / 2.2), atol=1)


def test_every_view_agrees_with_the_others(courtyard: Dataset) -> None:
    """A pixel's 3D point has the same colour in every view that sees it at the same depth."""
    camera, truth = courtyard.reconstruction.cameras[1], courtyard.reconstruction
    theirs = pycolmap.Camera(model=camera.model, width=320, height=240, params=camera.params)
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(320), np.arange(240)))
    rays = np.column_stack([theirs.cam_from_img(np.column_stack([x, y]) + 0.5), np.ones(len(x))])
    source = truth.images[3]
    points = (courtyard.depths[2][y, x, None] * rays - source.translation) @ source.rotation
    for row in (1, 3):
        other = truth.images[row + 1]
        in_other = points @ other.rotation.T + other.translation
        place = (theirs.img_from_cam(in_other) - 0.5).astype(np.float32)  # OpenCV counts from pixel centres
        u, v = place.T.reshape(2, 240, 320)
        colors = cv2.remap(courtyard.images[row].astype(np.float32), u, v, cv2.INTER_LINEAR).reshape(-1, 3)
        depth = cv2.remap(courtyard.depths[row], u, v, cv2.INTER_NEAREST).ravel()
        seen = courtyard.masks[2].ravel() & (np.abs(depth - in_other[:, 2]) < 0.01 * in_other[:, 2])
        seen &= (place > 1).all(1) & (place < (318, 238)).all(1)
        assert seen.mean() > 0.6
        difference = np.abs(colors - courtyard.images[2][y, x]).mean(1)[seen]
        # Resampling blurs pixel-sized texture: the typical difference is small against a contrast of about 45.
        assert np.median(difference) < 9
        shuffled = np.abs(np.random.default_rng(0).permutation(colors[seen]) - courtyard.images[2][y, x][seen])
        assert np.median(difference) < 0.25 * np.median(shuffled.mean(1))


def test_mask_is_where_depth_is(courtyard: Dataset, turntable: Dataset) -> None:
    for dataset in (courtyard, turntable):
        np.testing.assert_array_equal(dataset.masks, dataset.depths > 0)
        assert np.isfinite(dataset.depths).all()


def test_same_seed_same_bits_and_other_seed_other_noise() -> None:
    scene, camera, pose = make_scene("object"), make_camera("RADIAL", 70, 66), make_poses("object", 1)[0]
    first, again, other = (render(scene, camera, pose, noise=2.0, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.depth, other.depth)
    clean = render(scene, camera, pose).image.astype(int)
    unsaturated = (clean > 10) & (clean < 245)
    difference = (first.image - clean)[unsaturated]
    # Rounding to integers adds a variance of 1/12 to each picture.
    np.testing.assert_allclose(difference.std(), np.sqrt(4 + 2 / 12), rtol=0.03)
    assert not np.array_equal(first.image, other.image)


def test_a_part_of_a_view_is_the_view_of_the_part() -> None:
    """The camera with a shifted principal point sees the same pixels: nothing depends on the tiles."""
    scene, pose = make_scene("courtyard"), make_poses("courtyard", 1)[0]
    whole = render(scene, Camera("PINHOLE", 150, 100, np.array([140.0, 140, 75, 50])), pose)
    part = render(scene, Camera("PINHOLE", 70, 30, np.array([140.0, 140, 75 - 50, 50 - 40])), pose)
    # The rays differ in the last bit, which moves a value of the hash only where a point sits on a lattice plane.
    assert np.abs(whole.image[40:70, 50:120].astype(int) - part.image).max() <= 2
    np.testing.assert_allclose(whole.depth[40:70, 50:120], part.depth, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": -1.0}, "noise: expected 0 or more, got -1"),
        ({"noise": np.nan}, "noise: expected 0 or more, got nan"),
        ({"cam_from_world": np.eye(4)}, r"cam_from_world: expected shape \(3, 4\), got \(4, 4\)"),
    ],
)
def test_guards(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(make_scene("object"), make_camera("PINHOLE", 8, 8), **{"cam_from_world": IDENTITY, **arguments})
