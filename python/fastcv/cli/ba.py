# SPDX-License-Identifier: Apache-2.0
"""``fastcv ba``: a bundle adjustment problem from a file to its solution, numbers and a report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from .._extras import require
from ..pipeline import AdjustOptions, AdjustSummary
from .later import later
from .progress import make_console, show_progress

if TYPE_CHECKING:
    from rich.console import Console

    from ..ba import Iteration

_HEAD = "step         cost / px²     change   gradient       step     radius  linear  seconds"


def ba(
    problem: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    adjustment: Annotated[Callable[[], AdjustOptions], tyro.conf.arg(constructor=later(AdjustOptions))],
    json: bool = False,
) -> int:
    """Adjust cameras and points of a BAL problem or a COLMAP model so that they explain their observations best.

    Writes the solution in the format of the problem (OUT/adjusted), result.json and report.html. Ctrl-C keeps the best
    state so far.

    Args:
        problem: BAL file (.txt, .txt.xz, .txt.bz2, .txt.gz), or folder of a COLMAP model.
        out: Folder for the results: a new one, or one of an earlier run, whose results are replaced.
        adjustment: What to adjust and how.
        json: Print the result as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    options, console = adjustment(), make_console()
    try:
        with show_progress(pipeline.ADJUST_STAGES, console) as progress:
            table = _Table(console)
            summary = pipeline.adjust(problem, out, options, progress=progress, callback=table.add)
    except pipeline.AdjustInterrupted as interrupted:
        _print(interrupted.summary, json)
        place = Path(interrupted.summary.out)
        print(f"fastcv: interrupted. The best state so far is in {place / pipeline.SOLUTION}.", file=sys.stderr)
        return 130
    _print(summary, json)
    return 1 if summary.termination == "failed" else 0


class _Table:
    """A row on standard error for each iteration as it ends, under one head."""

    def __init__(self, console: Console):
        self._console, self._cost = console, float("nan")

    def add(self, iteration: Iteration) -> None:
        if iteration.iteration == 0:
            self._print(_HEAD, "bold")
        change = f"{iteration.cost - self._cost:+.2e}" if iteration.iteration else ""
        row = (
            f"{iteration.iteration:4d} {iteration.cost:18.9g} {change:>10} {iteration.gradient_max:10.2e} "
            f"{iteration.step_norm:10.2e} {iteration.trust_region_radius:10.2e} {iteration.linear_iterations:7d} "
            f"{iteration.seconds:8.2f}"
        )
        if iteration.accepted:
            self._print(row)
            self._cost = iteration.cost
        else:
            self._print(f"{row}  not taken", "dim")

    def _print(self, row: str, style: str = "") -> None:
        """In a Text of its own: a style given to ``print`` would reach the progress bars below, too."""
        self._console.print(require("rich.text").Text(row, style=style))


def _print(summary: AdjustSummary, json: bool) -> None:
    """The result on standard output."""
    if json:
        print(summary.to_json())
        return
    from ..pipeline import describe_adjustment

    console = make_console(stderr=False)
    for text in summary.warnings:
        console.print("warning: ", text, style="yellow", sep="", markup=False)
    for line in describe_adjustment(summary):
        console.print(line, markup=False)
    console.print(Path(summary.out) / "report.html", style="bold", markup=False)
