# SPDX-License-Identifier: Apache-2.0
"""The folder of one run: which results it holds, what they were made from, and tasks that fill it.

Every result is the outcome of a task, and ``manifest.json`` records for each task a key (the digest of all that the
result depends on: options, contents of the files it was made from, fastcv's version) and the digests of its files.
A task whose record still fits is not run again, so a run that was killed goes on where it stopped, and a changed
option or photograph redoes what depends on it and nothing else.

Several processes, also on several machines, can share a folder where each has a part of the work, and a manifest of its
own. A result that is finished is taken from whichever manifest records it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

from .. import __version__
from ..errors import FormatError
from .claim import claim
from .digest import digest_file, digest_values
from .manifest import Stages, read_other_manifests, write_manifest
from .progress import Progress, ProgressCallback
from .tasks import Made, Task, run_tasks


class RunFolder:
    """A run folder, locked while the context is open.

    Parameters
    ----------
    path : Path
        Created where it is missing. A folder that holds other things is refused.
    progress : callable, optional
        Receives ``Progress``.
    overwrite : bool
        Forget the results of earlier runs in this folder, those of this part where there is one.
    command : str
        Whose folder it is, a key of ``manifest.FORMATS``.
    part : str
        Name of the part of the work that this process does; empty for all of it.

    Raises
    ------
    FileExistsError
        ``path`` is a file or a folder with something else in it.
    FolderInUseError
        Another process works in it.
    """

    def __init__(
        self,
        path: Path,
        progress: ProgressCallback | None = None,
        overwrite: bool = False,
        command: str = "reconstruct",
        part: str = "",
    ):
        self.path, self._command, self._part = path, command, part
        self.worked = False  # whether any result has changed since the folder was opened
        self._progress = progress or (lambda _: None)
        self._overwrite = overwrite
        self._stack = ExitStack()
        self._stages: Stages = {}
        self._others: list[Stages] = []  # what other parts have recorded
        self._stopped = Event()
        self._running = (0, 0, 0.0)  # tasks done and all, and the start of the stage in work

    def __enter__(self) -> RunFolder:
        with ExitStack() as stack:
            self._stages = stack.enter_context(claim(self.path, self._command, self._part))
            if self._overwrite:
                for stage in list(self._stages):
                    self.forget(stage)
            else:
                self._others = read_other_manifests(self.path, self._part)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def file(self, kind: str, name: str, suffix: str) -> Path:
        """Where the result of a kind for an item such as a photograph lies; its folder is made.

        Raises
        ------
        FormatError
            A name that leads out of the run folder, as a hostile model can have.
        """
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise FormatError(self.path, f"expected names of results that stay in the folder, got {name!r}")
        path = self.path / kind / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def info(self, stage: str) -> dict[str, dict[str, Any]]:
        """Facts about each item of a stage."""
        return {item: record["info"] for item, record in self._items(stage).items()}

    def digests(self, stage: str, item: str) -> dict[str, str]:
        """Path (relative to the folder) and content digest of an item's files."""
        return self._items(stage)[item]["files"]

    def seconds(self) -> dict[str, float]:
        """Time that each stage took, summed over all runs that contributed to it."""
        return {stage: record["seconds"] for stage, record in self._stages.items()}

    def _items(self, stage: str) -> dict[str, Any]:
        return self._stages.get(stage, {"items": {}})["items"]

    def forget(self, stage: str, items: Iterable[str] | None = None) -> None:
        """Remove the results of a stage, or of some items of it."""
        records = self._items(stage)
        for item in list(records) if items is None else items:
            self._remove_files(records.pop(item)["files"])
        if items is None:
            self._stages.pop(stage, None)
        self._write()

    def _remove_files(self, names: Iterable[str]) -> None:
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def _write(self) -> None:
        write_manifest(self.path, self._stages, self._command, self._part)

    def finished(self, stage: str, tasks: Sequence[Task]) -> list[Task]:
        """Those of the tasks of a stage whose results are there."""
        return [task for task in tasks if self._current(stage, task)]

    def execute(
        self, stage: str, tasks: Sequence[Task], *, workers: int = 0, keep_others: bool = False
    ) -> dict[str, dict[str, Any]]:
        """Run the tasks of a stage whose results are not there yet; drop results that no task wants, or keep them.

        Without workers tasks run in the calling thread, where Ctrl-C reaches fastcv's native code at once. Libraries
        that do not listen to it belong into worker threads: those are left behind with the task they are at.

        Returns
        -------
        dict
            Facts about each item, in the order of the tasks.
        """
        start = time.perf_counter()
        record = self._stages.setdefault(stage, {"seconds": 0.0, "items": {}})
        todo = self._keep_what_fits(stage, tasks, keep_others)
        done, before = len(tasks) - len(todo), record["seconds"]
        self._progress(Progress(stage, done, len(tasks), 0.0))
        self._running = done, len(tasks), start
        for task, made in run_tasks(todo, workers, self._stopped):
            self._keep(stage, task, made, tasks)
            done, elapsed = done + 1, time.perf_counter() - start
            self._running = done, len(tasks), start
            record["seconds"] = before + elapsed
            self._write()
            self._progress(Progress(stage, done, len(tasks), elapsed, task.item))
        return {task.item: record["items"][task.item]["info"] for task in tasks}

    def _keep_what_fits(self, stage: str, tasks: Sequence[Task], keep_others: bool) -> list[Task]:
        """Take over what other parts have made, drop what no task wants; the tasks that are left to do."""
        record = self._stages[stage]
        found = {task.item: current for task in tasks if (current := self._current(stage, task))}
        todo = [task for task in tasks if task.item not in found]
        adopted = {item: current for item, current in found.items() if record["items"].get(item) != current}
        if adopted:
            record["items"] |= adopted
            self._write()
        unwanted = set() if keep_others else record["items"].keys() - {task.item for task in tasks}
        if unwanted:
            self.forget(stage, unwanted)
        if len(todo) == len(tasks):
            record["seconds"] = 0.0
        if (todo or unwanted or adopted) and not self.worked and stage != "report":
            self.worked = True
            self._forget_conclusions()
        return todo

    def _keep(self, stage: str, task: Task, made: Made, tasks: Sequence[Task]) -> None:
        """Record what a task made, and remove those of its earlier files that it did not make again."""
        if made.write:
            made.write()
        record = self._stages[stage]
        files = {name: digest_file(self.path / name) for name in self._file_names(made.files)}
        self._remove_files(record["items"].get(task.item, {"files": {}})["files"].keys() - files.keys())
        items = {**record["items"], task.item: {"key": self._key(stage, task), "files": files, "info": made.info}}
        wanted = {task.item: None for task in tasks}
        order = [*(item for item in items if item not in wanted), *wanted]
        record["items"] = {item: items[item] for item in order if item in items}

    def detail(self, stage: str, text: str) -> None:
        """Tell the caller where a long task stands."""
        done, total, start = self._running
        self._progress(Progress(stage, done, total, time.perf_counter() - start, detail=text))

    def _forget_conclusions(self) -> None:
        """The report and the summary describe results that are about to change."""
        self.forget("report")
        for stages in self._others:
            for record in stages.get("report", {"items": {}})["items"].values():
                self._remove_files(record["files"])
        (self.path / "summary.json").unlink(missing_ok=True)

    def checkpoint(self) -> None:
        """Long tasks call this now and then; it raises CancelledError once the run was stopped."""
        if self._stopped.is_set():
            raise CancelledError

    def _key(self, stage: str, task: Task) -> str:
        return digest_values(__version__, stage, task.inputs)

    def _current(self, stage: str, task: Task) -> dict[str, Any] | None:
        """The record of a task's result that is there, whichever part made it."""
        key = self._key(stage, task)
        for stages in (self._stages, *self._others):
            record = stages.get(stage, {"items": {}})["items"].get(task.item)
            if record is not None and record["key"] == key and self._is_whole(record["files"]):
                return record
        return None

    def _is_whole(self, digests: dict[str, str]) -> bool:
        return all(
            (self.path / name).is_file() and digest_file(self.path / name) == digest for name, digest in digests.items()
        )

    def _file_names(self, paths: Iterable[Path]) -> list[str]:
        files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
        return sorted(file.relative_to(self.path).as_posix() for file in files)
