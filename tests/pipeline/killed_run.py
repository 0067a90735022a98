# SPDX-License-Identifier: Apache-2.0
"""Runs ``fastcv`` in a process of its own and sends that process a signal at a chosen moment.

Usage: killed_run.py SIGNAL MOMENT... -- COMMAND LINE, where a moment is ``at STAGE DONE`` (when that many tasks of a
stage are finished), ``in STAGE`` (shortly after it began), ``writing N`` (when the Nth file is complete under its
temporary name, before it gets its own) or ``deaf`` (in the detection of features, which then sleeps and hears nothing).
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastcv import features, pipeline
from fastcv.cli import carve, fuse, mvs, reconstruct
from fastcv.cli.main import main
from fastcv.pipeline import stage_integrate


def arrange(kind: str, moment: str, *details: str) -> None:
    def end() -> None:
        os.kill(os.getpid(), signal.Signals[kind])

    def listen(event: pipeline.Progress) -> None:
        if moment == "at" and not event.detail and (event.stage, str(event.done)) == details:
            end()
        if moment == "in" and not event.detail and (event.stage, event.done) == (details[0], 0):
            threading.Timer(0.02, end).start()

    @contextmanager
    def show_progress(_: Sequence[str]) -> Iterator[pipeline.ProgressCallback]:
        yield listen

    for command in (carve, fuse, mvs, reconstruct):
        command.show_progress = show_progress  # type: ignore[assignment]
    # Depth maps are integrated one by one, and the volume is written after each.
    stage_integrate.BATCH_BYTES, stage_integrate.CHECKPOINT_SECONDS, stage_integrate.CHECKPOINT_SHARE = (
        1,
        0,
        float("inf"),
    )
    if moment == "writing":
        replace, count = os.replace, itertools.count(1)

        def replace_or_end(source: str, target: str) -> None:
            if next(count) == int(details[0]):
                end()
            replace(source, target)

        os.replace = replace_or_end  # type: ignore[assignment]
    if moment == "deaf":

        def extract(*_: Any, **__: Any) -> None:
            end()
            time.sleep(3600)

        features.extract = extract  # type: ignore[assignment]


if __name__ == "__main__":
    end = sys.argv.index("--")
    arrange(*sys.argv[1:end])
    sys.argv[1:] = sys.argv[end + 1 :]
    main()
