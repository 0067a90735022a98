# SPDX-License-Identifier: Apache-2.0
"""An output folder that belongs to one command and, while it works, to one process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .lock import exclusive
from .manifest import NAME, Stages, read_manifest, refuse_foreign_folder, write_manifest


@contextmanager
def claim(path: Path, command: str) -> Iterator[Stages]:
    """Create the folder or take over that of an earlier run, and lock it while the context is open.

    Yields
    ------
    dict
        Records of earlier runs by stage.

    Raises
    ------
    FileExistsError
        ``path`` is a file or a folder with something else in it.
    FolderInUseError
        Another process works in it.
    """
    refuse_foreign_folder(path, command)
    path.mkdir(parents=True, exist_ok=True)
    with exclusive(path / ".lock"):
        _remove_temporaries(path)
        stages = read_manifest(path) if (path / NAME).exists() else {}
        write_manifest(path, stages, command)
        yield stages


def _remove_temporaries(folder: Path) -> None:
    """What killed writers left behind; nobody else writes here now."""
    for path in list(folder.rglob(".fastcv-*.tmp")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
