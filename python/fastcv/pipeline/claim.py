# SPDX-License-Identifier: Apache-2.0
"""An output folder that belongs to one command and, while it works, to one process or one per part of the work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .lock import hold
from .manifest import NAME, Stages, read_manifest, refuse_foreign_folder, write_manifest


@contextmanager
def claim(path: Path, command: str, part: str = "") -> Iterator[Stages]:
    """Create the folder or take over that of an earlier run, and lock it while the context is open.

    Parameters
    ----------
    path : Path
    command : str
        A key of ``FORMATS``.
    part : str
        Name of a part of the work. Processes with different parts share the folder; one without has it for itself.

    Yields
    ------
    dict
        Records of earlier runs, of this part, by stage.

    Raises
    ------
    FileExistsError
        ``path`` is a file or a folder with something else in it.
    FolderInUseError
        Another process works in it.
    """
    refuse_foreign_folder(path, command)
    path.mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks:
        locks.enter_context(hold(path / ".lock", shared=bool(part)))
        if part:
            locks.enter_context(hold(path / f".lock-{part}"))
        else:
            _remove_temporaries(path)
        stages = read_manifest(path, part)
        if part and not (path / NAME).exists():
            write_manifest(path, {}, command)  # it says whose the folder is
        write_manifest(path, stages, command, part)
        yield stages


def _remove_temporaries(folder: Path) -> None:
    """What killed writers left behind; nobody else writes here now."""
    for path in list(folder.rglob(".fastcv-*.tmp")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
