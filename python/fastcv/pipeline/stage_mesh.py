# SPDX-License-Identifier: Apache-2.0
"""Stages "mesh" and "turntable": a surface as a file for others, as arrays for us, and as pictures from all around."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, meshes, report
from ..mesh import Mesh
from .looks import look_twice
from .run_folder import RunFolder
from .store import load_arrays, save_arrays
from .tasks import Made, Task
from .text import thousands

MESH = "mesh"  # without the suffix, which the user chooses
_ARRAYS = "surface.npz"
_NUM_TURNS, _TURN_SIZE = 8, (480, 360)  # pictures of the turntable, and their width and height


def run(run: RunFolder, inputs: Sequence[Any], suffix: str, extract: Callable[[], Mesh]) -> None:
    """Write the mesh, which has faces; ``inputs`` are all that it depends on beside the suffix of its file."""

    def make() -> Made:
        mesh = extract()
        files = [run.path / f"{MESH}{suffix}", run.path / _ARRAYS]
        io.write_mesh(files[0], mesh)
        parts = {name: getattr(mesh, name) for name in ("vertices", "faces", "colors", "normals")}
        save_arrays(files[1], {name: part for name, part in parts.items() if part is not None})
        return Made(files, {"vertices": len(mesh.vertices), "faces": len(mesh.faces)})

    run.execute("mesh", [Task("mesh", [*inputs, suffix], make)])


def cleaned(run: RunFolder, mesh: Mesh, min_part: float, max_faces: int) -> Mesh:
    """The mesh without pieces that have fewer triangles than this part of the largest, and with at most so many
    triangles about; 0 for all."""
    mesh = meshes.keep_components(mesh, min_part=min_part)
    if not max_faces or len(mesh.faces) <= max_faces:
        return mesh
    run.detail("mesh", f"{thousands(len(mesh.faces))} triangles, merged to {thousands(max_faces)}")
    return meshes.simplify_mesh(mesh, max_faces)


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
    """The mesh that was written."""
    arrays = load_arrays(run.path / _ARRAYS)
    return Mesh(arrays["vertices"], arrays["faces"], arrays.get("colors"), arrays.get("normals"))
