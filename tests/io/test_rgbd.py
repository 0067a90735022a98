# SPDX-License-Identifier: Apache-2.0
"""RGB-D sequences of both kinds: frames, poses, cameras, depth, damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from fastcv import FormatError
from fastcv.io import is_rgbd, read_depth_png, read_image16, read_rgbd, write_image

POSE = np.array([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])  # world from camera
# Turned back by 90° about z, and -Rᵀ t.
CAM_FROM_WORLD = np.array([[0.0, 1, 0, -2], [-1, 0, 0, 1], [0, 0, 1, -3]])


@pytest.fixture
def seven_scenes(tmp_path: Path) -> Path:
    """Frames a (with colour) and b, 4 x 3 pixels."""
    np.savetxt(tmp_path / "camera-intrinsics.txt", [[5, 0, 2], [0, 6, 1], [0, 0, 1]])
    for name in "ab":
        write_image(tmp_path / f"{name}.depth.png", np.full((3, 4), 1500, np.uint16))
        np.savetxt(tmp_path / f"{name}.pose.txt", POSE)
    write_image(tmp_path / "a.color.jpg", np.zeros((3, 4, 3), np.uint8))
    return tmp_path


@pytest.fixture
def tum(tmp_path: Path) -> Path:
    """Three depth maps, of which the second has no colour and the third no pose."""
    (tmp_path / "depth").mkdir()
    for time in ("1.00", "2.00", "3.00"):
        write_image(tmp_path / "depth" / f"{time}.png", np.full((3, 4), 5000, np.uint16))
    (tmp_path / "depth.txt").write_text("# time file\n" + "".join(f"{t}.00 depth/{t}.00.png\n" for t in (2, 1, 3)))
    (tmp_path / "rgb.txt").write_text("0.99 rgb/early.png\n1.013 rgb/late.png\n2.021 rgb/too_late.png\n")
    half = np.sqrt(0.5)
    (tmp_path / "groundtruth.txt").write_text(f"0.985 9 9 9 0 0 0 1\n1.01 1 2 3 0 0 {half} {half}\n2.0 0 0 0 0 0 0 1\n")
    return tmp_path


def test_seven_scenes(seven_scenes: Path) -> None:
    assert is_rgbd(seven_scenes)
    sequence = read_rgbd(seven_scenes)
    camera = sequence.camera
    assert (camera.model, camera.width, camera.height, camera.params.tolist()) == ("PINHOLE", 4, 3, [5, 6, 2.5, 1.5])
    assert [frame.name for frame in sequence.frames] == ["a", "b"]
    assert [frame.color for frame in sequence.frames] == [seven_scenes / "a.color.jpg", None]
    np.testing.assert_allclose(sequence.frames[0].cam_from_world, CAM_FROM_WORLD, atol=1e-15)
    assert read_depth_png(sequence.frames[0].depth, sequence.unit).tolist() == [[1.5] * 4] * 3
    assert read_rgbd(seven_scenes, (7, 8, 2, 1)).camera.params.tolist() == [7, 8, 2, 1]


def test_tum(tum: Path) -> None:
    assert is_rgbd(tum)
    sequence = read_rgbd(tum, (5, 6, 2, 1.5))
    assert [frame.name for frame in sequence.frames] == ["1.00.png", "2.00.png"]
    assert [frame.color for frame in sequence.frames] == [tum / "rgb" / "early.png", None]
    np.testing.assert_allclose(sequence.frames[0].cam_from_world, CAM_FROM_WORLD, atol=1e-12)
    np.testing.assert_array_equal(sequence.frames[1].cam_from_world, np.eye(3, 4))
    assert sequence.skipped == {"3.00.png": "no pose within 20 ms"}
    assert read_depth_png(sequence.frames[0].depth, sequence.unit)[0, 0] == 1


def test_kinect(data_dir: Path) -> None:
    sequence = read_rgbd(data_dir / "mvs" / "kinect7scenes")
    assert len(sequence.frames) == 50
    assert sequence.camera.params.tolist() == [585, 585, 320.5, 240.5]
    for frame in sequence.frames:
        R = frame.cam_from_world[:, :3]
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    depth = read_depth_png(sequence.frames[0].depth, sequence.unit)
    assert depth.shape == (480, 640)
    assert 0.5 < np.median(depth[depth > 0]) < 4


def test_frames_without_a_pose_are_skipped(seven_scenes: Path) -> None:
    np.savetxt(seven_scenes / "a.pose.txt", np.full((4, 4), -np.inf))
    assert read_rgbd(seven_scenes).skipped == {"a": "a.pose.txt says that its pose is unknown"}
    (seven_scenes / "a.pose.txt").unlink()
    assert read_rgbd(seven_scenes).skipped == {"a": "there is no a.pose.txt"}
    (seven_scenes / "b.pose.txt").unlink()
    with pytest.raises(FormatError, match=r"expected frames with depth and pose, got none; a: there is no a"):
        read_rgbd(seven_scenes)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pose.txt", "1 0 0", "expected 16 numbers"),
        ("a.pose.txt", "2 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "expected a rotation and a translation"),
        ("a.pose.txt", "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 2", "expected 0 0 0 1 as the last row"),
        ("a.pose.txt", "1 0 0 0 0 1 0 0 0 0 -1 0 0 0 0 1", "expected a rotation and a translation"),
        ("camera-intrinsics.txt", "5 0 2 0 6 1 0 0 nan", r"expected \[fx 0 cx"),
        ("camera-intrinsics.txt", "5 0 2 0 six 1 0 0 1", "in line 1: expected a number, got .six."),
        ("a.depth.png", "Dear sir", "image"),
    ],
)
def test_seven_scenes_that_make_no_sense(seven_scenes: Path, name: str, content: str, message: str) -> None:
    (seven_scenes / name).write_text(content)
    with pytest.raises(FormatError, match=message):
        read_rgbd(seven_scenes)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("depth.txt", "1.00\n", "in line 1: expected a time and a file, got one word"),
        ("depth.txt", "one depth/1.png\n", "in line 1: expected a number, got 'one'"),
        ("depth.txt", "1.0 ../secret.png\n", "in line 1: expected a file in the folder"),
        ("depth.txt", "", "expected frames with depth and pose, got none"),
        ("groundtruth.txt", "1.0 1 2 3 0 0 0\n", "in line 1: expected 8 numbers, got 7"),
        ("groundtruth.txt", "1.0 1 2 3 0 0 0 0\n", "in line 1: expected a unit quaternion, got one of length 0"),
        ("groundtruth.txt", "1.0 1 2 inf 0 0 0 1\n", "in line 1: expected finite numbers"),
    ],
)
def test_tum_that_makes_no_sense(tum: Path, name: str, content: str, message: str) -> None:
    (tum / name).write_text(content)
    with pytest.raises(FormatError, match=message):
        read_rgbd(tum, (5, 6, 2, 1.5))


def test_without_intrinsics_it_says_so(tum: Path) -> None:
    with pytest.raises(FormatError, match=r"expected camera-intrinsics\.txt in it, or intrinsics that are given"):
        read_rgbd(tum)


def test_depth_of_other_kinds(tmp_path: Path, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / "a.png"
    levels = np.array([[0, 1, 65534], [65535, 256, 0]], np.uint16)
    write_image(path, levels)
    np.testing.assert_array_equal(read_image16(path), levels)
    np.testing.assert_array_equal(read_depth_png(path, 2.0), [[0, 2, 131068], [0, 512, 0]])
    write_image(tmp_path / "grey.png", np.zeros((2, 3), np.uint8))
    with pytest.raises(FormatError, match="expected one channel of 16 bits, got an image of kind L"):
        read_depth_png(tmp_path / "grey.png")
    PIL.Image.fromarray(np.full((2, 3), 70_000, np.int32)).save(tmp_path / "deep.tif")
    with pytest.raises(FormatError, match="expected values of 16 bits, got 70000 to 70000"):
        read_image16(tmp_path / "deep.tif")
    write_image(path, np.random.default_rng(0).integers(0, 2**16, (30, 40), np.uint16))
    size = len(path.read_bytes())
    survives_damage(path, lambda: read_depth_png(path), flips=300, lengths=range(0, size - 50, 7))
