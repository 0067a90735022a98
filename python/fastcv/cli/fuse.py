# SPDX-License-Identifier: Apache-2.0
"""``fastcv fuse``: depth maps to a mesh and a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from ..pipeline import FuseOptions
from .later import later
from .progress import show_progress
from .surface import finish


def fuse(
    scene: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    fusion: Annotated[Callable[[], FuseOptions], tyro.conf.arg(constructor=later(FuseOptions))],
    images: Path | None = None,
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Fuse depth maps to a mesh.

    Writes a mesh and report.html. After an interruption of any kind the same command goes on where it stopped, and with
    more depth maps at the end of a sequence it adds those. Exit code 3: done, but depth maps were skipped; the summary
    says which and why.

    Args:
        scene: Run folder of mvs or reconstruct, COLMAP's dense workspace, or an RGB-D sequence (7-Scenes, TUM).
        out: Folder for the results, or the file of the mesh, NAME.glb, .ply or .obj: the rest is then in
            the folder NAME.
        fusion: How to fuse.
        images: Folder of the photographs, where it is not where the run folder says.
        overwrite: Redo everything that is in the folder from an earlier run.
        json: Print the summary as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    options = fusion()
    with show_progress(pipeline.FUSE_STAGES) as progress:
        summary = pipeline.fuse_depths(scene, out, options, images=images, overwrite=overwrite, progress=progress)
    lines = [f"{len(summary.views)} depth maps in voxels of side {summary.volume['voxel_size']:.4g}"]
    return finish(summary, lines, json)
