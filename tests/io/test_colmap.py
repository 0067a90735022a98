# SPDX-License-Identifier: Apache-2.0
"""COLMAP models against pycolmap, in both directions, text and binary; and what must be refused."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import Camera, FormatError, Image, Points3D, Reconstruction
from fastcv.io import read_colmap, write_colmap
from fastcv.scene import CAMERA_MODELS

LAYOUTS = pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
COLMAP_MODELS = sorted(set(CAMERA_MODELS) - {"BAL"})


def small_scene() -> Reconstruction:
    """Two images with one camera; keypoints 0 and 2 of the first and 1 of the second see points 7 and 9."""
    camera = Camera("PINHOLE", 640, 480, np.array([500.0, 501.0, 320.5, 240.25]))
    turn = np.array([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3]])
    images = {
        1: Image("a.jpg", 3, np.eye(3, 4), np.array([[1.5, 2], [3, 4], [5, 6]]), np.array([7, -1, 9])),
        4: Image("sub/b.jpg", 3, turn, np.array([[1, 2], [3.25, 4]]), np.array([-1, 7])),
    }
    xyz, rgb = np.arange(9.0).reshape(3, 3) / 7, np.arange(9, dtype=np.uint8).reshape(3, 3)
    points = Points3D(np.array([7, 9, 12]), xyz, rgb, np.array([0.5, -1, 2]))
    return Reconstruction({3: camera}, images, points)


def write_with_pycolmap(model: pycolmap.Reconstruction, folder: Path, binary: bool) -> None:
    folder.mkdir(exist_ok=True)
    (model.write_binary if binary else model.write_text)(folder)


def assert_same(ours: Reconstruction, theirs: pycolmap.Reconstruction) -> None:
    """All that both hold. Only rotations may differ, by the rounding of a quaternion."""
    assert sorted(ours.cameras) == sorted(theirs.cameras)
    for key, camera in ours.cameras.items():
        other = theirs.cameras[key]
        assert (camera.model, camera.width, camera.height) == (other.model.name, other.width, other.height)
        np.testing.assert_array_equal(camera.params, other.params)
    assert sorted(ours.images) == sorted(theirs.images)
    for key, image in ours.images.items():
        other = theirs.images[key]
        assert (image.name, image.camera_id) == (other.name, other.camera_id)
        np.testing.assert_allclose(image.cam_from_world, other.cam_from_world().matrix(), rtol=0, atol=1e-14)
        np.testing.assert_array_equal(image.points2D, np.array([p.xy for p in other.points2D]).reshape(-1, 2))
        ids = [p.point3D_id if p.has_point3D() else -1 for p in other.points2D]
        np.testing.assert_array_equal(image.point3D_ids, ids)
    assert ours.points3D.ids.tolist() == sorted(theirs.points3D)
    for row, key in enumerate(ours.points3D.ids.tolist()):
        other = theirs.points3D[key]
        np.testing.assert_array_equal(ours.points3D.xyz[row], other.xyz)
        np.testing.assert_array_equal(ours.points3D.rgb[row], other.color)
        assert ours.points3D.error[row] == other.error
    image_ids, keypoints, rows = ours.observations()
    tracks = {(key, e.image_id, e.point2D_idx) for key, p in theirs.points3D.items() for e in p.track.elements}
    assert set(zip(ours.points3D.ids[rows].tolist(), image_ids.tolist(), keypoints.tolist(), strict=True)) == tracks


@LAYOUTS
def test_reads_what_pycolmap_wrote(
    rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path, binary: bool
) -> None:
    """Rigs of two cameras: the second one's pose is a composition."""
    write_with_pycolmap(rig_model[0], tmp_path, binary)
    assert_same(read_colmap(tmp_path), rig_model[0])


@LAYOUTS
def test_reads_the_classic_three_files(
    rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path, binary: bool
) -> None:
    write_with_pycolmap(rig_model[0], tmp_path, binary)
    for name in ("rigs", "frames"):
        (tmp_path / f"{name}{'.bin' if binary else '.txt'}").unlink()
    assert_same(read_colmap(tmp_path), rig_model[0])


@LAYOUTS
@pytest.mark.parametrize("classic", [False, True])
def test_pycolmap_reads_what_we_wrote(tmp_path: Path, binary: bool, classic: bool) -> None:
    scene = small_scene()
    write_colmap(scene, tmp_path, binary=binary)
    if classic:
        for name in ("rigs", "frames"):
            (tmp_path / f"{name}{'.bin' if binary else '.txt'}").unlink()
    assert_same(scene, pycolmap.Reconstruction(tmp_path))
    assert_same(read_colmap(tmp_path), pycolmap.Reconstruction(tmp_path))


