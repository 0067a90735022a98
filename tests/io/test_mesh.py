# SPDX-License-Identifier: Apache-2.0
"""Mesh files: what comes back, what other readers see, and what is left when writing fails."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from fastcv.errors import FormatError
from fastcv.io import MESH_SUFFIXES, read_mesh, write_mesh
from fastcv.io import _obj as obj_module
from fastcv.mesh import Mesh, Texture

trimesh = pytest.importorskip("trimesh")


def grid_mesh(n: int, *, colors: bool = False, normals: bool = False, texture: bool = False) -> Mesh:
    """A bumpy sheet of 2 (n - 1)² triangles; its texture has a seam: odd faces lie in the lower half of the picture."""
    rng = np.random.default_rng(n)
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n)))
    vertices = np.stack([x, y, 0.1 * rng.standard_normal(n * n)], -1).astype(np.float32)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    first = np.stack([corner, corner + 1, corner + n], -1)
    second = np.stack([corner + 1, corner + n + 1, corner + n], -1)
    faces = np.stack([first, second], 1).reshape(-1, 3).astype(np.int32)
    picture = None
    if texture:
        uv = (np.stack([x, y], -1)[faces] * 0.5 + 0.5) * [40, 12]
        uv[1::2, :, 1] += 13.5
        picture = Texture(rng.integers(0, 256, (26, 40, 3), dtype=np.uint8), uv.astype(np.float32))
    directions = rng.standard_normal((n * n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Mesh(
        vertices,
        faces,
        rng.integers(0, 256, (n * n, 3), dtype=np.uint8) if colors else None,
        directions.astype(np.float32) if normals else None,
        picture,
    )


def glb_parts(path: Path) -> tuple[dict, bytes]:
    """JSON and bytes of a GLB file, read by the book (glTF 2.0, section 4.4)."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    start = 20 + size
    rest, kind = struct.unpack_from("<I4s", data, start)
    assert kind == b"BIN\0"
    return json.loads(data[20:start]), data[start + 8 : start + 8 + rest]


def accessor(tree: dict, binary: bytes, number: int) -> np.ndarray:
    item = tree["accessors"][number]
    view = tree["bufferViews"][item["bufferView"]]
    dtype = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}[item["componentType"]]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[item["type"]]
    start = view.get("byteOffset", 0) + item.get("byteOffset", 0)
    return np.frombuffer(binary, dtype, item["count"] * width, start).reshape(-1, width)


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
@pytest.mark.parametrize("parts", [(), ("colors",), ("normals",), ("colors", "normals")])
def test_round_trip(tmp_path, suffix, parts):
    mesh = grid_mesh(7, **dict.fromkeys(parts, True))
    path = tmp_path / f"sheet{suffix}"
    write_mesh(path, mesh)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    back = read_mesh(path)
    np.testing.assert_array_equal(back.faces, mesh.faces)
    np.testing.assert_allclose(back.vertices, mesh.vertices, atol=0 if suffix != ".obj" else 6e-9)
    for part, tolerance in {"colors": 0, "normals": 2e-7}.items():
        expected, got = getattr(mesh, part), getattr(back, part)
        assert (got is None) == (expected is None)
        np.testing.assert_allclose(got if part in parts else 0, expected if part in parts else 0, atol=tolerance)
    assert back.texture is None


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_texture(tmp_path, suffix):
    mesh = grid_mesh(5, normals=True, texture=True)
    write_mesh(tmp_path / f"sheet{suffix}", mesh)
    back = read_mesh(tmp_path / f"sheet{suffix}")
    np.testing.assert_array_equal(back.texture.image, mesh.texture.image)
    np.testing.assert_allclose(back.texture.uv, mesh.texture.uv, atol=1e-5)
    np.testing.assert_allclose(back.vertices[back.faces], mesh.vertices[mesh.faces], atol=6e-9)
    np.testing.assert_allclose(back.normals[back.faces], mesh.normals[mesh.faces], atol=2e-7)
    # 25 vertices; the 16 even faces and the 16 odd ones have 24 corners each.
    assert len(back.vertices) == 48


