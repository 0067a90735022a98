# SPDX-License-Identifier: Apache-2.0
"""PLY: hand-made bytes, pycolmap's files, round trips, streaming, and damage."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import FormatError
from fastcv.io import PlyWriter, read_ply, write_ply

MESH = """ply
format ascii 1.0
comment a square of two triangles
element vertex 4
property float x
property float y
property float z
property uchar quality
element face 2
property list uchar int vertex_indices
element edge 1
property int from
property int to
end_header
0 0 0 1
1 0 0 2
1 1 0 3
0 1 0.5 255
3 0 1 2
3 0 2 3
0 1
"""


def cloud(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    xyz, normals = rng.normal(size=(2, count, 3)).astype(np.float32)
    return xyz, rng.integers(0, 256, (count, 3), dtype=np.uint8), normals


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("with_rgb", "with_normals"), [(False, False), (True, False), (False, True), (True, True)])
def test_round_trip(tmp_path: Path, count: int, dtype: type, with_rgb: bool, with_normals: bool) -> None:
    xyz, rgb, normals = cloud(count)
    xyz = xyz.astype(dtype) / 3
    write_ply(tmp_path / "a.ply", xyz, rgb=rgb if with_rgb else None, normals=normals if with_normals else None)
    result = read_ply(tmp_path / "a.ply")
    expected = {"xyz": xyz} | ({"rgb": rgb} if with_rgb else {}) | ({"normals": normals} if with_normals else {})
    assert set(result) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(result[name], array)
        assert result[name].dtype == array.dtype


def test_bytes(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", np.array([[1, 2, 3]], np.float32), rgb=np.array([[4, 5, 6]], np.uint8))
    header, _, body = (tmp_path / "a.ply").read_bytes().partition(b"end_header\n")
    lines = header.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    assert [line for line in lines[2:] if not line.startswith("comment")] == [
        "element vertex 1",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
    ]
    assert body == struct.pack("<3f3B", 1, 2, 3, 4, 5, 6)


def test_reads_what_pycolmap_wrote(rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path) -> None:
    rig_model[0].export_PLY(tmp_path / "a.ply")
    result = read_ply(tmp_path / "a.ply")
    points = {tuple(p.xyz.astype(np.float32).tolist()): tuple(p.color.tolist()) for p in rig_model[0].points3D.values()}
    found = zip(map(tuple, result["xyz"].astype(np.float32).tolist()), map(tuple, result["rgb"].tolist()), strict=True)
    assert dict(found) == points
    assert len(points) == 12


def test_ascii_mesh_with_other_elements(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_text(MESH)
    result = read_ply(tmp_path / "a.ply")
    np.testing.assert_array_equal(result["xyz"], [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.5]])
    np.testing.assert_array_equal(result["quality"], np.array([1, 2, 3, 255], np.uint8))
    np.testing.assert_array_equal(result["faces"], [[0, 1, 2], [0, 2, 3]])
    assert {name: array.dtype.name for name, array in result.items()} == {
        "xyz": "float32", "quality": "uint8", "faces": "int64",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "order"), [("binary_little_endian", "<"), ("binary_big_endian", ">")])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_binary_mesh_of_either_byte_order(tmp_path: Path, name: str, order: str, line_end: str) -> None:
    header = MESH[: MESH.index("end_header\n") + 11].replace("ascii", name).replace("\n", line_end)
    vertices = [(0, 0, 0, 1), (1, 0, 0, 2), (1, 1, 0, 3), (0, 1, 0.5, 255)]
    body = b"".join(struct.pack(f"{order}3fB", *vertex) for vertex in vertices)
    body += b"".join(struct.pack(f"{order}B3i", 3, *face) for face in [(0, 1, 2), (0, 2, 3)])
    (tmp_path / "a.ply").write_bytes(header.encode() + body + struct.pack(f"{order}2i", 0, 1))
    (tmp_path / "b.ply").write_text(MESH)
    result, expected = read_ply(tmp_path / "a.ply"), read_ply(tmp_path / "b.ply")
    assert set(result) == set(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(result[key], array)
        assert result[key].dtype.isnative


def test_streaming_gives_the_same_file(tmp_path: Path) -> None:
    xyz, rgb, normals = cloud(1000)
    write_ply(tmp_path / "whole.ply", xyz, rgb=rgb, normals=normals)
    with PlyWriter(tmp_path / "blocks.ply", rgb=True, normals=True) as writer:
        for start, stop in ((0, 0), (0, 1), (1, 999), (999, 1000)):
            writer.append(xyz[start:stop], rgb=rgb[start:stop], normals=normals[start:stop])
        assert not (tmp_path / "blocks.ply").exists()
        assert writer.count == 1000
    assert (tmp_path / "blocks.ply").read_bytes() == (tmp_path / "whole.ply").read_bytes()


def test_streaming_leaves_nothing_after_an_error(tmp_path: Path, full_disk) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with PlyWriter(path) as writer:
            writer.append(np.zeros((10, 3), np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    for count in (200, 100_000):  # in the final flush, in append
        with pytest.raises(OSError, match="File too large"), full_disk(1000), PlyWriter(path) as writer:
            writer.append(np.zeros((count, 3), np.float32))
    assert os.listdir(tmp_path) == ["a.ply"]
    assert path.read_bytes() == b"old"


def test_append_outside_the_block(tmp_path: Path) -> None:
    writer = PlyWriter(tmp_path / "a.ply")
    with pytest.raises(ValueError, match="inside its with block"):
        writer.append(np.zeros((1, 3), np.float32))
    with writer:
        pass
    with pytest.raises(ValueError, match="inside its with block"):
        writer.append(np.zeros((1, 3), np.float32))
    assert read_ply(tmp_path / "a.ply")["xyz"].shape == (0, 3)


def test_strided_and_read_only(tmp_path: Path) -> None:
    xyz = np.arange(24.0).reshape(4, 6)[::2, ::-2]
    xyz.flags.writeable = False
    write_ply(tmp_path / "a.ply", xyz)
    np.testing.assert_array_equal(read_ply(tmp_path / "a.ply")["xyz"], [[5, 3, 1], [17, 15, 13]])


def test_what_cannot_be_written(tmp_path: Path) -> None:
    xyz, rgb, _ = cloud(4)
    path = tmp_path / "a.ply"
    with pytest.raises(TypeError, match="xyz: expected dtype float32 or float64, got int64"):
        write_ply(path, np.zeros((2, 3), np.int64))
    with pytest.raises(TypeError, match="rgb: expected dtype uint8, got float32"):
        write_ply(path, xyz, rgb=xyz)
    with pytest.raises(TypeError, match="normals: expected dtype floating, got uint8"):
        write_ply(path, xyz, normals=rgb)
    with pytest.raises(ValueError, match=r"xyz: expected shape \(4, 3\), got \(4, 2\)"):
        write_ply(path, xyz[:, :2])
    with pytest.raises(ValueError, match=r"rgb: expected shape \(4, 3\), got \(3, 3\)"):
        write_ply(path, xyz, rgb=rgb[:3])
    with pytest.raises(TypeError, match="dtype: expected float32 or float64, got int32"):
        PlyWriter(path, dtype=np.int32)
    with pytest.raises(ValueError, match="rgb: expected an array"), PlyWriter(path, rgb=True) as writer:
        writer.append(xyz)
    with pytest.raises(ValueError, match="rgb: expected None"), PlyWriter(path) as writer:
        writer.append(xyz, rgb=rgb)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ply\n", "plx\n", "at byte 0: expected 'ply'"),
        ("ascii 1.0", "ascii 2.0", "at byte 4: expected 'format ascii or"),
        ("ascii", "utf8", "at byte 4: expected 'format ascii or"),
        ("vertex 4", "vertex -4", "expected element, property, comment or end_header, got 'element vertex -4'"),
        ("vertex 4", "vertex 4 4", "expected element, property, comment or end_header"),
        ("vertex 4", "vertex " + "9" * 30, r"element vertex: expected a count below 10\^18"),
        (
            "vertex 4",
            "vertex 99999999999999999",
            "expected 400000000000000006 numbers, got 63 char.* cannot fit|expected",
        ),
        ("vertex 4", "point 4", "expected an element vertex, got none"),
        ("element edge", "element face", "element face: expected each element once"),
        ("float y", "float x", "element vertex: expected each property once, got 'x' twice"),
        ("float y", "real y", "expected a property 'type name' or 'list type type name', got 'property real y'"),
        ("uchar int vertex", "float int vertex", "element face: expected no list but"),
        ("vertex_indices", "texcoord", "element face: expected no list but .* got 'texcoord'"),
        ("property list uchar int vertex_indices", "property int i", "expected 20 numbers, got 26"),
        ("end_header\n", "", "expected element, property, comment or end_header, got '0 0 0 1'"),
        ("comment a", "comment " + "x" * 70000 + " a", "expected a header line that ends with"),
        ("3 0 1 2", "4 0 1 2", "element face: expected triangles, got a face of 4 vertices"),
        ("3 0 1 2", "3 0 1 4", "element face: expected vertices below 4, got 0 to 4"),
        ("3 0 1 2", "3 0 1 -1", "element face: expected vertices below 4, got -1 to 3"),
        ("3 0 1 2", "3 0 1 1e10", "element face, vertex_indices: expected int32 values"),
        ("1 0 0 2", "1 0 0 256", "element vertex, quality: expected uint8 values"),
        ("1 0 0 2", "1 0 0 nan", "element vertex, quality: expected uint8 values"),
        ("1 0 0 2", "1 0 0", "expected 26 numbers, got 25"),
        ("1 0 0 2", "1 0 zero 2", "line 16: expected a number, got 'zero'"),
        ("3 0 2 3\n0 1\n", "3 0 2 3\n0 1\n7\n", "expected 26 numbers, got 27"),
    ],
)
def test_damage_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MESH
    (tmp_path / "a.ply").write_text(MESH.replace(old, new, 1))
    with pytest.raises(FormatError, match=message):
        read_ply(tmp_path / "a.ply")


def test_element_without_properties(tmp_path: Path) -> None:
    """It takes no bytes, so its count says nothing about the file."""
    (tmp_path / "a.ply").write_text("ply\nformat ascii 1.0\nelement vertex 99999999999\nend_header\n")
    with pytest.raises(FormatError, match="expected an element vertex, got none"):
        read_ply(tmp_path / "a.ply")


@pytest.mark.parametrize("kind", ["ascii", "binary"])
def test_random_damage(tmp_path: Path, survives_damage: Callable[..., None], kind: str) -> None:
    path = tmp_path / "a.ply"
    if kind == "ascii":
        path.write_text(MESH)
    else:
        xyz, rgb, normals = cloud(20)
        write_ply(path, xyz, rgb=rgb, normals=normals)
    survives_damage(path, lambda: read_ply(path), flips=400, lengths=range(path.stat().st_size - 2))
