# SPDX-License-Identifier: Apache-2.0
"""COLMAP's text files: what is wrong is named with its line, and damage never ends otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastcv import FormatError
from fastcv.io import read_colmap

CAMERAS = "# a comment\n\n1 PINHOLE 640 480 500 500 320 240\n"
RIGS = "1 1 CAMERA 1\n"
FRAMES = "1 1 1 0 0 0 0 0 0 1 CAMERA 1 1\n2 1 1 0 0 0 0 0 4 1 CAMERA 1 2\n"
IMAGES = "1 1 0 0 0 0 0 0 1 a.jpg\n1.5 2 7 3 4 -1\n2 1 0 0 0 0 0 4 1 b.jpg\n5 6 7\n"
POINTS = "7 1 2 3 10 20 30 0.5 1 0 2 0\n"
FILES = {"cameras": CAMERAS, "rigs": RIGS, "frames": FRAMES, "images": IMAGES, "points3D": POINTS}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.txt").write_text(text)
    return tmp_path


def test_reads_it(model: Path) -> None:
    result = read_colmap(model)
    assert [image.name for image in result.images.values()] == ["a.jpg", "b.jpg"]
    np.testing.assert_array_equal(result.images[2].translation, [0, 0, 4])
    np.testing.assert_array_equal(result.images[1].point3D_ids, [7, -1])
    np.testing.assert_array_equal(result.points3D.rgb, [[10, 20, 30]])
    assert [column.tolist() for column in result.observations()] == [[1, 2], [0, 0], [0, 0]]


def test_windows_line_ends_comments_and_empty_lines(model: Path) -> None:
    for name, text in FILES.items():
        (model / f"{name}.txt").write_bytes(b"# first\r\n\r\n" + text.replace("\n", "\r\n").encode())
    assert read_colmap(model).images[1].name == "a.jpg"


def test_quaternions_of_six_digits_are_normalised(model: Path) -> None:
    (model / "frames.txt").write_text(FRAMES.replace("2 1 1 0 0 0", "2 1 0.707107 0.707107 0 0"))
    rotation = read_colmap(model).images[2].rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(rotation, [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-15)


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "message"),
    [
        ("cameras", "PINHOLE", "PINHOLES", 3, "camera 1: expected a camera model"),
        ("cameras", "PINHOLE", "BAL", 3, "camera 1: expected a camera model"),
        ("cameras", " 240", "", 3, "expected a camera parameter, got the end of the line"),
        ("cameras", " 240", " 240 1", 3, "expected the end of the line, got '1'"),
        ("cameras", " 240", " nan", 3, "camera 1: params: expected finite"),
        ("cameras", "640", "0", 3, "camera 1: width, height: expected positive"),
        ("cameras", "640", "-640", 3, "expected a width, a whole number"),
        ("cameras", "640", "9" * 5000, 3, "expected a width, a whole number"),
        ("cameras", "1 PIN", "4294967296 PIN", 3, "expected a camera id, a whole number"),
        ("cameras", "240\n", "240\n1 PINHOLE 640 480 500 500 320 240\n", 4, "camera 1: expected unique ids"),
        ("rigs", "CAMERA", "LIDAR", 1, "expected a sensor type of CAMERA, IMU, got 'LIDAR'"),
        ("rigs", "1 1 C", "1 2 C", 1, "expected a sensor type, got the end of the line"),
        ("rigs", "1 1 CAMERA 1", "1 2 CAMERA 1 CAMERA 1 0", 1, "expected each sensor once"),
        ("rigs", "1 1 CAMERA 1\n", RIGS + RIGS, 2, "rig 1: expected unique ids"),
        ("rigs", "1 1 CAMERA 1", "1 2 CAMERA 9 CAMERA 1 0", None, "expected a rig 1 that knows the pose of camera 1"),
        ("rigs", "1 1 CAMERA 1", "1 2 CAMERA 9 CAMERA 1 1 2 0 0 0 0 0 0", 1, "expected a unit quaternion"),
        ("rigs", "1 1 CAMERA 1", "5 1 CAMERA 1", None, "expected a rig 1 that knows"),
        ("frames", "2 1 1 0 0 0 0 0 4", "2 1 1 0 0 0 0 nan 4", 2, "expected a unit quaternion and a finite"),
        ("frames", "2 1 1 0 0 0 0 0 4", "2 1 1 1 0 0 0 0 4", 2, "expected a unit quaternion"),
        ("frames", "2 1 1 0 0 0 0 0 4", "2 1 1e300 1e300 0 0 0 0 4", 2, "expected a unit quaternion"),
        ("frames", "CAMERA 1 2", "CAMERA 1 1", 2, "image 1: expected one frame, got a second one"),
        ("frames", "CAMERA 1 2", "CAMERA 1 3", None, "image 2: expected a frame that has it for camera 1, got no"),
        ("images", "0 0 0 1 a", "0 0 inf 1 a", 1, "expected a unit quaternion and a finite translation"),
        ("images", "1 1 0 0 0 0", "1 0 0 0 0 0", 1, "expected a unit quaternion"),
        ("images", " 1 a.jpg", " 3 a.jpg", 1, "image 1: expected a frame that has it for camera 3, got camera 1"),
        ("images", " a.jpg", "", 1, "expected an image name, got the end of the line"),
        ("images", "3 4 -1", "3 4", 2, "expected keypoints as triples"),
        ("images", "3 4 -1", "3 4 -2", 2, "expected 3D point ids as whole numbers"),
        ("images", "3 4 -1", "3 4 1.5", 2, "expected 3D point ids as whole numbers"),
        ("images", "3 4 -1", "nan 4 -1", 1, "image 1: expected finite keypoints"),
        ("images", "3 4 -1", "x 4 -1", 2, "expected a number, got 'x'"),
        ("images", "3 4 -1", "3 4 8", 1, "image 1: expected the track of 3D point 8 to list keypoint 1"),
        ("images", "5 6 7\n", "", None, "3D point 7, image 2, keypoint 0"),
        ("images", "\n5 6 7\n", "", 3, "expected one more line, got the end of the file"),
        ("points3D", " 2 0", " 2", 1, "expected 8 numbers and pairs"),
        ("points3D", " 30 0.5 1 0 2 0", "", 1, "expected 8 numbers and pairs"),
        ("points3D", " 30 ", " 256 ", 1, "expected colours as whole numbers"),
        ("points3D", "7 1 2 3", "7 1 2 nan", 1, "3D point 7: expected finite"),
        ("points3D", "7 1 2 3", "7 1 2 z", 1, "expected a number, got 'z'"),
        ("points3D", "7 1 2 3", "-7 1 2 3", 1, "expected 3D point ids as whole numbers"),
        ("points3D", "7 1 2 3", "18446744073709551615 1 2 3", 1, "expected 3D point ids as whole numbers"),
        ("points3D", "2 0\n", "2 0\n7 1 2 3 10 20 30 0.5\n", 2, "3D point 7: expected unique ids"),
        ("points3D", " 2 0", " 3 0", 1, "3D point 7, image 3, keypoint 0: expected a keypoint that refers back"),
        ("points3D", " 2 0", " 2 1", 1, "3D point 7, image 2, keypoint 1: expected a keypoint that refers back"),
        ("points3D", " 2 0", " 2 0 2 0", 1, "3D point 7, image 2, keypoint 0: expected each observation once"),
        ("points3D", " 2 0", "", None, "image 2: expected the track of 3D point 7 to list keypoint 0"),
        ("points3D", POINTS, "", None, "image 1: expected the track of 3D point 7 to list keypoint 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(model: Path, file: str, old: str, new: str, line: int | None, message: str) -> None:
    """``line`` None: the contradiction is found in another file."""
    assert FILES[file].count(old) >= 1
    path = model / f"{file}.txt"
    path.write_text(FILES[file].replace(old, new, 1))
    with pytest.raises(FormatError, match=message) as caught:
        read_colmap(model)
    assert (caught.value.path == str(path)) == (line is not None)
    assert line in (None, caught.value.line)


def test_sensors_that_are_no_cameras_are_left_out(model: Path) -> None:
    (model / "rigs.txt").write_text("1 2 IMU 1 CAMERA 1 1 1 0 0 0 0 0 9\n")
    (model / "frames.txt").write_text(FRAMES.replace("1 CAMERA 1 1", "2 IMU 1 5 CAMERA 1 1"))
    np.testing.assert_array_equal(read_colmap(model).images[1].translation, [0, 0, 9])


def test_empty_rigs_and_frames_are_the_classic_layout(model: Path) -> None:
    for name in ("rigs", "frames"):
        (model / f"{name}.txt").write_text("# nothing\n")
    np.testing.assert_array_equal(read_colmap(model).images[2].translation, [0, 0, 4])


@pytest.mark.parametrize("file", FILES)
def test_random_damage(model: Path, survives_damage: Callable[..., None], file: str) -> None:
    # A cut at a line's end can leave a whole file; for those see the cases above.
    survives_damage(model / f"{file}.txt", lambda: read_colmap(model), flips=300, lengths=range(0))