@LAYOUTS
@pytest.mark.parametrize("model", COLMAP_MODELS)
def test_camera_models(tmp_path: Path, binary: bool, model: str) -> None:
    number, names = CAMERA_MODELS[model]
    params = np.random.default_rng(number).uniform(0.1, 500, len(names))
    theirs = pycolmap.Reconstruction()
    theirs.add_camera(pycolmap.Camera(camera_id=5, model=model, width=640, height=480, params=params))
    assert theirs.cameras[5].params_info.replace(" ", "").split(",") == list(names)
    write_with_pycolmap(theirs, tmp_path / "theirs", binary)
    assert read_colmap(tmp_path / "theirs").cameras == {5: Camera(model, 640, 480, params)}
    write_colmap(Reconstruction({5: Camera(model, 640, 480, params)}), tmp_path / "ours", binary=binary)
    back = pycolmap.Reconstruction(tmp_path / "ours").cameras[5]
    assert (back.model.name, back.width, back.height) == (model, 640, 480)
    np.testing.assert_array_equal(back.params, params)


@LAYOUTS
def test_a_model_that_colmap_may_add_is_refused(tmp_path: Path, binary: bool) -> None:
    theirs = pycolmap.Reconstruction()
    theirs.add_camera(pycolmap.Camera.create_from_model_name(5, "PINHOLE", 100.0, 640, 480))
    write_with_pycolmap(theirs, tmp_path, binary)
    path = tmp_path / ("cameras.bin" if binary else "cameras.txt")
    content = path.read_bytes()  # number of cameras, then of each its id and its model's number
    later = content[:12] + struct.pack("<i", 18) + content[16:] if binary else content.replace(b"PINHOLE", b"PEEPHOLE")
    path.write_bytes(later)
    with pytest.raises(FormatError, match="camera 5: expected a camera model of") as caught:
        read_colmap(tmp_path)
    assert (caught.value.offset, caught.value.line) == ((8, None) if binary else (None, 4))


@LAYOUTS
def test_empty_model(tmp_path: Path, binary: bool) -> None:
    write_colmap(Reconstruction(), tmp_path / "new" / "model", binary=binary)
    result = read_colmap(tmp_path / "new" / "model")
    assert (result.cameras, result.images, len(result.points3D)) == ({}, {}, 0)
    assert pycolmap.Reconstruction(tmp_path / "new" / "model").num_images() == 0


@LAYOUTS
def test_arrays_of_other_layout(tmp_path: Path, binary: bool) -> None:
    """Strided, read-only, big-endian arrays are written like any others."""
    scene, plain = small_scene(), small_scene()
    for image in scene.images.values():
        image.points2D = np.repeat(image.points2D, 2, axis=1)[:, ::2].astype(">f8")
        image.point3D_ids.flags.writeable = False
    scene.points3D.xyz = np.asfortranarray(scene.points3D.xyz)
    write_colmap(scene, tmp_path / "a", binary=binary)
    write_colmap(plain, tmp_path / "b", binary=binary)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_binary_wins_over_text(tmp_path: Path) -> None:
    write_colmap(small_scene(), tmp_path, binary=False)
    write_colmap(Reconstruction(), tmp_path, binary=True)
    assert read_colmap(tmp_path).images == {}
    assert pycolmap.Reconstruction(tmp_path).num_images() == 0


def test_frames_decide_the_poses(rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path) -> None:
    """As in COLMAP: poses of images.txt are not looked at where there are frames."""
    write_with_pycolmap(rig_model[0], tmp_path, binary=False)
    lines = (tmp_path / "images.txt").read_text().splitlines()
    headers = [i for i, line in enumerate(lines) if line.endswith(".png")]
    for i in headers:
        words = lines[i].split()
        lines[i] = " ".join([words[0], "1 0 0 0 5 5 5", *words[8:]])
    (tmp_path / "images.txt").write_text("\n".join(lines) + "\n")
    assert len(headers) == 8
    assert_same(read_colmap(tmp_path), pycolmap.Reconstruction(tmp_path))
    assert_same(read_colmap(tmp_path), rig_model[0])


