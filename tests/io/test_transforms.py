# SPDX-License-Identifier: Apache-2.0
"""``transforms.json`` in the manners of Blender, instant-ngp and nerfstudio, whole and broken."""

from __future__ import annotations

import json
import logging
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv import FormatError, io
from fastcv.io import Transforms, read_transforms, write_transforms
from fastcv.scene import Camera, Image, Reconstruction

NAN = float("nan")


def matrix(seed=0):
    result = np.eye(4)
    result[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    result[:3, 3] = [1, 2, 3]
    return result.tolist()


def frame(name, seed=0, **keys):
    return {"file_path": name, "transform_matrix": matrix(seed), **keys}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(4):
        io.write_image(tmp_path / "images" / f"{i}.png", np.full((20, 30, 3), i, np.uint8))
    return tmp_path


def write(folder, content, name="transforms.json"):
    (folder / name).write_text(json.dumps(content) if isinstance(content, dict) else content)
    return folder / name


def test_blender(folder):
    """A file for each split, names without suffixes, an angle of view alone; the camera looks along -z with y up."""
    write(
        folder,
        {"camera_angle_x": 0.8, "frames": [frame("./images/0"), frame("./images/2", 1)]},
        "transforms_train.json",
    )
    write(folder, {"camera_angle_x": 0.8, "frames": [frame("./images/1", 2)]}, "transforms_test.json")
    result = read_transforms(folder)
    assert result.splits == {"train": [1, 2], "test": [3]}
    assert [path.name for path in result.paths.values()] == ["0.png", "2.png", "1.png"]
    assert [image.name for image in result.reconstruction.images.values()] == [
        "images/0.png",
        "images/2.png",
        "images/1.png",
    ]
    (camera,) = result.reconstruction.cameras.values()
    assert (camera.model, camera.width, camera.height) == ("PINHOLE", 30, 20)
    focal = 15 / math.tan(0.4)
    np.testing.assert_allclose(camera.params, [focal, focal, 15, 10])
    world_from_cam = np.array(matrix(1))
    pose = result.reconstruction.images[2].cam_from_world
    ahead = world_from_cam @ [0, 0, -5, 1]  # five before the camera, in OpenGL's frame
    above = world_from_cam @ [0, 1, -5, 1]
    np.testing.assert_allclose(pose @ ahead, [0, 0, 5], rtol=0, atol=1e-12)
    np.testing.assert_allclose(pose @ above, [0, -1, 5], rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.box, [[-0.5 / 0.33] * 3, [0.5 / 0.33] * 3])
    assert read_transforms(folder / "transforms_test.json").splits == {"test": [1]}


def test_fox(data_dir):
    result = read_transforms(data_dir / "nerf" / "fox")
    assert len(result.paths) == 50
    assert result.splits == {}
    assert result.missing == []
    (camera,) = result.reconstruction.cameras.values()
    assert (camera.model, camera.width, camera.height) == ("OPENCV", 270, 480)
    expected = [343.88, 343.6225, 138.6395, 241.317, 0.0578421, -0.0805099, -0.000980296, 0.00015575]
    np.testing.assert_array_equal(camera.params, expected)
    np.testing.assert_allclose(
        result.reconstruction.images[1].center, [3.168359405609479, -5.4794898611466945, -0.9791660699008925]
    )
    np.testing.assert_allclose(result.box[1], 2 / 0.33)


LENSES = [
    ({"k1": 0.1, "p2": 0.01}, "OPENCV", [40, 40, 15, 10, 0.1, 0, 0, 0.01]),
    ({"fl_y": 41, "cx": 14, "cy": 9}, "PINHOLE", [40, 41, 14, 9]),
    ({"camera_angle_y": 0.5}, "PINHOLE", [40, 10 / math.tan(0.25), 15, 10]),
    ({"k1": 0.1, "k3": 0.2}, "FULL_OPENCV", [40, 40, 15, 10, 0.1, 0, 0, 0, 0.2, 0, 0, 0]),
    ({"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k4": 0.2}, "OPENCV_FISHEYE", [40, 40, 15, 10, 0.1, 0, 0, 0.2]),
    ({"is_fisheye": True, "k2": 0.1}, "OPENCV_FISHEYE", [40, 40, 15, 10, 0, 0.1, 0, 0]),
    ({"is_fisheye": False, "k2": 0.1}, "OPENCV", [40, 40, 15, 10, 0, 0.1, 0, 0]),
    ({"camera_model": "EQUIRECTANGULAR"}, "EQUIRECTANGULAR", [30, 20]),
    ({"camera_model": "FULL_OPENCV", "k5": 0.1}, "FULL_OPENCV", [40, 40, 15, 10, 0, 0, 0, 0, 0, 0, 0.1, 0]),
]


@pytest.mark.parametrize(("keys", "model", "params"), LENSES)
def test_lenses(folder, keys, model, params):
    path = write(folder, {"fl_x": 40, **keys, "frames": [frame("images/0.png")]})
    (camera,) = read_transforms(path).reconstruction.cameras.values()
    assert camera.model == model
    np.testing.assert_allclose(camera.params, params)


def test_intrinsics_of_frames_and_shared_cameras(folder):
    frames = [frame("images/0.png"), frame("images/1.png", fl_x=50, w=30.0, h=20), frame("images/2.png")]
    scene = read_transforms(write(folder, {"fl_x": 40, "frames": frames})).reconstruction
    assert [image.camera_id for image in scene.images.values()] == [1, 2, 1]
    assert scene.cameras[2].params[0] == 50


def test_scale_offset_and_box(folder):
    keys = {"fl_x": 40, "scale": 0.5, "offset": [0.5, 0.0, 1.0], "aabb_scale": 4}
    result = read_transforms(write(folder, {**keys, "frames": [frame("images/0.png")]}))
    # instant-ngp's box of sides 4 around (1/2, 1/2, 1/2), brought back by (x - offset) / scale
    np.testing.assert_allclose(result.box, [[-4, -3, -5], [4, 5, 3]])


def test_splits_of_nerfstudio(folder):
    names = [f"images/{i}.png" for i in range(4)]
    content = {
        "fl_x": 40,
        "frames": [frame(name) for name in names],
        "train_filenames": names[1:],
        "val_filenames": names[:1],
    }
    assert read_transforms(write(folder, content)).splits == {"train": [2, 3, 4], "val": [1]}
    content["val_filenames"] = ["images/9.png"]
    with pytest.raises(FormatError, match=r"expected splits of files that are frames, got images/9.png$"):
        read_transforms(write(folder, content))
    content["val_filenames"] = "images/1.png"
    with pytest.raises(FormatError, match="expected lists of names for train_filenames"):
        read_transforms(write(folder, content))


def test_missing_images(folder, caplog):
    frames = [frame("images/7"), frame("images\\1.png"), frame("images/0.jpg")]
    with caplog.at_level(logging.WARNING):
        result = read_transforms(write(folder, {"fl_x": 40, "frames": frames}))
    assert result.missing == ["images/7", "images/0.jpg"]
    assert [path.name for path in result.paths.values()] == ["1.png"]
    assert "2 photographs are missing, the first is images/7" in caplog.text
    with pytest.raises(FormatError, match=r"expected photographs, got none of 1: no images/7$"):
        read_transforms(write(folder, {"fl_x": 40, "frames": frames[:1]}))


BROKEN = [
    ("{", "expected JSON, got"),
    ("[1]", "expected an object with frames"),
    ({"fl_x": 40}, "expected an object with frames"),
    ({"fl_x": 40, "frames": []}, "expected an object with frames"),
    ({"fl_x": 40, "frames": [{"transform_matrix": matrix()}]}, r"frames\[0\]: expected a file_path, got none"),
    ({"fl_x": 40, "frames": [3]}, r"frames\[0\]: expected a file_path, got none"),
    (
        {"fl_x": 40, "frames": [{"file_path": "images/0"}]},
        r"transform_matrix: expected finite numbers of shape \(4, 4\)",
    ),
    ({"frames": [frame("images/0")]}, r"frames\[0\]: expected fl_x or camera_angle_x, got neither"),
    ({"fl_x": "40", "frames": [frame("images/0")]}, "fl_x: expected a finite number, got 40"),
    ({"fl_x": 10**400, "frames": [frame("images/0")]}, "fl_x: expected a finite number, got 1000"),
    ({"fl_x": NAN, "frames": [frame("images/0")]}, "fl_x: expected a finite number, got nan"),
    ({"fl_x": -1, "frames": [frame("images/0")]}, "expected a positive fl_x or angle below pi"),
    ({"camera_angle_x": 3.2, "frames": [frame("images/0")]}, "expected a positive fl_x or angle below pi"),
    ({"fl_x": 40, "w": 30.5, "h": 20, "frames": [frame("images/0")]}, "expected w and h in whole pixels"),
    ({"fl_x": 40, "camera_model": "FTHETA", "frames": [frame("images/0")]}, "camera_model: expected one of PINHOLE"),
    ({"fl_x": 40, "k4": 0.1, "frames": [frame("images/0")]}, "expected k4 to k6 of FULL_OPENCV or a fisheye alone"),
    (
        {"fl_x": 40, "is_fisheye": True, "p1": 0.1, "frames": [frame("images/0")]},
        "expected a fisheye without p1 and p2",
    ),
    ({"fl_x": 40, "scale": 0, "frames": [frame("images/0")]}, "expected a positive scale and aabb_scale"),
    ({"fl_x": 40, "aabb_scale": True, "frames": [frame("images/0")]}, "aabb_scale: expected a finite number, got True"),
    ({"fl_x": 40, "offset": [1, 2], "frames": [frame("images/0")]}, r"offset: expected finite numbers of shape \(3,\)"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_broken_files(folder, content, message):
    with pytest.raises(FormatError, match=message):
        read_transforms(write(folder, content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((3, [0, 0, 0, 2]), "expected 0 0 0 1 as the last row"),
        ((0, [2, 0, 0, 1]), "expected a rotation and a translation"),
        ((0, [NAN, 0, 0, 1]), "expected finite numbers of shape"),
        ((0, [1, 0, 0]), "expected finite numbers of shape"),
    ],
)
def test_broken_poses(folder, change, message):
    broken = matrix()
    broken[change[0]] = change[1]
    with pytest.raises(FormatError, match=message):
        read_transforms(write(folder, {"fl_x": 40, "frames": [{"file_path": "images/0", "transform_matrix": broken}]}))


def test_no_file(tmp_path):
    with pytest.raises(FormatError, match=r"expected transforms.json or transforms_train.json in it, got neither$"):
        read_transforms(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_transforms(tmp_path / "transforms.json")


@pytest.mark.parametrize("shared", [False, True])
def test_round_trip(folder, shared):
    cameras = {
        3: Camera("OPENCV", 30, 20, [40, 41, 14, 9, 0.1, -0.2, 0.01, 0.02]),
        5: Camera("OPENCV_FISHEYE", 30, 20, [40, 41, 14, 9, 0.1, -0.2, 0.01, 0.02]),
        6: Camera("EQUIRECTANGULAR", 30, 20, [30, 20]),
    }
    poses = [np.column_stack([Rotation.random(random_state=i).as_matrix(), [i, 2, 3]]) for i in range(3)]
    keys = [3, 3, 3] if shared else [3, 5, 6]
    images = {i + 1: Image(f"images/{i}.png", keys[i], poses[i]) for i in range(3)}
    paths = {i + 1: folder / "images" / f"{i}.png" for i in range(3)}
    written = Transforms(
        Reconstruction(cameras, images), paths, {"train": [1, 3], "test": [2]}, aabb_scale=2.0, scale=0.5
    )
    write_transforms(folder / "transforms.json", written)
    read = read_transforms(folder)
    for key, image in read.reconstruction.images.items():
        assert image.name == images[key].name
        assert read.reconstruction.cameras[image.camera_id] == cameras[images[key].camera_id]
        np.testing.assert_allclose(image.cam_from_world, poses[key - 1], rtol=0, atol=1e-14)
    assert read.splits == written.splits
    np.testing.assert_array_equal(read.box, written.box)


def test_cameras_that_cannot_be_written(folder):
    camera = Camera("FOV", 30, 20, [40, 40, 15, 10, 0.5])
    scene = Reconstruction({1: camera}, {1: Image("images/0.png", 1, np.eye(3, 4))})
    with pytest.raises(ValueError, match=r"^transforms: expected cameras of PINHOLE, .*, got FOV$"):
        write_transforms(folder / "transforms.json", Transforms(scene, {1: folder / "images" / "0.png"}))
    assert not (folder / "transforms.json").exists()
