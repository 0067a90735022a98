# SPDX-License-Identifier: Apache-2.0
"""What ``fastcv carve`` and ``fastcv fuse`` say at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..pipeline import SurfaceSummary
from .main import INCOMPLETE
from .progress import make_console


def finish(summary: SurfaceSummary, lines: Sequence[str], json: bool) -> int:
    """Print the summary for programs, or warnings and these lines for people; the exit code."""
    if json:
        print(summary.to_json())
    else:
        _print(summary, lines)
    return INCOMPLETE if summary.skipped else 0


def _print(summary: SurfaceSummary, lines: Sequence[str]) -> None:
    console = make_console(stderr=False)
    for text in summary.warnings:
        console.print("warning: ", text, style="yellow", sep="", markup=False)
    for line in lines:
        console.print(line, markup=False)
    console.print(f"{summary.num_faces} triangles in {summary.mesh}", markup=False)
    total = sum(summary.seconds.values())
    memory = f"{summary.peak_memory_mb:.0f} MB of memory at most ({summary.max_memory_mb:.0f} MB allowed)"
    console.print(f"{total:.1f} s in all, {memory}", markup=False)
    console.print(Path(summary.out) / "report.html", style="bold", markup=False)
