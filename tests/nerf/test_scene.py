# SPDX-License-Identifier: Apache-2.0
"""Scenes from every source, their boxes, rays and colours."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastcv
from fastcv import io
from fastcv.nerf import Scene, estimate_box, read_scene, sample_pixels, unit_from_world


def looking_at(target, centers):
    """Poses whose z axis points at a place."""
    poses = []
    for center in centers:
        z = (target - center) / np.linalg.norm(target - center)
        x = np.cross([0.1, 1.0, 0.3], z)
        x /= np.linalg.norm(x)
        R = np.stack([x, np.cross(z, x), z])
        poses.append(np.column_stack([R, -R @ center]))
    return np.array(poses)


def directions(count):
    values = np.random.default_rng(0).normal(size=(count, 3))
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_lego(data_dir):
    scene = read_scene(data_dir / "nerf" / "lego_100.npz")
    assert scene.images.shape == (125, 100, 100, 4)
    assert [len(scene.splits[name]) for name in ("train", "test")] == [100, 25]
    box = estimate_box(scene.cam_from_world)
    # Cameras are on a hemisphere of radius 4.03 around the origin.
    np.testing.assert_allclose(box, [[-2.0156] * 3, [2.0156] * 3], rtol=0, atol=1e-3)
    images, pixels = np.array([3, 3]), np.array([[0.5, 0.5], [50.5, 60.5]], np.float32)
    colors = scene.colors(images, pixels)
    np.testing.assert_array_equal(colors[0], 1)  # the corner is empty, and white shines through
    r, g, b, a = scene.images[3, 60, 50] / 255
    np.testing.assert_allclose(colors[1], np.array([r, g, b]) * a + 1 - a, rtol=0, atol=1e-6)


def test_fox(data_dir):
    scene = read_scene(data_dir / "nerf" / "fox")
    np.testing.assert_array_equal(scene.splits["test"], np.arange(0, 50, 8))
    assert len(scene.splits["train"]) == 43
    batch = sample_pixels(64, (50, 480, 270), seed=1)
    origins, rays = scene.rays(*batch)
    np.testing.assert_allclose(origins, fastcv.scene.projection_centers(scene.cam_from_world)[batch.images], atol=1e-6)
    assert np.isfinite(rays).all()
    assert "images" not in scene.__dict__  # nothing has been read yet
    assert scene.image(7).shape == (480, 270, 3)
    assert scene.images.shape == (50, 480, 270, 3)
    columns, rows = batch.pixels.astype(int).T
    expected = scene.images[batch.images, rows, columns] / 255
    np.testing.assert_allclose(scene.colors(*batch), expected, rtol=0, atol=1e-7)


def test_blender_with_alpha(tmp_path):
    for split, count in (("train", 3), ("test", 2)):
        frames = []
        for i in range(count):
            image = np.full((4, 6, 4), 10 * i, np.uint8)
            io.write_image(tmp_path / f"{split}_{i}.png", image)
            frames.append({"file_path": f"./{split}_{i}", "transform_matrix": np.eye(4).tolist()})
        content = {"camera_angle_x": 0.7, "w": 6, "h": 4, "frames": frames}
        (tmp_path / f"transforms_{split}.json").write_text(json.dumps(content))
    scene = read_scene(tmp_path, background=(0, 0.5, 1))
    assert {name: numbers.tolist() for name, numbers in scene.splits.items()} == {"train": [0, 1, 2], "test": [3, 4]}
    assert scene.images.shape == (5, 4, 6, 4)
    np.testing.assert_array_equal(scene.images[2], 20)
    io.write_image(tmp_path / "test_1.png", np.zeros((4, 6, 3), np.uint8))  # one without alpha among others
    assert read_scene(tmp_path).images.shape == (5, 4, 6, 3)
    io.write_image(tmp_path / "test_1.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(
        ValueError, match=r"test_1.png: expected shape \(4, 6, '3 or 4'\) and dtype uint8, got \(4, 5, 3\)$"
    ):
        _ = read_scene(tmp_path / "transforms_test.json").images


@pytest.fixture
def colmap(tmp_path):
    rng = np.random.default_rng(1)
    poses = looking_at(np.zeros(3), 4 * directions(9))
    cameras = {
        1: fastcv.Camera("PINHOLE", 12, 8, [10, 10, 6, 4]),
        2: fastcv.Camera("SIMPLE_RADIAL", 12, 8, [10, 6, 4, 0.1]),
    }
    images = {i + 1: fastcv.Image(f"{i}.png", 1 + i % 2, pose) for i, pose in enumerate(poses)}
    xyz = rng.uniform(-1, 1, (1000, 3)) * [1, 2, 3]
    xyz[0] = 500  # an outlier
    points = fastcv.Points3D(np.arange(1, 1001), xyz, np.zeros((1000, 3), np.uint8), np.zeros(1000))
    io.write_colmap(fastcv.Reconstruction(cameras, images, points), tmp_path / "sparse" / "0")
    (tmp_path / "images").mkdir()
    for i in range(9):
        io.write_image(tmp_path / "images" / f"{i}.png", np.full((8, 12, 3), i, np.uint8))
    return tmp_path


def test_colmap(colmap):
    for path in (colmap, colmap / "sparse" / "0"):
        scene = read_scene(path)
        assert [camera.model for camera in scene.cameras[:3]] == ["PINHOLE", "SIMPLE_RADIAL", "PINHOLE"]
        np.testing.assert_array_equal(scene.images[:, 0, 0, 0], np.arange(9))
        # 98 of 100 points lie within 0.98 of the half sides, and a twentieth of the longest side goes around.
        np.testing.assert_allclose(scene.box[1], np.array([1, 2, 3]) * 0.98 + 0.1 * 2.94, rtol=0, atol=0.06)
        assert scene.splits["test"].tolist() == [0, 8]
    box = [[-1, -1, -1], [1, 1, 1]]
    np.testing.assert_array_equal(read_scene(colmap, box=box).box, box)
    (colmap / "images" / "3.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"3.png: expected a photograph of the model, got no file$"):
        read_scene(colmap)
    with pytest.raises(FileNotFoundError, match=r"0.png: expected a photograph of the model, got no file$"):
        read_scene(colmap, photos=colmap / "elsewhere")


def test_boxes():
    target = np.array([1.0, -2.0, 3.0])
    box = estimate_box(looking_at(target, target + 6 * directions(20)))
    np.testing.assert_allclose(box, [target - 3, target + 3], rtol=0, atol=1e-12)
    parallel = np.tile(np.eye(3, 4), (5, 1, 1))
    parallel[:, 0, 3] = np.arange(5)
    with pytest.raises(
        ValueError, match=r"^cam_from_world: expected cameras that look at a common place, got parallel axes"
    ):
        estimate_box(parallel)
    away = looking_at(target, target + 6 * directions(20)) * np.array([1, -1, -1])[:, None]  # turned by half a turn
    with pytest.raises(ValueError, match=r"^cam_from_world: expected cameras that look at a common place, got others"):
        estimate_box(away)


def test_unit_cube():
    box = np.array([[-3.0, 1, 2], [5, 2, 4]])
    similarity = unit_from_world(box)
    corners = box @ similarity[:, :3].T + similarity[:, 3]
    np.testing.assert_allclose(corners[:, 0], [0, 1])
    np.testing.assert_allclose(corners.mean(0), 0.5)
    np.testing.assert_allclose(np.diff(corners, axis=0)[0], [1, 1 / 8, 2 / 8])


def test_guards():
    images, poses, box = (
        np.zeros((2, 4, 6, 3), np.uint8),
        np.tile(np.eye(3, 4), (2, 1, 1)),
        np.array([[0.0] * 3, [1] * 3]),
    )
    camera, other = (fastcv.Camera("PINHOLE", width, 4, [5, 5, 3, 2]) for width in (6, 7))
    good = {
        "source": images,
        "cameras": (camera,),
        "cam_from_world": poses,
        "box": box,
        "splits": {"train": np.arange(2)},
    }
    assert Scene(**good).images is images
    for changes, message in (
        ({"source": images[:0]}, r"^source: expected images, got none$"),
        ({"cameras": (camera,) * 3}, r"^cameras: expected one, or one for each of 2 images, got 3$"),
        ({"cameras": (camera, other)}, r"^cameras: expected images of one size, got \(6, 4\) and \(7, 4\)$"),
        ({"cameras": (other,)}, r"^source: expected shape \(4, 7, '3 or 4'\) and dtype uint8, got \(4, 6, 3\)$"),
        ({"source": images.astype(float)}, r"^source: expected shape \(4, 6, '3 or 4'\) and dtype uint8"),
        ({"cam_from_world": poses[:1]}, r"^cam_from_world: expected shape \(2, 3, 4\), got \(1, 3, 4\)$"),
        ({"box": box[::-1]}, r"^box: expected a lowest corner below the highest one"),
        ({"splits": {"test": np.array([2])}}, r"^splits: expected test to be of 2 images, got 2$"),
    ):
        with pytest.raises(ValueError, match=message):
            Scene(**{**good, **changes})
