# SPDX-License-Identifier: Apache-2.0
"""``fastcv mvs``: a posed model and its photographs to depth maps, a cloud and a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from ..pipeline import DensifyOptions, DensifySummary
from .later import later
from .main import INCOMPLETE
from .progress import make_console, show_progress


def mvs(
    model: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    stereo: Annotated[Callable[[], DensifyOptions], tyro.conf.arg(constructor=later(DensifyOptions))],
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Estimate depth for the photographs of a COLMAP model and fuse it to a cloud.

    Writes depth maps, a dense cloud (PLY) and report.html. After an interruption of any kind the same command goes on
    where it stopped. Exit code 3: done, but views were skipped; the summary says which and why.

    Args:
        model: Folder of a COLMAP model, with or without points.
        images: Folder of its photographs.
        out: Folder for the results: a new one, or one of an earlier run.
        stereo: Which views, and how.
        overwrite: Redo everything that is in the folder from an earlier run.
        json: Print the summary as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    options = stereo()
    stages = pipeline.DENSIFY_STAGES if options.part is None else pipeline.DENSIFY_STAGES[:1]
    with show_progress(stages) as progress:
        summary = pipeline.densify(model, images, out, options, overwrite=overwrite, progress=progress)
    if json:
        print(summary.to_json())
    else:
        _print(summary)
    return INCOMPLETE if summary.skipped else 0


def _print(summary: DensifySummary) -> None:
    """The summary for people, on standard output."""
    console = make_console(stderr=False)
    for text in summary.warnings:
        console.print("warning: ", text, style="yellow", sep="", markup=False)
    sizes = sorted({(facts["width"], facts["height"]) for facts in summary.views.values()})
    pixels = ", ".join(f"{width} × {height}" for width, height in sizes)
    limit = f"longest side limited to {summary.options['max_size']}"
    console.print(f"{summary.num_depth_maps} depth maps of {pixels or 'no'} pixels ({limit})", markup=False)
    if summary.num_points is not None and summary.depth_coverage is not None:
        console.print(
            f"{summary.confirmed or 0:.0%} of the depths are confirmed by other views and cover "
            f"{summary.depth_coverage:.0%} of the pixels; {summary.num_points} points in fused.ply",
            markup=False,
        )
    total = sum(summary.seconds.values())
    memory = f"{summary.peak_memory_mb:.0f} MB of memory at most ({summary.max_memory_mb:.0f} MB allowed)"
    console.print(f"{total:.1f} s in all, {memory}", markup=False)
    name = "report.html" if "report.html" in summary.files else ""
    console.print(Path(summary.out) / name, style="bold", markup=False)
