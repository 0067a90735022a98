# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes as GLB, PLY and OBJ, with colours, normals and texture; the suffix says which."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..mesh import Mesh
from ._atomic import atomic_write
from ._glb import glb_bytes, read_glb
from ._obj import read_obj, write_obj
from .ply import read_ply

MESH_SUFFIXES = (".glb", ".obj", ".ply")


def write_mesh(path: str | os.PathLike[str], mesh: Mesh) -> list[Path]:
    """Write a mesh. What was at the place stays as it was until the new file is whole.

    ``.glb`` is glTF 2.0 in one file, what most viewers and web pages want. It has float32 positions as they are: glTF
    says that y is up, a world of cameras seldom has it so. Its vertex colours are linear, as glTF demands, in 16 bits;
    with colours or a texture the material asks viewers not to light them again (KHR_materials_unlit). ``.ply`` is
    binary, has colours as they are and no texture. ``.obj`` is text; colours stand behind the positions, as MeshLab and
    Blender read them, and a texture lies beside it in a ``.mtl`` and a ``.png`` whose names contain what they hold:
    the new ``.obj``, which comes last, refers to new files only, and those of the old one are then removed.

    Parameters
    ----------
    path : path-like
        Ends in ``.glb``, ``.obj`` or ``.ply``.
    mesh : Mesh
        At least one triangle. With a texture, vertices are written once for each place in it.

    Returns
    -------
    list of Path
        The files that were written: ``path``, and those beside it.

    Raises
    ------
    ValueError
        Another suffix, a mesh without triangles, a texture and ``.ply``.
    MissingDependencyError
        ``.glb`` and ``.obj`` need trimesh, textures Pillow too.

    References
    ----------
    Khronos Group, "glTF 2.0 Specification", sections 3.4 (units and axes) and 3.7.2.1 (colours).

    Examples
    --------
    >>> from fastcv.io import read_mesh, write_mesh
    >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    >>> _ = write_mesh("one.glb", Mesh(corners, np.array([[0, 1, 2]], np.int32), colors=np.full((3, 3), 9, np.uint8)))
    >>> read_mesh("one.glb")
    Mesh(3 vertices, 1 faces, colors)
    """
    suffix = _suffix(path)
    if len(mesh.faces) == 0:
        raise ValueError("mesh: expected at least one triangle, got none")
    if suffix == ".obj":
        return write_obj(Path(path), mesh)
    if suffix == ".ply" and mesh.texture is not None:
        raise ValueError("mesh: expected no texture for .ply, got one; .glb and .obj have textures")
    content = glb_bytes(mesh) if suffix == ".glb" else _ply_bytes(mesh)
    with atomic_write(path) as file:
        file.write(content)
    return [Path(path)]


def read_mesh(path: str | os.PathLike[str]) -> Mesh:
    """Read the triangles of a file; several meshes in it become one.

    Parameters
    ----------
    path : path-like
        Ends in ``.glb``, ``.obj`` or ``.ply``.

    Returns
    -------
    Mesh
        Colours, normals and texture as far as the file has them. Vertices of a ``.glb`` or ``.obj`` are those of the
        file, so that there can be several at one place along the seams of a texture.

    Raises
    ------
    ValueError
        Another suffix.
    FormatError
        A file that is broken, has no triangles, or has several textures.
    """
    suffix = _suffix(path)
    if suffix == ".glb":
        return read_glb(Path(path))
    return read_obj(Path(path)) if suffix == ".obj" else _read_ply_mesh(path)


def _suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise ValueError(f"path: expected a name that ends in {' or '.join(MESH_SUFFIXES)}, got {os.fspath(path)!r}")
    return suffix


def _ply_bytes(mesh: Mesh) -> bytes:
    """Binary little-endian; Greg Turk, "The PLY Polygon File Format", 1994."""
    kind = mesh.vertices.dtype.newbyteorder("<")
    parts = {"xyz": (mesh.vertices, kind), "normals": (mesh.normals, "<f4"), "rgb": (mesh.colors, "u1")}
    present = {name: part for name, part in parts.items() if part[0] is not None}
    vertices = np.empty(len(mesh.vertices), [(name, dtype, 3) for name, (_, dtype) in present.items()])
    for name, (array, _) in present.items():
        vertices[name] = array
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    names = {"xyz": ("x", "y", "z"), "normals": ("nx", "ny", "nz"), "rgb": ("red", "green", "blue")}
    words = {"xyz": "float" if kind.itemsize == 4 else "double", "normals": "float", "rgb": "uchar"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    lines += [f"property {words[name]} {axis}" for name in present for axis in names[name]]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header\n"]
    return "\n".join(lines).encode() + vertices.tobytes() + faces.tobytes()


def _read_ply_mesh(path: str | os.PathLike[str]) -> Mesh:
    parts = read_ply(path)
    if len(parts.get("faces", ())) == 0:
        raise FormatError(path, "expected triangles, got none")

    def optional(name: str, dtype: type) -> NDArray | None:
        return parts[name].astype(dtype) if name in parts else None

    vertices, faces = parts["xyz"], parts["faces"].astype(np.int32)
    if vertices.dtype not in (np.float32, np.float64):
        vertices = vertices.astype(np.float64)
    try:
        return Mesh(vertices, faces, optional("rgb", np.uint8), optional("normals", np.float32))
    except ValueError as error:
        raise FormatError(path, str(error)) from error
