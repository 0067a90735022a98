# SPDX-License-Identifier: Apache-2.0
"""Rigs and frames of COLMAP models: kept through files and objects, against pycolmap; what contradicts is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import Frame, Reconstruction, Rig, sfm
from fastcv.io import from_pycolmap, read_colmap, write_colmap

LAYOUTS = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])


def assert_same_rigs(ours: Reconstruction, theirs: pycolmap.Reconstruction) -> None:
    """To the rounding of quaternions."""
    assert {key: rig.camera_ids for key, rig in ours.rigs.items()} == {
        key: [rig.ref_sensor_id.id, *sorted(sensor.id for sensor in rig.non_ref_sensors)]
        for key, rig in theirs.rigs.items()
        if rig.num_sensors() > 1
    }
    for key, rig in ours.rigs.items():
        for sensor, pose in theirs.rigs[key].non_ref_sensors.items():
            np.testing.assert_allclose(rig.sensor_from_rig[sensor.id], pose.matrix(), atol=1e-14)
    assert {key: (frame.rig_id, sorted(frame.image_ids)) for key, frame in ours.frames.items()} == {
        key: (frame.rig_id, sorted(datum.id for datum in frame.image_ids))
        for key, frame in theirs.frames.items()
        if theirs.rigs[frame.rig_id].num_sensors() > 1
    }
    for key, image in ours.images.items():
        np.testing.assert_allclose(image.cam_from_world, theirs.images[key].cam_from_world().matrix(), atol=1e-13)


@LAYOUTS
def test_there_and_back(rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path, binary: bool) -> None:
    model = rig_model[0]
    (tmp_path / "theirs").mkdir()
    model.write_binary(tmp_path / "theirs") if binary else model.write_text(tmp_path / "theirs")
    scene = read_colmap(tmp_path / "theirs")
    assert (len(scene.rigs), len(scene.frames)) == (2, 4)
    assert_same_rigs(scene, model)
    write_colmap(scene, tmp_path / "ours", binary=binary)
    back = pycolmap.Reconstruction(tmp_path / "ours")
    assert_same_rigs(scene, back)
    assert (back.num_rigs(), back.num_frames()) == (model.num_rigs(), model.num_frames())
    again = read_colmap(tmp_path / "ours")
    assert again.frames == scene.frames
    for key, rig in scene.rigs.items():
        for camera_id, pose in rig.sensor_from_rig.items():
            np.testing.assert_allclose(again.rigs[key].sensor_from_rig[camera_id], pose, atol=1e-15)


def test_from_memory(rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path) -> None:
    """The same as through files, without them."""
    model = rig_model[0]
    model.write_binary(tmp_path)
    ours, read = from_pycolmap(model), read_colmap(tmp_path)
    assert_same_rigs(ours, model)
    assert ours.cameras == read.cameras
    assert ours.frames == read.frames
    for key, image in read.images.items():
        assert (ours.images[key].name, ours.images[key].camera_id) == (image.name, image.camera_id)
        np.testing.assert_array_equal(ours.images[key].points2D, image.points2D)
        np.testing.assert_array_equal(ours.images[key].point3D_ids, image.point3D_ids)
    for name in ("ids", "xyz", "rgb", "error"):
        np.testing.assert_array_equal(getattr(ours.points3D, name), getattr(read.points3D, name))


def test_from_memory_empty_and_without_poses(rig_model: tuple[pycolmap.Reconstruction, Path]) -> None:
    assert from_pycolmap(pycolmap.Reconstruction()).images == {}
    model = pycolmap.Reconstruction(rig_model[0])
    model.deregister_frame(2)
    scene = from_pycolmap(model)
    assert sorted(scene.frames) == [1, 3, 4]
    assert len(scene.images) == 6


def stereo() -> Reconstruction:
    """Camera 2 is 0.5 to the right of camera 1; two frames, and an image of each camera in none."""
    options = pycolmap.SyntheticDatasetOptions(num_rigs=1, num_cameras_per_rig=2, num_frames_per_rig=3, num_points3D=9)
    pycolmap.set_random_seed(0)
    scene = from_pycolmap(pycolmap.synthesize_dataset(options))
    del scene.frames[3]
    return scene


@LAYOUTS
def test_images_in_no_frame(tmp_path: Path, binary: bool) -> None:
    """COLMAP has an image in a frame always: one of its camera's rig, with an id that is not taken."""
    scene = stereo()
    taken = scene.frames[1].image_ids
    loose = sorted(set(scene.images) - set(taken) - set(scene.frames[2].image_ids))
    scene.frames = {loose[0]: scene.frames[1], 2: scene.frames[2]}
    write_colmap(scene, tmp_path, binary=binary)
    back = pycolmap.Reconstruction(tmp_path)
    assert back.num_frames() == 4
    assert back.num_rigs() == 1
    for key, image in scene.images.items():
        np.testing.assert_allclose(back.images[key].cam_from_world().matrix(), image.cam_from_world, atol=1e-14)
    again = read_colmap(tmp_path)
    assert sorted(again.frames[loose[0]].image_ids) == sorted(taken)
    assert sorted(len(frame.image_ids) for frame in again.frames.values()) == [1, 1, 2, 2]


