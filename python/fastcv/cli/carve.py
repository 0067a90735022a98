# SPDX-License-Identifier: Apache-2.0
"""``fastcv carve``: silhouettes or depth maps with cameras to a mesh and a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from ..pipeline import CarveOptions
from .later import later
from .progress import show_progress
from .surface import finish


def carve(
    scene: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    carving: Annotated[Callable[[], CarveOptions], tyro.conf.arg(constructor=later(CarveOptions))],
    cameras: Path | None = None,
    images: Path | None = None,
    masks: Path | None = None,
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Carve an object out of space by its silhouettes, photographs or depth maps.

    Writes a mesh and report.html. After an interruption of any kind the same command goes on where it stopped. Exit
    code 3: done, but views were skipped; the summary says which and why.

    Args:
        scene: Folder with cameras: a COLMAP model (also in sparse/0 or sparse), Middlebury's *_par.txt, or P.txt with a
            projection matrix on each line. To carve by depth maps, what fuse takes.
        out: Folder for the results, or the file of the mesh, NAME.glb, .ply or .obj: the rest is then in
            the folder NAME.
        carving: How to carve.
        cameras: COLMAP model, *_par.txt or file of projection matrices, where it is elsewhere.
        images: Folder of the photographs; by default images, photos or the scene itself.
        masks: Folder of the silhouettes; by default masks or mask in the scene. Without any, give a background.
        overwrite: Redo everything that is in the folder from an earlier run.
        json: Print the summary as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    options = carving()
    with show_progress(pipeline.CARVE_STAGES) as progress:
        summary = pipeline.carve_scene(
            scene, out, options, cameras=cameras, images=images, masks=masks, overwrite=overwrite, progress=progress
        )
    overlaps = [facts["iou"] for facts in summary.views.values()]
    size = summary.volume["voxel_size"]
    lines = [
        f"{len(summary.views)} views leave {summary.volume['voxels']} voxels of side {size:.4g}",
        f"seen again, the mesh overlaps them by {sum(overlaps) / len(overlaps):.1%} (worst {min(overlaps):.1%})",
    ]
    return finish(summary, lines, json)
