# SPDX-License-Identifier: Apache-2.0
"""Wavefront OBJ through trimesh; a texture lies in files beside it that no older OBJ file refers to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from .._extras import require
from ..errors import FormatError
from ..mesh import Mesh
from ._atomic import atomic_write
from ._trimesh import from_trimesh, to_trimesh

_HEAD_BYTES = 4096


def write_obj(path: Path, mesh: Mesh) -> list[Path]:
    """Write the files, the OBJ itself after what it refers to; the OBJ and the others."""
    trimesh = require("trimesh")
    # Named by their content: a writer that is interrupted leaves the old files as they were.
    material = _safe(path.stem)
    if mesh.texture is not None:
        digest = hashlib.sha256(mesh.texture.image.tobytes() + bytes(str(mesh.texture.image.shape), "ascii"))
        material += f"-{digest.hexdigest()[:12]}"
    text, beside = trimesh.exchange.obj.export_obj(
        to_trimesh(mesh, material),
        include_normals=mesh.normals is not None,
        return_texture=True,
        mtl_name=f"{material}.mtl",
        header=None,
    )
    old = _own_files(path)
    for name, content in beside.items():
        with atomic_write(path.parent / name) as file:
            file.write(content)
    with atomic_write(path) as file:
        file.write(text.encode())
    for name in old - set(beside):
        (path.parent / name).unlink(missing_ok=True)
    return [path, *(path.parent / name for name in beside)]


def read_obj(path: Path) -> Mesh:
    """The mesh of a file."""
    trimesh = require("trimesh")
    path.stat()  # a file that is not there is no FormatError
    try:
        loaded = trimesh.load(path, file_type="obj", process=False, maintain_order=True)
    except Exception as error:
        raise FormatError(path, f"expected Wavefront OBJ, got {error!r}") from error
    return from_trimesh(path, loaded)


def _own_files(path: Path) -> set[str]:
    """Names of the material and the picture that an OBJ file at the place, if it is one of ours, refers to."""
    if not path.is_file():
        return set()
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    found = re.search(rb"^mtllib (\S+-[0-9a-f]{12})\.mtl\s*$", head, re.MULTILINE)
    stem = found.group(1).decode(errors="replace") if found else ""
    return (
        {f"{stem}.mtl", f"{stem}.png"} if re.fullmatch(re.escape(_safe(path.stem)) + "-[0-9a-f]{12}", stem) else set()
    )


def _safe(stem: str) -> str:
    """Without what would end a name in a line of an OBJ or MTL file."""
    return re.sub(r"[^\w.-]", "_", stem)