def test_texture_by_the_book(tmp_path):
    """glTF counts v from the picture's top and has it in the file, OBJ from its bottom and has it beside."""
    Image = pytest.importorskip("PIL.Image")
    mesh = grid_mesh(5, texture=True)
    height, width = mesh.texture.image.shape[:2]
    expected = np.unique(mesh.texture.uv.reshape(-1, 2) / [width, height], axis=0)
    write_mesh(tmp_path / "a.glb", mesh)
    tree, binary = glb_parts(tmp_path / "a.glb")
    primitive = tree["meshes"][0]["primitives"][0]
    places = accessor(tree, binary, primitive["attributes"]["TEXCOORD_0"])
    np.testing.assert_allclose(np.unique(places, axis=0), expected, atol=1e-6)
    texture = tree["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorTexture"]["index"]
    view = tree["bufferViews"][tree["images"][tree["textures"][texture]["source"]]["bufferView"]]
    start = view.get("byteOffset", 0)
    picture = Image.open(io.BytesIO(binary[start : start + view["byteLength"]]))
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), mesh.texture.image)

    write_mesh(tmp_path / "a.obj", mesh)
    lines = [line.split() for line in (tmp_path / "a.obj").read_text().splitlines()]
    places = np.array([line[1:3] for line in lines if line[:1] == ["vt"]], float)
    corners = [corner.split("/") for line in lines if line[:1] == ["f"] for corner in line[1:]]
    at = places[[int(corner[1]) - 1 for corner in corners]].reshape(-1, 3, 2)
    np.testing.assert_allclose(at * [width, -height] + [0, height], mesh.texture.uv, atol=1e-5)
    library = next(line[1] for line in lines if line[:1] == ["mtllib"])
    named = next(line.split()[1] for line in (tmp_path / library).read_text().splitlines() if line.startswith("map_Kd"))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / named).convert("RGB")), mesh.texture.image)


def test_float64_positions(tmp_path):
    mesh = grid_mesh(3)
    far = Mesh(mesh.vertices.astype(np.float64) + 4e6, mesh.faces)
    write_mesh(tmp_path / "far.ply", far)
    np.testing.assert_array_equal(read_mesh(tmp_path / "far.ply").vertices, far.vertices)
    write_mesh(tmp_path / "far.obj", far)
    np.testing.assert_allclose(read_mesh(tmp_path / "far.obj").vertices, far.vertices, rtol=0, atol=1e-7)


def test_glb_says_what_gltf_wants(tmp_path):
    mesh = grid_mesh(4, colors=True, normals=True)
    write_mesh(tmp_path / "a.glb", mesh)
    tree, binary = glb_parts(tmp_path / "a.glb")
    primitive = tree["meshes"][0]["primitives"][0]
    positions = accessor(tree, binary, primitive["attributes"]["POSITION"])
    np.testing.assert_array_equal(positions, mesh.vertices)
    np.testing.assert_array_equal(accessor(tree, binary, primitive["indices"]).reshape(-1, 3), mesh.faces)
    limits = tree["accessors"][primitive["attributes"]["POSITION"]]
    np.testing.assert_allclose(limits["min"], mesh.vertices.min(0))
    colors = primitive["attributes"]["COLOR_0"]
    assert tree["accessors"][colors]["normalized"] is True
    assert all(view["byteOffset"] % 4 == 0 for view in tree["bufferViews"] if "byteOffset" in view)
    # Linear light of sRGB values: half of the light is 188 of 255, a fifth is 124.
    linear = accessor(tree, binary, colors)[:, :3] / 65535
    table = {0: 0.0, 124: 0.2016, 188: 0.5029, 255: 1.0}
    write_mesh(tmp_path / "b.glb", Mesh(mesh.vertices, mesh.faces, np.resize([0, 124, 188, 255], (16, 3)).astype("u1")))
    tree, binary = glb_parts(tmp_path / "b.glb")
    known = accessor(tree, binary, tree["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"])[:, :3] / 65535
    np.testing.assert_allclose(known.ravel(), np.resize(list(table.values()), 48), atol=1e-4)
    assert linear.min() >= 0
    material = tree["materials"][0]
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
    assert "KHR_materials_unlit" in material["extensions"]
    assert tree["extensionsUsed"] == ["KHR_materials_unlit"]


def test_a_mesh_without_colors_is_lit(tmp_path):
    write_mesh(tmp_path / "a.glb", grid_mesh(4))
    tree, _ = glb_parts(tmp_path / "a.glb")
    assert "extensions" not in tree["materials"][0]
    assert "extensionsUsed" not in tree


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_other_readers_see_the_same(tmp_path, suffix):
    mesh = grid_mesh(6, colors=True)
    write_mesh(tmp_path / f"a{suffix}", mesh)
    seen = trimesh.load_mesh(tmp_path / f"a{suffix}", process=False)
    np.testing.assert_allclose(seen.vertices, mesh.vertices, atol=6e-9)
    np.testing.assert_array_equal(seen.faces, mesh.faces)


