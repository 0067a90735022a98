# SPDX-License-Identifier: Apache-2.0
"""Stage "report" of carving and of fusing depth maps: gather what it shows from the run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import io, meshes, report
from ..mesh import Mesh, Texture
from ..scene import Reconstruction
from .images import resized
from .run_folder import RunFolder
from .stage_mesh import load_mesh, turntable_files
from .surface_summary import SurfaceSummary
from .tasks import Made, Task
from .text import duration, thousands

_MAX_TEXTURE = 1024  # pixels of the sides of its texture: some 2 MB
_MAX_FACES = 100_000  # of the mesh that turns in the report: some 4 MB of the page


def run(
    run: RunFolder,
    summary: SurfaceSummary,
    lead: str,
    figures: Sequence[tuple[str, str]],
    model: Reconstruction,
    views: Sequence[report.SurfaceView],
    views_note: str,
) -> None:
    """Write ``report.html``."""
    path = run.path / "report.html"
    stages = [stage for stage in run.seconds() if stage != "report"]
    digests = [[stage, item, run.digests(stage, item)] for stage in stages for item in run.info(stage)]

    def make() -> Made:
        contents = report.Surface(
            title="/".join(Path(summary.scene).resolve().parts[-2:]),
            lead=lead,
            figures=[
                *figures,
                ("Triangles", thousands(summary.num_faces)),
                *([("Texture", "{width} × {height} px".format(**summary.texture))] if summary.texture else []),
                ("Time", duration(sum(summary.seconds.values()))),
                ("Peak memory", f"{thousands(round(summary.peak_memory_mb))} MB"),
            ],
            facts={
                "Voxels": [(name, _text(value)) for name, value in summary.volume.items()],
                "Options": [(name, str(value)) for name, value in summary.options.items() if value is not None],
                "Versions": list(summary.versions.items()),
            },
            warnings=summary.warnings,
            files=list(summary.files.items()),
            turntable=[io.read_photo(file) for file in turntable_files(run)],
            mesh=_small(load_mesh(run)),
            model=model,
            views=views,
            views_note=views_note,
            seconds={stage: seconds for stage, seconds in summary.seconds.items() if stage != "report"},
        )
        report.write_surface(contents, path)
        return Made([path])

    run.execute("report", [Task("report", [digests, summary.skipped, str(summary.options)], make)])


def _small(mesh: Mesh) -> Mesh:
    """The mesh as a page can carry it."""
    if mesh.texture is None or len(mesh.faces) > _MAX_FACES:
        return meshes.simplify_mesh(replace(mesh, texture=None), _MAX_FACES)
    image = resized(mesh.texture.image, _MAX_TEXTURE)
    zoom = np.array(image.shape[1::-1]) / mesh.texture.image.shape[1::-1]
    return replace(mesh, texture=Texture(image, (mesh.texture.uv * zoom).astype(np.float32)))


def _text(value: Any) -> str:
    """Numbers with as many digits as people read."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(v)}" for name, v in value.items())
    values = np.ravel(value)
    return ", ".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in values.tolist())
