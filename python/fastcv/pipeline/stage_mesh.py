# SPDX-License-Identifier: Apache-2.0
"""Stages "mesh" and "turntable": a surface as a file for others, as arrays for us, and as pictures from all around."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, meshes, report
from ..mesh import Mesh
from . import stage_texture
from .carve_options import CarveOptions
from .fuse_options import FuseOptions
from .looks import look_twice
from .run_folder import RunFolder
from .store import load_arrays, save_arrays
from .tasks import Made, Task
from .text import thousands

SurfaceOptions = CarveOptions | FuseOptions

MESH = "mesh"  # without the suffix, which the user chooses
_ARRAYS = "surface.npz"
_NUM_TURNS, _TURN_SIZE = 8, (480, 360)  # pictures of the turntable, and their width and height


def run(
    run: RunFolder,
    inputs: Sequence[Any],
    suffix: str,
    extract: Callable[[], Mesh],
    texturing: stage_texture.Texturing | None = None,
) -> None:
    """Write the mesh, which has faces, with a texture where one is wanted; ``inputs`` are all that the surface depends
    on."""

    def make_surface() -> Made:
        mesh = extract()
        parts = {name: getattr(mesh, name) for name in ("vertices", "faces", "colors", "normals")}
        save_arrays(run.path / _ARRAYS, {name: part for name, part in parts.items() if part is not None})
        return Made([run.path / _ARRAYS])

    def make_file() -> Made:
        mesh = load_mesh(run)
        files = io.write_mesh(run.path / f"{MESH}{suffix}", mesh)
        return Made(files, {"vertices": len(mesh.vertices), "faces": len(mesh.faces)})

    tasks = [Task("surface", inputs, make_surface)]
    if texturing is not None:
        inputs = [*inputs, texturing.describe()]
        tasks.append(Task("texture", inputs, lambda: stage_texture.make(run, _load_surface(run), texturing)))
    run.execute("mesh", [*tasks, Task("mesh", [*inputs, suffix], make_file)])


def cleaned(run: RunFolder, mesh: Mesh, options: SurfaceOptions) -> Mesh:
    """The mesh without pieces that are too small, and with about as many triangles as are wanted."""
    mesh = meshes.keep_components(mesh, min_part=options.min_part)
    max_faces = options.max_faces or (stage_texture.MAX_FACES if options.texture else 0)
    if not max_faces or len(mesh.faces) <= max_faces:
        return mesh
    run.detail("mesh", f"{thousands(len(mesh.faces))} triangles, merged to {thousands(max_faces)}")
    return meshes.simplify_mesh(mesh, max_faces)


def surface_choices(options: SurfaceOptions) -> list[Any]:
    """What ``cleaned`` depends on."""
    return [options.min_part, options.max_faces, options.texture]


def run_turntable(run: RunFolder, up: NDArray[np.floating], num_threads: int) -> None:
    """Write ``turntable/``: pictures of the mesh in its colours and as grey clay, next to each other."""
    mesh = load_mesh(run)
    views = report.turntable_views(mesh, up, _NUM_TURNS, *_TURN_SIZE)
    made_from = run.digests("mesh", "mesh")

    def task(number: int) -> Task:
        camera, pose = views[number]

        def make() -> Made:
            path = run.file("turntable", f"{number:02d}", ".png")
            io.write_image(path, look_twice(mesh, camera, pose, num_threads))
            return Made([path])

        return Task(f"{number:02d}", [made_from, camera.params.tolist(), pose.tolist()], make)

    run.execute("turntable", [task(number) for number in range(len(views))])


def turntable_files(run: RunFolder) -> list[Path]:
    """The pictures, in their order."""
    return [run.path / name for item in sorted(run.info("turntable")) for name in run.digests("turntable", item)]


def load_mesh(run: RunFolder) -> Mesh:
    """The mesh that was written, with its texture if it has one."""
    mesh = _load_surface(run)
    return replace(mesh, texture=stage_texture.load_texture(run)) if "texture" in run.info("mesh") else mesh


def _load_surface(run: RunFolder) -> Mesh:
    arrays = load_arrays(run.path / _ARRAYS)
    return Mesh(arrays["vertices"], arrays["faces"], arrays.get("colors"), arrays.get("normals"))
