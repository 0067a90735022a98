# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline in a process of its own and ends that process at a chosen moment.

Usage: killed_run.py PHOTOS OUT SIGNAL MOMENT..., where a moment is ``at STAGE DONE`` (when that many tasks of a stage
are finished) or ``writing N`` (when the Nth file is complete under its temporary name, before it gets its own).
"""

from __future__ import annotations

import itertools
import os
import signal
import sys

from fastcv import pipeline


def main(photos: str, out: str, kind: str, moment: str, *details: str) -> None:
    def end() -> None:
        os.kill(os.getpid(), signal.Signals[kind])

    def listen(event: pipeline.Progress) -> None:
        if moment == "at" and not event.detail and (event.stage, str(event.done)) == details:
            end()

    if moment == "writing":
        replace, count = os.replace, itertools.count(1)

        def replace_or_end(source: str, target: str) -> None:
            if next(count) == int(details[0]):
                end()
            replace(source, target)

        os.replace = replace_or_end  # type: ignore[assignment]
    pipeline.reconstruct(photos, out, pipeline.Options(quality="low"), progress=listen)


if __name__ == "__main__":
    main(*sys.argv[1:])