def test_a_reference_that_is_no_camera(tmp_path: Path) -> None:
    """The first camera takes its place; poses of images stay."""
    scene = stereo()
    write_colmap(scene, tmp_path, binary=False)
    (rig_line,) = [line for line in (tmp_path / "rigs.txt").read_text().splitlines() if not line.startswith("#")]
    words = rig_line.split()
    # Both cameras ride on an IMU: the first one is turned by 90 degrees about x and sits at a distance.
    half = "0.7071067811865476"
    mounted = f"CAMERA 1 1 {half} {half} 0 0 1 2 3"
    (tmp_path / "rigs.txt").write_text(f"1 3 IMU 7 {mounted} {' '.join(words[4:])}\n")
    got = read_colmap(tmp_path)
    assert got.rigs[1].camera_ids == [1, 2]
    first = np.array([[1, 0, 0, 1], [0, 0, -1, 2], [0, 1, 0, 3.0]])
    second = scene.rigs[1].sensor_from_rig[2]
    expected = np.vstack([second, [0, 0, 0, 1]]) @ np.linalg.inv(np.vstack([first, [0, 0, 0, 1]]))
    np.testing.assert_allclose(got.rigs[1].sensor_from_rig[2], expected[:3], atol=1e-14)
    for frame in (got.frames[1], got.frames[2]):
        one, two = (got.images[i] for i in sorted(frame.image_ids, key=lambda i: got.images[i].camera_id))
        np.testing.assert_allclose(got.rigs[1].cam_from_world(2, one.cam_from_world), two.cam_from_world, atol=1e-12)


def _move(scene: Reconstruction) -> None:
    image = scene.images[scene.frames[1].image_ids[1]]
    image.cam_from_world = image.cam_from_world + np.eye(3, 4, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_move, r"images\[2\]\.cam_from_world: expected what follows from image 1 of the same frame 1 and the rig"),
        (lambda s: s.rigs.clear(), r"frames\[1\]: expected an id in .*, the key of a rig and images, got rig 1"),
        (lambda s: s.rigs.update({2: Rig(1)}), r"rigs\[2\]: expected camera 1 in one rig, got it in 1 too"),
        (lambda s: s.rigs.update({2: Rig(9)}), r"rigs\[2\]: expected keys of cameras, got 9"),
        (lambda s: s.rigs.update({-1: Rig(1)}), r"rigs: expected ids in \[0, 4294967294\], got -1"),
        (lambda s: s.frames.update({9: Frame(1, [])}), r"frames\[9\]: expected .* got rig 1 and images \[\]"),
        (lambda s: s.frames.update({9: Frame(1, [1])}), r"frames\[9\]: expected image 1 in one frame, got"),
        (lambda s: s.frames.update({9: Frame(1, [99])}), r"frames\[9\]: expected images of rig 1, got image 99"),
        (lambda s: s.images.update({7: replace(s.images[5])}) or s.frames.update({9: Frame(1, [5, 7])}),
         r"frames\[9\]: expected one image of each camera, got cameras \[1, 1\]"),
    ],
)  # fmt: skip
def test_names_what_is_wrong(tmp_path: Path, change: Callable[[Reconstruction], None], message: str) -> None:
    scene = stereo()
    change(scene)
    with pytest.raises(ValueError, match=f"^{message}"):
        write_colmap(scene, tmp_path)
    assert not list(tmp_path.iterdir())


def test_rigs_themselves() -> None:
    with pytest.raises(ValueError, match=r"sensor_from_rig\[2\]: expected shape \(3, 4\), got \(4, 4\)"):
        Rig(1, {2: np.eye(4)})
    with pytest.raises(ValueError, match="sensor_from_rig: expected no pose of the reference, camera 1, got one"):
        Rig(1, {1: np.eye(3, 4)})


def test_similarities_carry_rigs() -> None:
    """In the frame and units of known positions the rig has another size, and agrees with its images."""
    scene = stereo()
    known = {image.name: 10 * image.center + [100, 0, 5] for image in scene.images.values()}
    moved = sfm.align(scene, known)
    np.testing.assert_allclose(
        np.linalg.norm(moved.rigs[1].sensor_from_rig[2][:, 3]),
        10 * np.linalg.norm(scene.rigs[1].sensor_from_rig[2][:, 3]),
    )
    for frame in moved.frames.values():
        one, two = (moved.images[i] for i in sorted(frame.image_ids, key=lambda i: moved.images[i].camera_id))
        np.testing.assert_allclose(moved.rigs[1].cam_from_world(2, one.cam_from_world), two.cam_from_world, atol=1e-9)
