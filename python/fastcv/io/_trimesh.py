# SPDX-License-Identifier: Apache-2.0
"""Our meshes as trimesh's and back: one place in the texture for each vertex, v upwards."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from ..errors import FormatError
from ..mesh import Mesh, Texture


def to_trimesh(mesh: Mesh, material: str = "texture") -> Any:
    """A trimesh.Trimesh with the mesh's colours or texture; ``material`` names the latter."""
    trimesh = require("trimesh")
    vertices, faces, normals = mesh.vertices, mesh.faces, mesh.normals
    options: dict[str, Any] = {}
    if mesh.texture is not None:
        kept, uv, faces = _one_place_each(mesh, mesh.texture)
        vertices, normals = vertices[kept], None if normals is None else normals[kept]
        image = require("PIL.Image").fromarray(np.ascontiguousarray(mesh.texture.image))
        height, width = mesh.texture.image.shape[:2]
        simple = trimesh.visual.material.SimpleMaterial(name=material, image=image, diffuse=[255, 255, 255, 255])
        options["visual"] = trimesh.visual.TextureVisuals(
            uv=np.stack([uv[:, 0] / width, 1 - uv[:, 1] / height], axis=1), material=simple
        )
    elif mesh.colors is not None:
        options["vertex_colors"] = mesh.colors
    return trimesh.Trimesh(vertices, faces, vertex_normals=normals, process=False, validate=False, **options)


class _Part(NamedTuple):
    """What one mesh of a file has, in the frame of the file."""

    vertices: NDArray
    faces: NDArray
    colors: NDArray | None
    normals: NDArray | None
    texture: Texture | None


def from_trimesh(path: str | os.PathLike[str], loaded: Any) -> Mesh:
    """The mesh of a trimesh.Trimesh or Scene that was read from ``path``; parts that not all have are left out."""
    if hasattr(loaded, "graph"):
        nodes = [loaded.graph[name] for name in loaded.graph.nodes_geometry]
        found = [(loaded.geometry[geometry], transform) for transform, geometry in nodes]
    else:
        found = [(loaded, np.eye(4))]
    found = [(part, transform) for part, transform in found if len(getattr(part, "faces", ()))]
    if not found:
        raise FormatError(path, "expected triangles, got none")
    try:
        parts = [_part(part, transform) for part, transform in found]
        starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
        faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)])
        vertices = np.concatenate([part.vertices for part in parts])
        colors, normals = _joined([part.colors for part in parts]), _joined([part.normals for part in parts])
        return Mesh(vertices, faces.astype(np.int32), colors, normals, _one_texture([part.texture for part in parts]))
    except (TypeError, ValueError) as error:
        raise FormatError(path, str(error)) from error


def _part(part: Any, transform: NDArray) -> _Part:
    # trimesh computes normals where it has none: only those of the file are in its cache by now.
    normals = part.vertex_normals if "vertex_normals" in part._cache.cache else None
    if normals is not None:
        # Normals transform by the inverse transpose, that is by the cofactors but for their length.
        normals = np.asarray(normals, np.float64) @ np.linalg.inv(transform[:3, :3])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = (normals / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    visual = part.visual
    colors = np.asarray(visual.vertex_colors[:, :3], np.uint8) if visual.kind == "vertex" else None
    vertices = np.asarray(part.vertices, np.float64) @ transform[:3, :3].T + transform[:3, 3]
    return _Part(vertices, np.asarray(part.faces, np.int64), colors, normals, _texture(visual, part.faces))


def _joined(arrays: list[NDArray | None]) -> NDArray | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if len(present) == len(arrays) else None


def _one_texture(textures: list[Texture | None]) -> Texture | None:
    if textures[0] is None or any(texture is None for texture in textures):
        return None
    present = [texture for texture in textures if texture is not None]
    if not all(np.array_equal(texture.image, present[0].image) for texture in present):
        raise ValueError(f"expected one texture, got {len(present)} that differ")
    return Texture(present[0].image, np.concatenate([texture.uv for texture in present]))


def texture_image(visual: Any) -> Any:
    """The picture on a mesh as Pillow has it, None where there is none."""
    material = getattr(visual, "material", None)
    return getattr(material, "image", None) or getattr(material, "baseColorTexture", None)


def _texture(visual: Any, faces: NDArray) -> Texture | None:
    image = texture_image(visual)
    if image is None or getattr(visual, "uv", None) is None:
        return None
    pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    uv = np.asarray(visual.uv)[faces]
    return Texture(pixels, np.stack([uv[..., 0] * width, (1 - uv[..., 1]) * height], axis=-1).astype(np.float32))


def _one_place_each(mesh: Mesh, texture: Texture) -> tuple[NDArray, NDArray, NDArray]:
    """Vertices, repeated for each of their places in the texture; those places; faces of the repeated ones."""
    corners = mesh.faces.reshape(-1)
    places = np.ascontiguousarray(texture.uv.reshape(-1, 2)).view(np.int64).reshape(-1)
    order = np.lexsort((places, corners))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(corners[order]) != 0) | (np.diff(places[order]) != 0)
    which = np.empty(len(order), np.int32)
    which[order] = np.cumsum(new) - 1
    first = order[new]
    return corners[first], texture.uv.reshape(-1, 2)[first], which.reshape(-1, 3)
