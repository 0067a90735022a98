# SPDX-License-Identifier: Apache-2.0
"""Progress of a run on standard error: bars on a terminal, one line for each finished stage elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._extras import require
from ..pipeline import Progress, ProgressCallback

if TYPE_CHECKING:
    from rich.console import Console

# What each stage does, for people.
LABELS = {
    "render": "render photographs",
    "features": "detect features",
    "matches": "match pairs",
    "verify": "verify pairs",
    "sparse": "cameras and points",
    "depth": "depth maps",
    "filter": "filter depth",
    "fuse": "fuse",
    "masks": "silhouettes",
    "carve": "carve",
    "color": "colours",
    "integrate": "depth maps",
    "mesh": "mesh",
    "train": "train",
    "views": "compare views",
    "turntable": "turntable",
    "read": "read problem",
    "adjust": "adjust",
    "write": "write solution",
    "report": "report",
}


def make_console(stderr: bool = True) -> Console:
    """Where text for people goes: long lines as they are, no colours but those asked for."""
    return require("rich.console").Console(stderr=stderr, highlight=False, soft_wrap=True)


@contextmanager
def show_progress(stages: Sequence[str], console: Console | None = None) -> Iterator[ProgressCallback]:
    """A callback that shows the progress of these stages while the context is open.

    Lines printed to the same console meanwhile stand above the bars.
    """
    console = console or make_console()
    if not console.is_terminal:
        yield _lines(console)
        return
    progress = require("rich.progress")
    bars = progress.Progress(
        progress.TextColumn("{task.description:<20}"),
        progress.BarColumn(bar_width=30),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("[dim]{task.fields[detail]}"),
        console=console,
    )
    with bars:
        tasks = {
            stage: bars.add_task(LABELS[stage], start=False, total=None, detail="", visible=False) for stage in stages
        }

        def update(event: Progress) -> None:
            task = tasks[event.stage]
            if not bars.tasks[task].started:
                bars.start_task(task)
            finished = event.done == event.total
            detail = "" if finished else require("rich.markup").escape(event.detail or event.item)
            bars.update(task, completed=event.done, total=event.total, detail=detail, visible=True)
            if finished:
                bars.stop_task(task)

        yield update


def _lines(console: Console) -> ProgressCallback:
    def update(event: Progress) -> None:
        if event.done == event.total and not event.detail:
            line = f"{LABELS[event.stage]:<20} {event.done}/{event.total}  {event.seconds:.1f} s"
            console.print(line, markup=False)

    return update
