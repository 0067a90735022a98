# SPDX-License-Identifier: Apache-2.0
"""Reconstruction of scenes whose truth is known by construction, and of what cannot be reconstructed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastcv
from fastcv import sfm
from fastcv.errors import ReconstructionError
from fastcv.features import Features
from fastcv.scene import Camera, Reconstruction

Make = Callable[..., Any]
NOISE = 0.5


def reconstruct(scene: Any, **arguments: Any) -> list[Reconstruction]:
    return sfm.reconstruct(scene.photos, scene.cameras, scene.pairs, **arguments)


def residuals(model: Reconstruction) -> np.ndarray:
    """Reprojection errors in pixels of all observations, computed here with a pinhole."""
    errors = []
    for image in model.images.values():
        rows = np.flatnonzero(image.point3D_ids >= 0)
        xyz = model.points3D.xyz[model.points3D.rows(image.point3D_ids[rows])]
        seen = (xyz @ image.rotation.T + image.translation) @ model.cameras[image.camera_id].matrix.T
        errors.append(seen[:, :2] / seen[:, 2:] - image.points2D[rows])
    return np.concatenate(errors)


@pytest.mark.parametrize(
    ("layout", "num_images", "num_points"), [("arc", 8, 400), ("ring", 16, 600), ("street", 20, 1500)]
)
def test_noise_and_wrong_matches(scene: Make, layout: str, num_images: int, num_points: int) -> None:
    made = scene(layout, num_images=num_images, num_points=num_points, noise_px=NOISE, wrong=0.3)
    (model,) = reconstruct(made)
    assert len(model.images) == num_images
    errors = sfm.compare_poses(model, made.poses)
    size = np.ptp([image.center for image in made.truth.images.values()], axis=0).max()
    # Half a pixel at f ≈ 1000 px over hundreds of points: a few parts in ten thousand; the drive has no loop to close.
    assert errors.center.max() < (5e-3 if layout == "street" else 2e-3) * size
    # The optimum itself turns one image of the ring, where turning hides behind moving, by 0.16°.
    assert errors.rotation.max() < 0.2
    # The residual per coordinate is the noise, less what the unknowns absorb; wrong observations would raise it.
    rms = np.sqrt((residuals(model) ** 2).mean())
    assert 0.6 * NOISE < rms < 1.1 * NOISE
    assert len(model.points3D) > 0.8 * len(made.truth.points3D)


def test_the_result_is_consistent(scene: Make) -> None:
    made = scene("arc", num_images=5, num_points=200, noise_px=NOISE, wrong=0.2)
    (model,) = reconstruct(made)
    assert sorted(model.images) == [1, 2, 3, 4, 5]
    image_ids, _, point_rows = model.observations()
    # A point has two observations or more, in different images.
    assert np.bincount(point_rows).min() >= 2
    assert len(np.unique(np.stack([image_ids, point_rows]), axis=1).T) == len(point_rows)
    lengths = np.linalg.norm(residuals(model), axis=1)
    assert lengths.max() <= sfm.Options().max_reprojection_error
    order = np.concatenate([im.point3D_ids[im.point3D_ids >= 0] for im in model.images.values()])
    mean = np.bincount(order - 1, lengths) / np.bincount(order - 1)
    np.testing.assert_allclose(model.points3D.error, mean, rtol=1e-6)
    for key, image in model.images.items():
        np.testing.assert_array_equal(image.points2D, made.photos[key - 1].keypoints.astype(float))


def test_colors_are_the_mean_of_the_keypoints(scene: Make) -> None:
    made = scene("arc", num_images=3, num_points=100)
    photos = [
        sfm.Photo(photo.name, 1, photo.keypoints, np.full((len(photo.keypoints), 3), 30 * i, np.uint8))
        for i, photo in enumerate(made.photos)
    ]
    (model,) = sfm.reconstruct(photos, made.cameras, made.pairs)
    three = np.flatnonzero(np.bincount(model.observations()[2]) == 3)
    assert len(three) > 50
    np.testing.assert_array_equal(model.points3D.rgb[three], 30)


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_a_guessed_focal_length_is_found(scene: Make, factor: float) -> None:
    true = scene("arc", num_images=2, num_points=30).cameras[1]
    guess = Camera("SIMPLE_RADIAL", 1024, 768, np.array([factor * true.focal_length, 512, 384, 0]), False)
    made = scene("arc", num_images=8, num_points=500, noise_px=NOISE, wrong=0.2, camera=guess)
    (model,) = reconstruct(made)
    assert len(model.images) == 8
    camera = model.cameras[1]
    assert camera.focal_length == pytest.approx(true.focal_length, rel=0.01)
    assert abs(camera.params[3]) < 0.01
    assert sfm.compare_poses(model, made.poses).center.max() < 0.05  # of a radius of 6


def test_distortion_is_found(scene: Make) -> None:
    straight = scene("arc", num_images=2, num_points=30).cameras[1]
    made = scene("arc", camera_model="SIMPLE_RADIAL", num_images=8, num_points=500, noise_px=NOISE)
    true = made.truth.cameras[1]
    assert abs(true.params[3]) > 0.01
    start = Camera("SIMPLE_RADIAL", 1024, 768, np.array([straight.focal_length * 1.05, 512, 384, 0]), True)
    made = scene("arc", camera_model="SIMPLE_RADIAL", num_images=8, num_points=500, noise_px=NOISE, camera=start)
    (model,) = reconstruct(made)
    np.testing.assert_allclose(model.cameras[1].params[0], true.params[0], rtol=2e-3)
    np.testing.assert_allclose(model.cameras[1].params[3], true.params[3], atol=0.005)


def test_fixed_intrinsics_stay(scene: Make) -> None:
    made = scene("arc", num_images=5, num_points=200, noise_px=NOISE)
    (model,) = reconstruct(made, options=sfm.Options(refine_intrinsics=False))
    assert model.cameras[1] == made.cameras[1]


def test_a_planar_scene(scene: Make) -> None:
    made = scene("planar", num_images=8, num_points=400, noise_px=NOISE, wrong=0.2)
    assert {pair.kind for pair in made.pairs.values()} == {"planar"}
    (model,) = reconstruct(made)
    assert len(model.images) == 8
    assert sfm.compare_poses(model, made.poses).center.max() < 0.02  # of a radius of 4


def test_groups_without_overlap_become_models(scene: Make) -> None:
    groups = [(1, 2, 3, 4, 5), (6, 7, 8, 9)]
    links = [(i, j) for group in groups for i in group for j in group if i < j]
    made = scene("arc", num_images=9, num_points=300, noise_px=NOISE, links=links)
    models = reconstruct(made)
    assert [tuple(sorted(model.images)) for model in models] == groups
    for model in models:
        assert sfm.compare_poses(model, made.poses).center.max() < 0.02


def test_an_isolated_photograph_is_skipped_with_its_reason(scene: Make) -> None:
    links = [(i, j) for i in range(1, 5) for j in range(i + 1, 5)]
    made = scene("arc", num_images=6, num_points=200, noise_px=NOISE, links=links)
    empty = sfm.Photo("empty.jpg", 1, np.empty((0, 2), np.float32), np.empty((0, 3), np.uint8))
    events: list[sfm.Event] = []
    (model,) = sfm.reconstruct([*made.photos, empty], made.cameras, made.pairs, callback=events.append)
    assert sorted(model.images) == [1, 2, 3, 4]
    skipped = {event.names[0]: event.reason for event in events if event.kind == "skipped"}
    assert skipped == {
        made.photos[4].name: "its matches with no other image are consistent",
        made.photos[5].name: "its matches with no other image are consistent",
        "empty.jpg": "nothing was detected in it",
    }


def test_too_little_overlap_is_said(scene: Make) -> None:
    made = scene("arc", num_images=5, num_points=300, noise_px=NOISE)
    weak = made.pairs[4, 5]
    pairs = {key: pair for key, pair in made.pairs.items() if 5 not in key}
    pairs[4, 5] = sfm.TwoViewGeometry("calibrated", weak.matches[:12], weak.cam2_from_cam1, weak.F, 0.2)
    events: list[sfm.Event] = []
    (model,) = sfm.reconstruct(made.photos, made.cameras, pairs, callback=events.append)
    assert len(model.images) == 4
    assert events[-1].kind == "skipped"
    assert events[-1].reason == "sees 12 points of the model, 15 are needed"


def test_repeated_structure_does_not_bend_the_model(scene: Make) -> None:
    """The ends of a street of equal houses match each other, consistently, and wrongly."""
    made = scene("street", num_images=12, num_points=1200, noise_px=NOISE)
    first, last = made.truth.images[1], made.truth.images[12]
    near = np.arange(60)
    rng = np.random.default_rng(0)
    # The first photograph's keypoints, as if the last one showed the same houses from nearly the same place.
    moved = first.points2D[near] + [6.0, 1.0] + 0.3 * rng.normal(size=(60, 2))
    photo = made.photos[11]
    keypoints = np.vstack([photo.keypoints, moved]).astype(np.float32)
    photos = [*made.photos[:11], sfm.Photo(last.name, 1, keypoints, np.zeros((len(keypoints), 3), np.uint8))]
    repeated = np.stack([near, len(photo.keypoints) + near], axis=1).astype(np.int32)
    pairs = {**made.pairs, (1, 12): sfm.TwoViewGeometry("calibrated", repeated, np.eye(3, 4), np.eye(3), 0.1)}
    (model,) = sfm.reconstruct(photos, made.cameras, pairs)
    assert len(model.images) == 12
    assert sfm.compare_poses(model, made.poses).center.max() < 0.1  # of a drive of 11


def test_the_same_seed_gives_the_same_bits(scene: Make) -> None:
    made = scene("arc", num_images=6, num_points=300, noise_px=NOISE, wrong=0.3)
    (one,) = reconstruct(made, seed=3)
    (other,) = reconstruct(made, seed=3)
    np.testing.assert_array_equal(one.points3D.xyz, other.points3D.xyz)
    np.testing.assert_array_equal(one.cameras[1].params, other.cameras[1].params)
    for key in one.images:
        np.testing.assert_array_equal(one.images[key].cam_from_world, other.images[key].cam_from_world)
        np.testing.assert_array_equal(one.images[key].point3D_ids, other.images[key].point3D_ids)


def test_events_tell_the_story(scene: Make) -> None:
    made = scene("arc", num_images=5, num_points=200)
    events: list[sfm.Event] = []
    (model,) = reconstruct(made, callback=events.append)
    kinds = [event.kind for event in events]
    assert kinds[0] == "initialized"
    assert kinds[-1] == "finished"
    assert kinds.count("registered") == 3
    joined = [name for event in events if event.kind in ("initialized", "registered") for name in event.names]
    assert sorted(joined) == sorted(photo.name for photo in made.photos)
    assert [e.num_registered for e in events if e.kind == "registered"] == [3, 4, 5]
    assert events[-1].num_points == len(model.points3D)


def test_ctrl_c_passes_through(scene: Make) -> None:
    made = scene("arc", num_images=4, num_points=150)
    before = {key: camera.params.copy() for key, camera in made.cameras.items()}

    def interrupt(event: sfm.Event) -> None:
        if event.kind == "registered":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconstruct(made, callback=interrupt)
    np.testing.assert_array_equal(made.cameras[1].params, before[1])
    assert len(reconstruct(made)[0].images) == 4


def nothing(n: int) -> Features:
    zero = np.zeros(n, np.float32)
    return Features(np.zeros((n, 2), np.float32), zero, zero, np.zeros((n, 128), np.uint8), np.zeros((n, 3), np.uint8))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_photographs(scene: Make, count: int) -> None:
    made = scene("arc", num_images=2, num_points=100)
    with pytest.raises(ReconstructionError, match=f"expected two photographs or more, got {count}"):
        sfm.reconstruct(made.photos[:count], made.cameras, {})


def test_no_matches(scene: Make) -> None:
    made = scene("arc", num_images=3, num_points=100)
    nothing = sfm.TwoViewGeometry("degenerate", np.empty((0, 2), np.int32))
    with pytest.raises(ReconstructionError, match="no two of the 3 photographs have consistent matches"):
        sfm.reconstruct(made.photos, made.cameras, {(1, 2): nothing})


def test_identical_photographs(scene: Make) -> None:
    made = scene("arc", num_images=2, num_points=200)
    photo = made.photos[0]
    found = Features(
        photo.keypoints,
        nothing(len(photo.keypoints)).scales,
        nothing(len(photo.keypoints)).scales,
        nothing(len(photo.keypoints)).descriptors,
        photo.colors,
    )
    rows = np.arange(len(found))
    pair = sfm.verify_pair(found, found, np.stack([rows, rows], axis=1), made.cameras[1], made.cameras[1])
    with pytest.raises(ReconstructionError, match="nearly one place"):
        sfm.reconstruct([photo, photo], made.cameras, {(1, 2): pair})


def test_a_narrow_baseline_is_refused(scene: Make) -> None:
    made = scene("narrow", num_images=4, num_points=300, noise_px=NOISE)
    with pytest.raises(ReconstructionError, match="nearly one place"):
        reconstruct(made)


def test_two_photographs_are_enough(scene: Make) -> None:
    made = scene("arc", num_images=8, num_points=300, noise_px=NOISE, links=[(1, 4)])
    (model,) = sfm.reconstruct([made.photos[0], made.photos[3]], made.cameras, {(1, 2): made.pairs[1, 4]})
    a, b = (made.truth.images[i] for i in (1, 4))
    turn = b.rotation @ a.rotation.T
    got = model.images[2].rotation @ model.images[1].rotation.T
    assert np.rad2deg(np.arccos((np.trace(got @ turn.T) - 1) / 2)) < 0.2
    assert len(model.points3D) > 250


def test_wrong_arguments(scene: Make) -> None:
    made = scene("arc", num_images=2, num_points=100)
    pair = made.pairs[1, 2]
    with pytest.raises(ValueError, match=r"cameras: expected an entry 1 for arc_0000.jpg, got \[7\]"):
        sfm.reconstruct(made.photos, {7: made.cameras[1]}, made.pairs)
    panorama = fastcv.Camera("EQUIRECTANGULAR", 640, 320, [640, 320])
    with pytest.raises(ValueError, match=r"cameras\[2\]: expected a model with a focal length, got EQUIRECTANGULAR"):
        sfm.reconstruct(made.photos, {**made.cameras, 2: panorama}, made.pairs)
    for key in [(0, 1), (1, 3), (2, 2)]:
        with pytest.raises(ValueError, match="pairs: expected two different image ids in 1 … 2"):
            sfm.reconstruct(made.photos, made.cameras, {key: pair})
    high = sfm.TwoViewGeometry("calibrated", pair.matches + 1000)
    with pytest.raises(ValueError, match="pairs: expected keypoint rows below"):
        sfm.reconstruct(made.photos, made.cameras, {(1, 2): high})


@pytest.mark.parametrize(
    ("name", "value"), [("max_reprojection_error", float("nan")), ("min_model_size", 1), ("num_threads", -1)]
)
def test_wrong_options(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected"):
        sfm.Options(**{name: value})


def test_reconstruction_error_is_one_of_ours() -> None:
    assert issubclass(ReconstructionError, fastcv.FastcvError)
