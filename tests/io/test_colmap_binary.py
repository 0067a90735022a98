# SPDX-License-Identifier: Apache-2.0
"""COLMAP's binary files: cut anywhere or with hostile numbers they end in FormatError with the byte offset."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import FormatError
from fastcv.io import read_colmap

FILES = ("cameras", "rigs", "frames", "images", "points3D")
HUGE = (2**60, 2**63, 2**64 - 1)


@pytest.fixture
def model(rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path) -> Path:
    rig_model[0].write_binary(tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", FILES)
def test_every_truncation_and_random_damage(model: Path, survives_damage: Callable[..., None], file: str) -> None:
    path = model / f"{file}.bin"
    step = 1 + path.stat().st_size // 400  # section boundaries of images and points: see below
    survives_damage(path, lambda: read_colmap(model), flips=300, lengths=range(0, path.stat().st_size, step))


def boundaries(model: Path) -> list[int]:
    """Offsets in images.bin where a field begins, by the layout that COLMAP documents."""
    data = (model / "images.bin").read_bytes()
    offset, found = 8, [0]
    for _ in range(struct.unpack_from("<Q", data)[0]):
        found += [offset, offset + 4, offset + 36, offset + 60, offset + 64]
        offset = data.index(b"\0", offset + 64) + 1
        (count,) = struct.unpack_from("<Q", data, offset)
        found += [offset - 1, offset, offset + 8, offset + 16, offset + 24]
        offset += 8 + 24 * count
    assert offset == len(data)
    return found


def test_truncation_at_the_boundaries_of_images(model: Path) -> None:
    path = model / "images.bin"
    data = path.read_bytes()
    for length in boundaries(model):
        path.write_bytes(data[:length])
        with pytest.raises(FormatError) as caught:
            read_colmap(model)
        assert caught.value.offset is not None
        assert caught.value.offset <= length


def points_offsets(data: bytes) -> list[int]:
    offset, found = 8, []
    for _ in range(struct.unpack_from("<Q", data)[0]):
        found.append(offset)
        offset += 51 + 8 * struct.unpack_from("<Q", data, offset + 43)[0]
    assert offset == len(data)
    return found


def test_truncation_at_the_boundaries_of_points(model: Path) -> None:
    path = model / "points3D.bin"
    data = path.read_bytes()
    for start in points_offsets(data):
        for field in (0, 8, 32, 35, 43, 51, 59):
            path.write_bytes(data[: start + field])
            with pytest.raises(FormatError):
                read_colmap(model)


@pytest.mark.parametrize("count", HUGE)
@pytest.mark.parametrize("file", FILES)
def test_huge_counts(model: Path, file: str, count: int) -> None:
    path = model / f"{file}.bin"
    path.write_bytes(struct.pack("<Q", count) + path.read_bytes()[8:])
    with pytest.raises(FormatError, match=f"expected room for {count}") as caught:
        read_colmap(model)
    assert caught.value.offset == 0


@pytest.mark.parametrize("count", HUGE)
def test_huge_counts_inside(model: Path, count: int) -> None:
    points, images = model / "points3D.bin", model / "images.bin"
    points_data, images_data = points.read_bytes(), images.read_bytes()
    second = points_offsets(points_data)[1]
    points.write_bytes(points_data[: second + 43] + struct.pack("<Q", count) + points_data[second + 51 :])
    with pytest.raises(FormatError, match="expected room for a track") as caught:
        read_colmap(model)
    assert caught.value.offset == second + 43
    points.write_bytes(points_data)
    keypoints = images_data.index(b"\0", 72) + 1
    images.write_bytes(images_data[:keypoints] + struct.pack("<Q", count) + images_data[keypoints + 8 :])
    with pytest.raises(FormatError, match=f"expected room for {count} keypoints") as caught:
        read_colmap(model)
    assert caught.value.offset == keypoints


@pytest.mark.parametrize("file", FILES)
def test_bytes_behind_the_end(model: Path, file: str) -> None:
    path = model / f"{file}.bin"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FormatError, match="expected the end of the file, got 1 more") as caught:
        read_colmap(model)
    assert caught.value.offset == size


def test_name_without_end(model: Path) -> None:
    path = model / "images.bin"
    path.write_bytes(path.read_bytes()[:72] + b"x" * 1000)
    with pytest.raises(FormatError, match="expected an image name that ends with"):
        read_colmap(model)


@pytest.mark.parametrize(
    ("file", "offset", "value", "message"),
    [
        ("cameras", 12, struct.pack("<i", -1), "camera 1: expected a camera model of .* got number -1"),
        ("cameras", 16, struct.pack("<Q", 0), "camera 1: width, height: expected positive"),
        ("cameras", 32, struct.pack("<d", np.nan), "camera 1: params: expected finite"),
        ("cameras", 8, struct.pack("<I", 2), "camera 2: expected unique ids"),
        ("rigs", 8, struct.pack("<I", 2), "rig 2: expected unique ids"),
        ("rigs", 12, struct.pack("<I", 2**32 - 1), "expected room for 4294967295 sensors"),
        ("frames", 16, struct.pack("<d", 2.0), "expected a unit quaternion"),
        ("frames", 72, struct.pack("<I", 2**32 - 1), "expected room for 4294967295 data"),
        ("frames", 12, struct.pack("<I", 77), "expected a rig 77 that knows the pose of camera 1, got none"),
        ("images", 12, struct.pack("<d", np.inf), "expected a unit quaternion"),
        ("images", 8, struct.pack("<I", 2), "image 2: expected (unique ids|a frame that has it for camera 1)"),
        ("images", 68, struct.pack("<I", 99), "image 1: expected a frame that has it for camera 99, got camera 1"),
        ("points3D", 8, struct.pack("<Q", 2), "3D point 2: expected unique ids"),
        ("points3D", 8, struct.pack("<Q", 2**63), "expected an id in"),
        ("points3D", 8, struct.pack("<Q", 10**6), "3D point 1000000, image .*: expected a keypoint that refers back"),
        ("points3D", 16, struct.pack("<d", -np.inf), "3D point 1: expected finite"),
        ("points3D", 59, struct.pack("<I", 10**6), "3D point 1, image 1000000, keypoint"),
        ("points3D", 63, struct.pack("<I", 10**6), "keypoint 1000000: expected a keypoint that refers back"),
    ],
)  # fmt: skip
def test_hostile_numbers(model: Path, file: str, offset: int, value: bytes, message: str) -> None:
    path = model / f"{file}.bin"
    data = path.read_bytes()
    path.write_bytes(data[:offset] + value + data[offset + len(value) :])
    with pytest.raises(FormatError, match=message) as caught:
        read_colmap(model)
    assert caught.value.offset is not None
    assert 0 <= caught.value.offset < len(data)


def test_point3D_id_of_a_keypoint_beyond_int64(model: Path) -> None:
    path = model / "images.bin"
    data = path.read_bytes()
    point_id = data.index(b"\0", 72) + 1 + 8 + 16
    path.write_bytes(data[:point_id] + struct.pack("<Q", 2**63) + data[point_id + 8 :])
    with pytest.raises(FormatError, match="image 1: expected 3D point ids in"):
        read_colmap(model)
