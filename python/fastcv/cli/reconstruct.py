# SPDX-License-Identifier: Apache-2.0
"""``fastcv reconstruct``: photographs to cameras, depth, a cloud and a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..pipeline import Options, Summary
from .later import later
from .progress import make_console, show_progress

if TYPE_CHECKING:
    from rich.console import Console


def reconstruct(
    photos: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    reconstruction: Annotated[Callable[[], Options], tyro.conf.arg(constructor=later(Options))],
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Reconstruct a scene from photographs.

    Writes cameras and points (COLMAP model), depth maps, a dense cloud (PLY) and report.html. After an interruption of
    any kind the same command goes on where it stopped.

    Args:
        photos: Folder of photographs.
        out: Folder for the results: a new one, or one of an earlier run.
        reconstruction: How to reconstruct.
        overwrite: Redo everything that is in the folder from an earlier run.
        json: Print the summary as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    options = reconstruction()
    with show_progress(options.stages) as progress:
        summary = pipeline.reconstruct(photos, out, options, overwrite=overwrite, progress=progress)
    if json:
        print(summary.to_json())
    else:
        print_summary(summary)
    return 0


def print_summary(summary: Summary) -> None:
    """The summary for people, on standard output."""
    console = make_console(stderr=False)
    for text in summary.warnings:
        console.print("warning: ", text, style="yellow", sep="", markup=False)
    _print_models(console, summary)
    if summary.num_dense_points is not None:
        share = f"{summary.depth_coverage:.0%}" if summary.depth_coverage is not None else "none"
        console.print(
            f"{summary.num_depth_maps} depth maps cover {share} of their pixels on average, "
            f"{summary.num_dense_points} points in fused.ply",
            markup=False,
        )
    total = sum(summary.seconds.values())
    console.print(f"{total:.1f} s in all, {summary.peak_memory_mb:.0f} MB of memory at most", markup=False)
    name = "report.html" if "report.html" in summary.files else "summary.json"
    console.print(Path(summary.out) / name, style="bold", markup=False)


def _print_models(console: Console, summary: Summary) -> None:
    used = summary.num_photos - len(summary.skipped)
    if not summary.models:
        console.print(f"{used} photographs", markup=False)
    for number, model in enumerate(summary.models):
        console.print(
            f"sparse/{number}: {model['registered']} of {used} photographs, {model['points']} points, "
            f"mean reprojection error {model['mean_reprojection_error_px'] or 0:.3f} px",
            markup=False,
        )
