# SPDX-License-Identifier: Apache-2.0
"""glTF 2.0 in one binary file through trimesh, with colours as the specification wants them."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from ..errors import FormatError
from ..mesh import Mesh
from ._trimesh import from_trimesh, texture_image, to_trimesh

# An attribute of our own, which trimesh writes and reads as it is: to colours it gives 8 bits, too few for linear ones.
_COLOR = "_FASTCV_COLOR"
_HEADER = struct.Struct(
    "<4sIIII"
)  # glTF 2.0, section 4.4.1: magic, version, length; length and type of the first chunk
_JSON = 0x4E4F534A
_UNLIT = "KHR_materials_unlit"


def glb_bytes(mesh: Mesh) -> bytes:
    """The content of a file."""
    trimesh = require("trimesh")
    plain = Mesh(mesh.vertices, mesh.faces, None, mesh.normals, mesh.texture)
    geometry = to_trimesh(plain)
    if mesh.texture is None and mesh.colors is not None:
        linear = np.round(65535 * _linear(mesh.colors / 255.0)).astype(np.uint16)
        geometry.vertex_attributes[_COLOR] = np.pad(linear, [(0, 0), (0, 1)], constant_values=65535)

    def complete(tree: dict[str, Any]) -> None:
        """Names the colours and describes a surface that does not shine."""
        primitive = tree["meshes"][0]["primitives"][0]
        colors = primitive["attributes"].pop(_COLOR, None)
        if colors is not None:
            primitive["attributes"]["COLOR_0"] = colors
            tree["accessors"][colors]["normalized"] = True
        materials = tree.setdefault("materials", [{"pbrMetallicRoughness": {}}])
        primitive["material"] = 0
        materials[0]["pbrMetallicRoughness"] |= {"metallicFactor": 0.0, "roughnessFactor": 1.0}
        materials[0]["doubleSided"] = True
        if mesh.texture is not None or colors is not None:
            materials[0]["extensions"] = {_UNLIT: {}}
            tree["extensionsUsed"] = sorted({*tree.get("extensionsUsed", []), _UNLIT})

    scene = trimesh.Scene([geometry])
    normals = mesh.normals is not None
    return trimesh.exchange.gltf.export_glb(scene, include_normals=normals, tree_postprocessor=complete)


def read_glb(path: Path) -> Mesh:
    """The mesh of a file."""
    trimesh = require("trimesh")
    data = path.read_bytes()
    try:
        scene = trimesh.load_scene(io.BytesIO(_with_raw_colors(data)), file_type="glb", process=False)
        for geometry in scene.geometry.values():
            raw = geometry.vertex_attributes.pop(_COLOR, None)
            if raw is not None and texture_image(geometry.visual) is None:
                colors = np.round(255 * _encoded(_fractions(raw[:, :3]))).astype(np.uint8)
                geometry.visual = trimesh.visual.ColorVisuals(geometry, vertex_colors=colors)
    except Exception as error:
        raise FormatError(path, f"expected glTF 2.0 in binary form, got {error!r}") from error
    return from_trimesh(path, scene)


def _with_raw_colors(data: bytes) -> bytes:
    """The same file with its colours under a name that trimesh leaves alone."""
    magic, version, size, length, kind = _HEADER.unpack_from(data)
    if magic != b"glTF" or version != 2 or size != len(data) or kind != _JSON:
        raise ValueError("another header, or another length than it says")
    tree = json.loads(data[_HEADER.size : _HEADER.size + length])
    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            attributes = primitive["attributes"]
            if "COLOR_0" in attributes:
                attributes[_COLOR] = attributes.pop("COLOR_0")
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    rest = data[_HEADER.size + length :]
    return _HEADER.pack(magic, version, _HEADER.size + len(text) + len(rest), len(text), kind) + text + rest


def _fractions(colors: NDArray) -> NDArray[np.float64]:
    """glTF 2.0, section 3.11: integers stand for parts of their largest."""
    largest = np.iinfo(colors.dtype).max if colors.dtype.kind == "u" else 1
    return np.clip(colors / largest, 0.0, 1.0)


def _linear(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of an sRGB value in [0, 1] (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of ``_linear``."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
