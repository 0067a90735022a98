# SPDX-License-Identifier: Apache-2.0
"""Tasks that fill a run folder, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any


@dataclass(frozen=True)
class Made:
    """What a task made.

    Parameters
    ----------
    files : sequence of Path
        A folder stands for all files in it.
    info : dict
        Facts about them that JSON can hold.
    write : callable, optional
        Writes the files, in the thread that owns the run folder. None: they are written.
    """

    files: Sequence[Path] = ()
    info: dict[str, Any] = field(default_factory=dict)
    write: Callable[[], None] | None = None


@dataclass(frozen=True)
class Task:
    """One unit of work that is kept or redone as a whole.

    Parameters
    ----------
    item : str
        Its name within the stage, such as that of a photograph.
    inputs : list
        What the result depends on beside fastcv's version: numbers, strings, lists and dictionaries of them.
    make : callable
        Writes the files, each of them atomically. A task for a worker thread leaves that to ``Made.write``, so that it
        can be abandoned at any moment.
    """

    item: str
    inputs: Sequence[Any]
    make: Callable[[], Made]


def run_tasks(tasks: Sequence[Task], workers: int, stopped: Event) -> Iterator[tuple[Task, Made]]:
    """Each task with what it made, as they finish. Whatever stops the consumer stops the workers too."""
    if not workers:
        for task in tasks:
            yield task, task.make()
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fastcv")
    try:
        futures = {pool.submit(task.make): task for task in tasks}
        while futures:
            finished, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=lambda f: futures[f].item):
                yield futures.pop(future), future.result()
    except BaseException:
        stopped.set()
        raise
    finally:
        # Not waiting: what is in work when a run is stopped can take seconds, and nobody will use it.
        pool.shutdown(wait=False, cancel_futures=True)
