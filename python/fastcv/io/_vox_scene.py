# SPDX-License-Identifier: Apache-2.0
"""Chunks and scene graph of .vox files: from untrusted bytes, and to bytes."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._bytes import ByteReader

MAX_SIDE = 256
_WHOLE = re.compile(rb"-?\d{1,10}")
_INT = struct.Struct("<i")
_COUNT = struct.Struct("<I")
_HEADER = struct.Struct("<4sii")
_VERSIONS = (150, 200)
_MAX_PLACE = 2**30

Integers = NDArray[np.int64]


class ModelPlace(NamedTuple):
    """Size and first voxel of a model, x, y, z."""

    size: tuple[int, ...]
    low: tuple[int, ...]


class PlacedModel(NamedTuple):
    """A model's (N, 4) x, y, z, palette index; how it is turned and moved; its box, x, y, z."""

    size: tuple[int, int, int]
    voxels: NDArray[np.uint8]
    rotation: Integers
    translation: Integers
    low: Integers
    high: Integers

    def places(self) -> Integers:
        """x, y, z of the voxels, (N, 3)."""
        return _turned(self.voxels[:, :3].astype(np.int64), self.size, self.rotation) + self.translation


class VoxScene(NamedTuple):
    """The models that a file shows, its (256, 4) palette, and the box of all models."""

    models: list[PlacedModel]
    palette: NDArray[np.uint8]
    low: Integers
    high: Integers


@dataclass
class _Node:
    """Of a scene graph: a transform (of one child), a group, or a shape (of models)."""

    children: list[int]
    models: list[int]
    offset: int
    rotation: Integers = field(default_factory=lambda: np.eye(3, dtype=np.int64))
    translation: Integers = field(default_factory=lambda: np.zeros(3, np.int64))


@dataclass
class _File:
    """What the chunks hold. A model is kept as its size and its (N, 4) x, y, z, index."""

    models: list[tuple[tuple[int, int, int], NDArray[np.uint8]]] = field(default_factory=list)
    palette: NDArray[np.uint8] | None = None
    nodes: dict[int, _Node] = field(default_factory=dict)


