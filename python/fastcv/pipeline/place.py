# SPDX-License-Identifier: Apache-2.0
"""Where the mesh goes: into the run folder, or to a file of its own beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import io
from ..mesh import Mesh
from .digest import digest_file
from .options import OptionsError

_OTHER_MESHES = (".stl", ".off", ".gltf", ".dae", ".fbx", ".usd", ".usdz", ".vrml", ".wrl", ".x3d")  # nobody's folder


@dataclass(frozen=True)
class Place:
    """A run folder, and the kind and the copy of the mesh in it.

    Parameters
    ----------
    folder : Path
    suffix : str
        Of the mesh in the folder: .glb, .ply or .obj.
    copy : Path or None
        Where else the mesh goes.
    """

    folder: Path
    suffix: str
    copy: Path | None

    @classmethod
    def of(cls, out: str | os.PathLike[str]) -> Place:
        """``name`` is a run folder with ``mesh.glb`` in it; ``name.glb`` a mesh, beside its run folder ``name``."""
        path = Path(out)
        if path.suffix.lower() in _OTHER_MESHES and not path.is_dir():
            raise OptionsError(f"out: expected a folder or a mesh in {', '.join(io.MESH_SUFFIXES)}, got {path}")
        if path.suffix.lower() in io.MESH_SUFFIXES and not path.is_dir():
            return cls(path.with_suffix(""), path.suffix.lower(), path)
        return cls(path, ".glb", None)

    @property
    def mesh(self) -> Path:
        """Where people find the mesh."""
        return self.copy or self._made

    @property
    def _made(self) -> Path:
        return self.folder / f"mesh{self.suffix}"

    def deliver(self, load: Callable[[], Mesh]) -> None:
        """Bring the copy up to date, in one step; ``load`` gives the mesh."""
        if self.copy is None or (self.copy.exists() and digest_file(self.copy) == digest_file(self._made)):
            return
        if self.suffix == ".obj":  # the files beside it have names like its own
            io.write_mesh(self.copy, load())
            return
        with io.atomic_write(self.copy) as file, self._made.open("rb") as source:
            shutil.copyfileobj(source, file)
