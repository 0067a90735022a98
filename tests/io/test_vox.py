# SPDX-License-Identifier: Apache-2.0
"""MagicaVoxel files: bytes written by hand after the format's description, large volumes, scene graphs, and damage."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastcv import FormatError
from fastcv.io import read_vox, write_vox


def chunk(name: str, content: bytes, children: bytes = b"") -> bytes:
    return name.encode() + struct.pack("<ii", len(content), len(children)) + content + children


def attributes(**values: str) -> bytes:
    texts = [text.encode() for pair in values.items() for text in pair]
    return struct.pack("<i", len(values)) + b"".join(struct.pack("<i", len(text)) + text for text in texts)


def model(size: tuple[int, int, int], *voxels: tuple[int, int, int, int]) -> bytes:
    content = struct.pack("<i", len(voxels)) + bytes(itertools.chain(*voxels))
    return chunk("SIZE", struct.pack("<iii", *size)) + chunk("XYZI", content)


def node(name: str, number: int, content: bytes) -> bytes:
    return chunk(name, struct.pack("<i", number) + attributes() + content)


def transform(number: int, child: int, **frame: str) -> bytes:
    return node("nTRN", number, struct.pack("<iiii", child, -1, 0, 1) + attributes(**frame))


def group(number: int, *children: int) -> bytes:
    return node("nGRP", number, struct.pack(f"<{1 + len(children)}i", len(children), *children))


def shape(number: int, shown: int) -> bytes:
    return node("nSHP", number, struct.pack("<ii", 1, shown) + attributes())


def save(path: Path, *chunks: bytes, version: int = 150) -> Path:
    path.write_bytes(b"VOX " + struct.pack("<i", version) + chunk("MAIN", b"", b"".join(chunks)))
    return path


def test_a_model_alone(tmp_path: Path) -> None:
    """No palette, no scene graph, as the first versions wrote it; the PACK chunk is optional."""
    chunks = chunk("PACK", struct.pack("<i", 1)) + model((2, 3, 4), (1, 2, 3, 79), (0, 0, 1, 255))
    volume = read_vox(save(tmp_path / "a.vox", chunks, version=200))
    expected = np.zeros((4, 3, 2), np.uint8)
    expected[3, 2, 1], expected[1, 0, 0] = 79, 255
    np.testing.assert_array_equal(volume.indices, expected)
    assert volume.origin == (0, 0, 0)
    # Of MagicaVoxel's own palette: its first colours, and the ends of its ramps.
    default = {1: (255, 255, 255), 2: (255, 255, 204), 7: (255, 204, 255), 37: (204, 255, 255), 215: (0, 0, 51)}
    default |= {216: (238, 0, 0), 225: (17, 0, 0), 235: (0, 17, 0), 245: (0, 0, 17), 246: (238,) * 3, 255: (17,) * 3}
    for index, color in default.items():
        assert tuple(volume.palette[index]) == (*color, 255)


def test_palette_begins_with_index_one(tmp_path: Path) -> None:
    colors = np.arange(1024, dtype=np.uint16).astype(np.uint8).reshape(256, 4)
    volume = read_vox(save(tmp_path / "a.vox", model((1, 1, 1), (0, 0, 0, 3)), chunk("RGBA", colors.tobytes())))
    np.testing.assert_array_equal(volume.palette[volume.indices[0, 0, 0]], colors[2])


def test_models_are_turned_about_their_middle(tmp_path: Path) -> None:
    """Of a bar of 5 by 2 by 1 a quarter turn about z makes one of 2 by 5 by 1."""
    quarter = 1 | 0 << 2 | 1 << 4  # x' = -y, y' = x
    chunks = [model((5, 2, 1), (4, 0, 0, 9), (0, 1, 0, 8)), transform(0, 1), group(1, 2, 4)]
    chunks += [transform(2, 3, _t="100 0 0"), shape(3, 0), transform(4, 5, _t="0 0 7", _r=str(quarter)), shape(5, 0)]
    volume = read_vox(save(tmp_path / "a.vox", *chunks))
    # Pivots are at (2, 1, 0): the first bar goes from 98 to 103; the second one's x' = -y - 1 from -1 to 1.
    assert volume.origin == (-1, -2, 0)
    at = np.argwhere(volume.indices)[:, ::-1] + volume.origin
    found = {
        (*map(int, place), int(index)) for place, index in zip(at, volume.indices[volume.indices > 0], strict=True)
    }
    assert found == {(102, -1, 0, 9), (98, 0, 0, 8), (0, 2, 7, 9), (-1, -2, 7, 8)}
    assert volume.indices.shape == (8, 5, 104)


def test_transforms_multiply(tmp_path: Path) -> None:
    """A half turn of a group moves its members to the other side."""
    half = 0 | 1 << 2 | 1 << 4 | 1 << 5  # x' = -x, y' = -y
    chunks = [model((1, 1, 1), (0, 0, 0, 5)), transform(0, 1, _r=str(half), _t="1 2 3"), group(1, 2)]
    chunks += [transform(2, 3, _t="10 20 30"), shape(3, 0)]
    volume = read_vox(save(tmp_path / "a.vox", *chunks))
    assert volume.origin == (1 - 10 - 1, 2 - 20 - 1, 3 + 30)


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 5, 2), (256, 1, 256), (1, 257, 600)])
@pytest.mark.parametrize("origin", [(0, 0, 0), (-7, 300, 12)])
def test_round_trip(tmp_path: Path, size: tuple[int, int, int], origin: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    indices = np.where(rng.random(size) < 0.3, rng.integers(1, 256, size), 0).astype(np.uint8)
    palette = rng.integers(0, 256, (256, 4)).astype(np.uint8)
    write_vox(tmp_path / "a.vox", indices, palette=palette, origin=origin)
    volume = read_vox(tmp_path / "a.vox")
    np.testing.assert_array_equal(volume.indices, indices)
    np.testing.assert_array_equal(volume.palette[1:], palette[1:])
    assert volume.origin == origin


def test_large_volumes_are_models_of_256_without_the_empty_ones(tmp_path: Path) -> None:
    dense = np.zeros((5, 300, 1000), bool)
    dense[2, 10, 600] = True
    write_vox(tmp_path / "a.vox", dense)
    data = (tmp_path / "a.vox").read_bytes()
    sizes = [struct.unpack("<iii", data[m.end() + 8 : m.end() + 20]) for m in re.finditer(b"SIZE", data)]
    assert sizes == [(256, 256, 5), (256, 256, 5), (232, 44, 5)]
    volume = read_vox(tmp_path / "a.vox")
    np.testing.assert_array_equal(volume.indices, dense)
    assert tuple(volume.palette[1]) == (200, 200, 200, 255)


def test_strided_read_only_and_empty_volumes(tmp_path: Path) -> None:
    dense = (np.arange(120).reshape(4, 5, 6) % 7 == 0)[::-1, :, ::2]
    dense.flags.writeable = False
    for volume in (dense, np.zeros((3, 2, 1), np.uint8)):
        write_vox(tmp_path / "a.vox", volume, palette=np.full((256, 3), 9, np.uint8))
        np.testing.assert_array_equal(read_vox(tmp_path / "a.vox").indices, volume)
        assert tuple(read_vox(tmp_path / "a.vox").palette[1]) == (9, 9, 9, 255)


ONE = model((1, 1, 1), (0, 0, 0, 1))


def size(*numbers: int) -> bytes:
    return chunk("SIZE", struct.pack(f"<{len(numbers)}i", *numbers))


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([], "at byte 0: expected a model that is shown, got none"),
        (
            [size(1, 257, 1)],
            "a model of 1 to 256 voxels a side, got 1 × 257 × 1",
        ),
        ([size(1, 1, -1)], "a model of 1 to 256 voxels a side, got 1 × 1 × -1"),
        ([chunk("SIZE", bytes(16))], "expected a model of 1 to 256"),
        (
            [size(1, 1, 1, 0)],
            "expected 12 bytes in a chunk b'SIZE' and no children, got 16",
        ),
        ([chunk("XYZI", struct.pack("<i", 0))], "expected a chunk SIZE before XYZI, got none"),
        ([model((1, 2, 1), (0, 2, 0, 1))], "expected voxels within 1 × 2 × 1, got one outside"),
        (
            [size(1, 1, 1), chunk("XYZI", struct.pack("<i", 9))],
            "expected room for 9 voxels",
        ),
        ([size(1, 1, 1), chunk("XYZI", struct.pack("<i", -1))], "expected room for 4294967295 voxels"),
        ([ONE, chunk("RGBA", bytes(1023))], "expected 1024 bytes of a palette, got 1023"),
        ([ONE, b"MATL"], "expected 12 bytes of a chunk's header, got 4"),
        ([ONE, b"MATL" + struct.pack("<ii", 5, 0)], "expected a chunk within 0 bytes, got 5 and 0"),
        ([ONE, b"MATL" + struct.pack("<ii", -1, 0)], "expected a chunk within 0 bytes, got -1 and 0"),
        ([ONE, shape(1, 0)], "expected node 0 of the scene graph once, got none"),
        ([ONE, transform(0, 1), group(1, 0)], "expected node 0 of the scene graph once, got it twice"),
        ([ONE, transform(0, 1), group(1, 2, 2), shape(2, 0)], "expected node 2 of the scene graph once, got it twice"),
        ([ONE, transform(0, 1), shape(1, 0), shape(1, 0)], "expected each node of the scene graph once, got 1 twice"),
        ([ONE, transform(0, 1), shape(1, 1)], "expected one of 1 models, got number 1"),
        ([ONE, transform(0, 1), group(1)], "expected a model that is shown, got none"),
        ([ONE, transform(0, 1, _t="1 2"), shape(1, 0)], "expected a frame with three whole numbers _t and one _r"),
        ([ONE, transform(0, 1, _t="1 2 1e9"), shape(1, 0)], "expected a frame with three whole numbers _t and one _r"),
        (
            [ONE, transform(0, 1, _t="1 2 9999999999"), shape(1, 0)],
            "places of size up to 2**30, got [1, 2, 99999",
        ),
        ([ONE, transform(0, 1, _r="0"), shape(1, 0)], "expected a rotation _r of two different columns, got 0"),
        ([ONE, transform(0, 1, _r="128"), shape(1, 0)], "expected a rotation _r of two different columns, got 128"),
        (
            [ONE, transform(0, 1), group(1, 2, 3), shape(2, 0), transform(3, 4, _t="5000 5000 5000"), shape(4, 0)],
            "expected at most 1073741824 voxels, got a volume of 5001 × 5001 × 5001",
        ),
    ],
)
def test_damage_is_named(tmp_path: Path, chunks: list[bytes], message: str) -> None:
    with pytest.raises(FormatError, match=re.escape(message)):
        read_vox(save(tmp_path / "a.vox", *chunks))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at byte 0: expected 'VOX '"),
        (b"VOX ", "expected 4 bytes of a version, got 0"),
        (b"VOX " + struct.pack("<i", 99), "at byte 4: expected version 150 or 200, got 99"),
        (b"VOX " + struct.pack("<i", 150) + chunk("SIZE", b""), "at byte 8: expected a chunk MAIN up to"),
        (
            b"VOX " + struct.pack("<i", 150) + chunk("MAIN", b"") + b"x",
            "at byte 8: expected a chunk MAIN up to",
        ),
    ],
)
def test_what_is_no_vox_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.vox").write_bytes(content)
    with pytest.raises(FormatError, match=re.escape(message)):
        read_vox(tmp_path / "a.vox")


def test_random_damage(tmp_path: Path, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / "a.vox"
    chunks = [model((2, 3, 4), (1, 2, 3, 79), (0, 0, 1, 255)), ONE, transform(0, 1, _t="1 2 3"), group(1, 2, 4)]
    chunks += [transform(2, 3, _r="17"), shape(3, 0), transform(4, 5, _t="-3 0 0"), shape(5, 1)]
    save(path, *chunks, chunk("MATL", struct.pack("<i", 1) + attributes(_type="_diffuse")))
    survives_damage(path, lambda: read_vox(path, max_voxels=1 << 20), flips=200)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    one = np.ones((1, 1, 1), bool)
    with pytest.raises(TypeError, match="voxels: expected dtype bool or uint8, got int64"):
        write_vox(tmp_path / "a", np.ones((2, 2, 2), np.int64))
    for size in ((2, 2), (0, 2, 2)):
        with pytest.raises(ValueError, match=r"voxels: expected shape \(Z, Y, X\), not empty, got"):
            write_vox(tmp_path / "a", np.ones(size, bool))
    with pytest.raises(TypeError, match="palette: expected dtype uint8, got float64"):
        write_vox(tmp_path / "a", one, palette=np.ones((256, 3)))
    with pytest.raises(ValueError, match=r"palette: expected shape \(256, 3\) or \(256, 4\), got \(255, 3\)"):
        write_vox(tmp_path / "a", one, palette=np.ones((255, 3), np.uint8))
    with pytest.raises(ValueError, match=r"origin: expected 3 whole numbers of size below 2\*\*30, got \(0, 0\)"):
        write_vox(tmp_path / "a", one, origin=(0, 0))
    with pytest.raises(ValueError, match="origin: expected 3 whole numbers"):
        write_vox(tmp_path / "a", one, origin=(0, 0, 2**30))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, full_disk: Callable) -> None:
    path = tmp_path / "a.vox"
    write_vox(path, np.ones((1, 1, 1), bool))
    old = path.read_bytes()
    with full_disk(1000), pytest.raises(OSError, match="File too large"):
        write_vox(path, np.ones((20, 20, 20), bool))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