def scene_chunks(places: Sequence[ModelPlace]) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks that put models, in order, to their places."""
    first = 2  # node 0 is the root's transform, 1 the group; then a transform and a shape for each model
    yield b"nTRN", _transform(0, 1, "0 0 0")
    children = range(first, first + 2 * len(places), 2)
    yield b"nGRP", struct.pack(f"<iii{len(places)}i", 1, 0, len(places), *children)
    for model, (node, place) in enumerate(zip(children, places, strict=True)):
        center = (low + size // 2 for low, size in zip(place.low, place.size, strict=True))
        yield b"nTRN", _transform(node, node + 1, " ".join(map(str, center)))
        yield b"nSHP", struct.pack("<iiiii", node + 1, 0, 1, model, 0)


def _transform(node: int, child: int, translation: str) -> bytes:
    text = translation.encode()
    frame = struct.pack("<i", 1) + struct.pack("<i2si", 2, b"_t", len(text)) + text
    return struct.pack("<iiiiii", node, 0, child, -1, -1, 1) + frame


def read_vox_scene(path: str | os.PathLike[str], max_voxels: int) -> VoxScene:
    """The models of a file, where they lie."""
    reader = ByteReader(path)
    file = _read_chunks(reader)
    models = list(_place(reader, file)) if file.nodes else [_at_pivot(*model) for model in file.models]
    if not models:
        reader.fail("expected a model that is shown, got none", 0)
    low, high = np.min([model.low for model in models], axis=0), np.max([model.high for model in models], axis=0)
    sides = (high - low).tolist()
    if max(sides[0] * sides[1] * sides[2], sum(len(model.voxels) for model in models)) > max_voxels:
        reader.fail(f"expected at most {max_voxels} voxels, got a volume of {' × '.join(map(str, sides))}", 0)
    return VoxScene(models, _default_palette() if file.palette is None else file.palette, low, high)


def _turned(voxels: Integers, size: tuple[int, int, int], rotation: Integers) -> Integers:
    """Voxels about the model's pivot, which is the corner in its middle, rounded down; turned as their centres are."""
    doubled = (2 * (voxels - np.array(size) // 2) + 1) @ rotation.T
    return (doubled - 1) // 2


def _placed(
    size: tuple[int, int, int], voxels: NDArray[np.uint8], rotation: Integers, translation: Integers
) -> PlacedModel:
    corners = _turned(np.array([[0, 0, 0], [side - 1 for side in size]]), size, rotation) + translation
    return PlacedModel(size, voxels, rotation, translation, corners.min(0), corners.max(0) + 1)


def _at_pivot(size: tuple[int, int, int], voxels: NDArray[np.uint8]) -> PlacedModel:
    """A model of a file without a scene graph: its first voxel is voxel (0, 0, 0)."""
    return _placed(size, voxels, np.eye(3, dtype=np.int64), np.array(size) // 2)


def _place(reader: ByteReader, file: _File) -> Iterator[PlacedModel]:
    """The models that the scene graph shows, depth first. Every node has one parent, so that walking it ends."""
    stack = [(0, np.eye(3, dtype=np.int64), np.zeros(3, np.int64))]
    seen = set()
    while stack:
        number, rotation, translation = stack.pop()
        if number not in file.nodes or number in seen:
            got = "it twice" if number in seen else "none"
            reader.fail(f"expected node {number} of the scene graph once, got {got}", 0)
        seen.add(number)
        node = file.nodes[number]
        translation = rotation @ node.translation + translation
        rotation = rotation @ node.rotation
        if (np.abs(translation) > _MAX_PLACE).any():
            reader.fail(f"expected places of size up to 2**30, got {translation.tolist()}", node.offset)
        for model in node.models:
            if not 0 <= model < len(file.models):
                reader.fail(f"expected one of {len(file.models)} models, got number {model}", node.offset)
            yield _placed(*file.models[model], rotation, translation)
        stack += [(child, rotation, translation) for child in reversed(node.children)]


def _default_palette() -> NDArray[np.uint8]:
    """MagicaVoxel's, for files that have none: a cube of 6³ colours, ramps of red, green, blue and grey."""
    steps = [255, 204, 153, 102, 51, 0]
    cube = [(r, g, b) for r in steps for g in steps for b in steps][:-1]
    ramp = [238, 221, 187, 170, 136, 119, 85, 68, 34, 17]
    ramps = [tuple(v * np.array(color)) for color in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)) for v in ramp]
    return np.array([(0, 0, 0, 0), *((*rgb, 255) for rgb in (*cube, *ramps))], np.uint8)


def _read_chunks(reader: ByteReader) -> _File:
    if reader.data[:4] != b"VOX ":
        reader.fail("expected 'VOX ' in the first bytes, got something else", 0)
    reader.offset = 4
    (version,) = reader.unpack(_INT, "a version")
    if version not in _VERSIONS:
        reader.fail(f"expected version {' or '.join(map(str, _VERSIONS))}, got {version}", 4)
    name, content, children = _header(reader)
    if name != b"MAIN" or content != 0 or children != reader.remaining:
        reader.fail(f"expected a chunk MAIN up to the end of the file, got {name!r}", 8)
    file, size = _File(), None
    while reader.remaining:
        name, content, children = _header(reader)
        start, end = reader.offset, reader.offset + content
        if name == b"SIZE":
            size = _read_size(reader)
        elif name == b"XYZI":
            if size is None:
                reader.fail("expected a chunk SIZE before XYZI, got none", start)
            file.models.append((size, _read_voxels(reader, size)))
            size = None
        elif name == b"RGBA":
            colors = reader.array(np.uint8, 4 * 256, "a palette").reshape(256, 4)
            file.palette = np.roll(colors, 1, axis=0)
        elif name in (b"nTRN", b"nGRP", b"nSHP"):
            _read_node(reader, name, file)
        else:  # materials, layers, cameras and whatever later versions bring
            reader.offset = end
        if reader.offset != end or children:
            expected = f"{reader.offset - start} bytes in a chunk {name!r} and no children"
            reader.fail(f"expected {expected}, got {content} and {children}", start)
    return file


def _header(reader: ByteReader) -> tuple[bytes, int, int]:
    start = reader.offset
    name, content, children = reader.unpack(_HEADER, "a chunk's header")
    if content < 0 or children < 0 or content + children > reader.remaining:
        reader.fail(f"expected a chunk within {reader.remaining} bytes, got {content} and {children}", start)
    return name, content, children


def _read_size(reader: ByteReader) -> tuple[int, int, int]:
    start = reader.offset
    x, y, z = (reader.unpack(_INT, "a model's size")[0] for _ in range(3))
    if not all(1 <= side <= MAX_SIDE for side in (x, y, z)):
        reader.fail(f"expected a model of 1 to {MAX_SIDE} voxels a side, got {x} × {y} × {z}", start)
    return x, y, z


def _read_voxels(reader: ByteReader, size: tuple[int, int, int]) -> NDArray[np.uint8]:
    start = reader.offset
    voxels = reader.array(np.uint8, 4 * reader.count(_COUNT, 4, "voxels"), "voxels").reshape(-1, 4)
    if (voxels[:, :3] >= np.array(size)).any():
        reader.fail(f"expected voxels within {' × '.join(map(str, size))}, got one outside", start)
    return voxels


def _read_node(reader: ByteReader, name: bytes, file: _File) -> None:
    start = reader.offset
    number = _int(reader)
    _read_dict(reader)
    node = _Node([], [], start)
    if name == b"nTRN":
        node.children = [_int(reader)]
        _int(reader)  # reserved
        _int(reader)  # layer
        frames = [_read_dict(reader) for _ in range(reader.count(_COUNT, _INT.size, "frames"))]
        if not frames:
            reader.fail("expected a frame of a transform, got none", start)
        _read_frame(reader, frames[0], node)
    elif name == b"nGRP":
        node.children = reader.array("<i4", reader.count(_COUNT, _INT.size, "children"), "children").tolist()
    else:
        for _ in range(reader.count(_COUNT, 2 * _INT.size, "models")):
            node.models.append(_int(reader))
            _read_dict(reader)
    if number in file.nodes:
        reader.fail(f"expected each node of the scene graph once, got {number} twice", start)
    file.nodes[number] = node


def _int(reader: ByteReader) -> int:
    (value,) = reader.unpack(_INT, "a number")
    return int(value)


def _read_dict(reader: ByteReader) -> dict[bytes, bytes]:
    pairs = reader.count(_COUNT, 2 * _INT.size, "attributes")
    return {_read_text(reader): _read_text(reader) for _ in range(pairs)}


def _read_text(reader: ByteReader) -> bytes:
    return reader.array(np.uint8, reader.count(_COUNT, 1, "characters"), "characters").tobytes()


def _read_frame(reader: ByteReader, frame: dict[bytes, bytes], node: _Node) -> None:
    """The rotation ``_r`` and the translation ``_t`` of a transform, as far as there are any."""
    numbers = [_WHOLE.fullmatch(word) for word in frame.get(b"_t", b"0 0 0").split(b" ")]
    turn = _WHOLE.fullmatch(frame.get(b"_r", b"4"))
    if len(numbers) != 3 or not all(numbers) or not turn:
        reader.fail(f"expected a frame with three whole numbers _t and one _r, got {frame}"[:200], node.offset)
    node.translation = np.array([int(number[0]) for number in numbers if number])
    bits = int(turn[0])
    columns = (bits & 3, bits >> 2 & 3)
    if not 0 <= bits < 128 or 3 in columns or columns[0] == columns[1]:
        reader.fail(f"expected a rotation _r of two different columns, got {bits}", node.offset)
    node.rotation = np.zeros((3, 3), np.int64)
    for row, column in enumerate((*columns, 3 - sum(columns))):
        node.rotation[row, column] = -1 if bits >> (4 + row) & 1 else 1