def test_glb_of_others(tmp_path):
    """Two nodes of one mesh, one of them turned and scaled, with trimesh's colours of 8 bits."""
    box = trimesh.creation.box((1, 2, 3))
    box.visual.vertex_colors = np.full((8, 4), [255, 0, 55, 255], np.uint8)
    scene = trimesh.Scene()
    turn = np.diag([2.0, 3.0, 4.0, 1.0])[[1, 2, 0, 3]]
    turn[:3, 3] = [5, 6, 7]
    scene.add_geometry(box, node_name="a", geom_name="box")
    scene.add_geometry(box, node_name="b", geom_name="box", transform=turn)
    (tmp_path / "scene.glb").write_bytes(trimesh.exchange.gltf.export_glb(scene, include_normals=True))
    mesh = read_mesh(tmp_path / "scene.glb")
    assert mesh.vertices.shape == (16, 3)
    assert mesh.faces.shape == (24, 3)
    expected = np.concatenate([box.vertices, trimesh.transform_points(box.vertices, turn)])
    np.testing.assert_allclose(np.unique(mesh.vertices, axis=0), np.unique(expected, axis=0), atol=1e-6)
    np.testing.assert_array_equal(mesh.colors[0], [255, 0, 128])  # 55 of 255 light is 128 of 255 in sRGB
    lengths = np.linalg.norm(mesh.normals, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_failing_leaves_the_old_file(tmp_path, monkeypatch):
    old, new = grid_mesh(4, texture=True), grid_mesh(6, texture=True)
    path = tmp_path / "a.obj"
    write_mesh(path, old)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert len(before) == 3

    real = obj_module.atomic_write

    def failing(target):
        if Path(target) == path:
            raise OSError("disk full")
        return real(target)

    monkeypatch.setattr(obj_module, "atomic_write", failing)
    with pytest.raises(OSError, match="disk full"):
        write_mesh(path, new)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    np.testing.assert_array_equal(read_mesh(path).texture.image, old.texture.image)

    monkeypatch.undo()
    write_mesh(path, new)
    assert len(list(tmp_path.iterdir())) == 3
    np.testing.assert_array_equal(read_mesh(path).texture.image, new.texture.image)
    write_mesh(path, grid_mesh(5))
    assert [p.name for p in tmp_path.iterdir()] == ["a.obj"]


def test_files_of_others_stay(tmp_path):
    for name in ("hand.mtl", "hand.png", "a-0123456789ab.png"):
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "a.obj").write_text("mtllib hand.mtl\nv 0 0 0\n")
    write_mesh(tmp_path / "a.obj", grid_mesh(4, texture=True))
    assert (tmp_path / "hand.mtl").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_broken_files(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_mesh(path, grid_mesh(5, colors=True))
    whole = path.read_bytes()
    for content in (
        b"",
        b"nonsense",
        whole[:40],
        io.BytesIO(whole).read(len(whole) // 2) if suffix != ".obj" else b"v",
    ):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"a\.\w+"):
            read_mesh(path)
    with pytest.raises(FileNotFoundError):
        read_mesh(tmp_path / f"none{suffix}")


def test_random_damage(tmp_path, survives_damage):
    path = tmp_path / "a.glb"
    write_mesh(path, grid_mesh(4, colors=True))
    survives_damage(path, lambda: read_mesh(path), flips=100, lengths=range(0, path.stat().st_size, 13))


def test_wrong_arguments(tmp_path):
    mesh = grid_mesh(3)
    with pytest.raises(ValueError, match=r"path: expected a name that ends in \.glb or \.obj or \.ply, got 'a\.stl'"):
        write_mesh("a.stl", mesh)
    with pytest.raises(ValueError, match="path: expected a name"):
        read_mesh("a")
    with pytest.raises(ValueError, match="mesh: expected at least one triangle, got none"):
        write_mesh(tmp_path / "a.glb", Mesh(mesh.vertices, np.zeros((0, 3), np.int32)))
    with pytest.raises(ValueError, match=r"mesh: expected no texture for \.ply"):
        write_mesh(tmp_path / "a.ply", grid_mesh(3, texture=True))
    assert not list(tmp_path.iterdir())