def test_real_size(tmp_path: Path) -> None:
    """50 000 points with tracks of 0 to 5 observations, long enough for offsets beyond 16 bits."""
    rng = np.random.default_rng(0)
    count = 50_000
    half = count // 2
    images = {
        key: Image(f"{key}.jpg", 1, np.eye(3, 4), rng.uniform(0, 480, (half, 2)), rng.permutation(count)[:half])
        for key in range(1, 6)
    }
    xyz, rgb = rng.normal(size=(count, 3)), rng.integers(0, 256, (count, 3), dtype=np.uint8)
    points = Points3D(np.arange(count), xyz, rgb, rng.uniform(size=count))
    camera = Camera("SIMPLE_PINHOLE", 640, 480, np.array([500.0, 320, 240]))
    write_colmap(Reconstruction({1: camera}, images, points), tmp_path)
    result, theirs = read_colmap(tmp_path), pycolmap.Reconstruction(tmp_path)
    for key, image in images.items():
        np.testing.assert_array_equal(result.images[key].points2D, image.points2D)
        np.testing.assert_array_equal(result.images[key].point3D_ids, image.point3D_ids)
    for name in ("ids", "xyz", "rgb", "error"):
        np.testing.assert_array_equal(getattr(result.points3D, name), getattr(points, name))
    assert theirs.compute_num_observations() == 5 * half
    lengths = np.bincount(result.observations()[2], minlength=count)
    assert [theirs.points3D[key].track.length() for key in range(count)] == lengths.tolist()


@pytest.mark.parametrize(
    "name", ["with space.jpg", "ünï.jpg", "#1.jpg", "line\nbreak.jpg", "", b"\xff.jpg".decode(errors="surrogateescape")]
)
def test_names(tmp_path: Path, name: str) -> None:
    """Binary takes every name but NUL; text only what COLMAP's reader gets back."""
    scene = small_scene()
    scene.images[1].name = name
    write_colmap(scene, tmp_path / "binary")
    assert read_colmap(tmp_path / "binary").images[1].name == name
    if name in ("ünï.jpg", "\udcff.jpg"):
        write_colmap(scene, tmp_path / "text", binary=False)
        assert read_colmap(tmp_path / "text").images[1].name == name
    else:
        with pytest.raises(ValueError, match=r"images\[1\].name: expected a name without white space"):
            write_colmap(scene, tmp_path / "text", binary=False)


def spoil(change: Callable[[Reconstruction], object]) -> Reconstruction:
    scene = small_scene()
    change(scene)
    return scene


@LAYOUTS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.cameras.update({2: Camera("BAL", 9, 9, np.ones(3))}), r"cameras\[2\].model: expected a model"),
        (lambda s: s.cameras.update({-1: s.cameras[3]}), r"cameras: expected ids in \[0, 4294967294\], got -1 to 3"),
        (lambda s: s.images.update({2**32 - 1: s.images[1]}), "images: expected ids in .* got 1 to 4294967295"),
        (lambda s: setattr(s.images[1], "camera_id", 8), r"images\[1\].camera_id: expected a key of cameras, got 8"),
        (lambda s: setattr(s.images[1], "name", "a\0"), r"images\[1\].name: expected no NUL"),
        (lambda s: setattr(s.images[1], "cam_from_world", np.ones((3, 4))), "cam_from_world: rotation 0: exp"),
        (lambda s: s.images[4].points2D.fill(np.nan), r"images\[4\]: expected finite"),
        (lambda s: s.images[4].point3D_ids.fill(8), "images: point3D_ids: no 3D point has id 8"),
        (lambda s: s.points3D.xyz.fill(np.inf), "points3D: expected finite"),
        (lambda s: s.points3D.ids.__setitem__(0, -5), "points3D.ids: expected 0 or more, got -5"),
    ],
)  # fmt: skip
def test_what_colmap_cannot_hold(tmp_path: Path, binary: bool, change: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_colmap(spoil(change), tmp_path / "model", binary=binary)
    assert not (tmp_path / "model").exists()


@LAYOUTS
def test_full_disk_leaves_the_old_model(tmp_path: Path, binary: bool, full_disk) -> None:
    write_colmap(small_scene(), tmp_path, binary=binary)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = small_scene()
    other.images[1].name = "n" * 5000 + ".jpg"
    with pytest.raises(OSError, match="File too large"), full_disk(4000):
        write_colmap(other, tmp_path, binary=binary)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@LAYOUTS
def test_rigs_without_frames(tmp_path: Path, binary: bool) -> None:
    write_colmap(small_scene(), tmp_path, binary=binary)
    suffix = ".bin" if binary else ".txt"
    (tmp_path / f"frames{suffix}").unlink()
    with pytest.raises(FormatError, match=f"rigs{suffix}: expected a rigs and a frames file, or neither"):
        read_colmap(tmp_path)


def test_folder_without_model(tmp_path: Path) -> None:
    write_colmap(small_scene(), tmp_path, binary=False)
    shutil.move(tmp_path / "images.txt", tmp_path / "images.bin")
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FileNotFoundError, match="expected cameras, images and points3D"):
            read_colmap(folder)
