# SPDX-License-Identifier: Apache-2.0
"""Rigs: conversions from and to reconstructions, and what bad input is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv import Reconstruction, io
from fastcv.ba import Problem, Rigs, solve, solve_batch

from .conftest import rotation


def test_batches_have_no_rigs(make_rig_problem):
    problem = make_rig_problem()
    with pytest.raises(ValueError, match=r"^problem\.rigs: expected None, for items of a batch have no rigs"):
        solve_batch(problem, np.zeros(problem.num_images, int))


SENSOR = np.eye(3, 4)[None]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"image_frames": [0, 0, 1]}, ValueError, r"image_frames: expected shape \(6,\), got \(3,\)"),
        ({"image_frames": [0, 0, 1, 1, 2.5, 2]}, TypeError, "image_frames: expected dtype int32, got float64"),
        ({"image_frames": [0, 0, 1, 1, 6, 2]}, ValueError, r"image_frames\[4\]: expected a row below 6 or -1, got 6"),
        ({"image_frames": [0, 0, 1, 1, 2, -2]}, ValueError, r"image_frames\[5\]: expected a row below 6 or -1, got -2"),
        (
            {"image_frames": [-1] * 6, "image_sensors": [-1] * 6},
            ValueError,
            "image_frames: expected at least one image",
        ),
        ({"image_frames": [0, 0, 1, 1, 0, 2]}, ValueError, r"image_sensors\[4\]: expected one image of a sensor in a"),
        ({"image_frames": [0, 0, 1, 1, 3, 3]}, ValueError, r"frame\[2\]: expected at least one image, got 0 images"),
        (
            {"image_frames": [0, 0, 1, 1, -1, -1]},
            ValueError,
            r"image_sensors\[5\]: expected -1 for an image that",
        ),
        ({"image_sensors": [-1, 1] * 3}, ValueError, r"image_sensors\[1\]: expected a row below 1 or -1, got 1"),
        ({"fixed_sensors": [1.0]}, TypeError, "fixed_sensors: expected dtype bool, got float64"),
        ({"fixed_sensors": [True] * 2}, ValueError, r"fixed_sensors: expected shape \(1,\), got \(2,\)"),
        ({"sensor_from_rig": 2 * SENSOR}, ValueError, r"sensor_from_rig\[0\]: expected a rotation in its first three"),
        ({"sensor_from_rig": np.nan * SENSOR}, ValueError, r"sensor_from_rig\[0\]: expected finite values"),
        ({"sensor_from_rig": SENSOR[0]}, ValueError, r"sensor_from_rig: expected shape \(S, 3, 4\), got \(3, 4\)"),
    ],
)
def test_names_what_is_wrong(make_problem, changes, error, message):
    fields = {"image_frames": [0, 0, 1, 1, 2, 2], "image_sensors": [-1, 0] * 3, "sensor_from_rig": SENSOR}
    rigs = Rigs(**{**fields, "fixed_sensors": [False], **changes})
    with pytest.raises(error, match=rf"^rigs\.(image_frames, )?{message}"):
        replace(make_problem(), rigs=rigs)


def test_names_images_that_contradict_their_rig(make_rig_problem):
    """Errors of the sixth digit pass."""
    problem = make_rig_problem()
    poses = problem.cam_from_world.copy()
    poses[7, 0, 3] += 1e-6
    replace(problem, cam_from_world=poses)
    poses[7, 0, 3] += 0.25
    follows = (
        r"^cam_from_world\[7\]: expected the pose that follows from image 6 of the same frame 2 and sensor_from_rig"
    )
    with pytest.raises(ValueError, match=rf"{follows}, got one \S+ radians and 0\.25 scene units away$"):
        replace(problem, cam_from_world=poses)
    turned = problem.cam_from_world.copy()
    turned[7] = rotation(np.array([0, 0.1, 0])) @ turned[7]
    with pytest.raises(ValueError, match=rf"{follows}, got one 0\.1 radians and \S+ scene units away$"):
        replace(problem, cam_from_world=turned)
    with pytest.raises(TypeError, match=r"^rigs: expected Rigs or None, got dict$"):
        replace(problem, rigs={})


def two_rigs(noise_px: float = 0.5) -> Reconstruction:
    """Of three cameras each, four frames each, every point seen by all."""
    pycolmap = pytest.importorskip("pycolmap")
    options = pycolmap.SyntheticDatasetOptions(num_rigs=2, num_cameras_per_rig=3, num_frames_per_rig=4, num_points3D=60)
    options.sensor_from_rig_translation_stddev = 0.2
    pycolmap.set_random_seed(1)
    scene = io.from_pycolmap(pycolmap.synthesize_dataset(options))
    random = np.random.default_rng(0)
    for image in scene.images.values():
        image.points2D += noise_px * random.standard_normal(image.points2D.shape)
    return scene


def test_from_a_reconstruction_and_back():
    scene = two_rigs()
    problem = Problem.from_reconstruction(scene)
    rigs = problem.rigs
    assert (rigs.num_frames, rigs.num_sensors) == (8, 4)
    for image, image_id in enumerate(problem.image_ids):
        (frame,) = [frame for frame in scene.frames.values() if image_id in frame.image_ids]
        mates = [row for row, other in enumerate(problem.image_ids) if other in frame.image_ids]
        np.testing.assert_array_equal(np.flatnonzero(rigs.image_frames == rigs.image_frames[image]), mates)
        sensor, rig = rigs.image_sensors[image], scene.rigs[frame.rig_id]
        camera_id = scene.images[image_id].camera_id
        assert (sensor < 0) == (camera_id == rig.ref_camera_id)
        assert sensor < 0 or tuple(rigs.sensor_ids[sensor]) == (frame.rig_id, camera_id)
    result = solve(problem)
    problem.update_reconstruction(scene, result)
    for (rig_id, camera_id), pose in zip(rigs.sensor_ids, result.sensor_from_rig, strict=True):
        np.testing.assert_array_equal(scene.rigs[rig_id].sensor_from_rig[camera_id], pose)
    again = Problem.from_reconstruction(scene)
    np.testing.assert_array_equal(again.cam_from_world, result.cam_from_world)
    np.testing.assert_allclose(solve(again, max_iterations=0).final_cost, result.final_cost, rtol=1e-12)


def test_other_images_of_the_rig_follow(tmp_path):
    """A solve of some images moves sensors, and with them the images of frames that it did not have."""
    scene = two_rigs()
    some = [*scene.frames[1].image_ids, *scene.frames[2].image_ids, *scene.frames[4].image_ids[:2]]
    problem = Problem.from_reconstruction(scene, some)
    assert (problem.rigs.num_frames, problem.rigs.num_sensors) == (3, 2)
    before = {key: image.cam_from_world for key, image in scene.images.items()}
    result = solve(problem)
    problem.update_reconstruction(scene, result)
    changed = {key for key, image in scene.images.items() if (image.cam_from_world != before[key]).any()}
    reference = scene.rigs[1].ref_camera_id
    in_third = {i for i in scene.frames[3].image_ids if scene.images[i].camera_id != reference}
    held = set(scene.frames[1].image_ids[:1])  # by the gauge
    assert changed == (set(some) | in_third | {scene.frames[4].image_ids[2]}) - held
    io.write_colmap(scene, tmp_path)  # refuses images that contradict their rig


def test_a_reconstruction_without_rigs():
    scene = two_rigs()
    scene.frames.clear()
    assert Problem.from_reconstruction(scene).rigs is None
