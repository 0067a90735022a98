# SPDX-License-Identifier: Apache-2.0
"""One process at a time in a run folder."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FastcvError


class FolderInUseError(FastcvError, RuntimeError):
    """Another process works in the run folder; the message names it."""


@contextmanager
def hold(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file ``path``, alone or together with others that share it, or raise FolderInUseError.

    The kernel owns the lock (flock), so that of a killed process is gone with it and nothing has to be cleaned up.
    The file stays: to remove it would race with a process that has just opened it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
            raise FolderInUseError(f"{path.parent}: in use by {holder}; wait for it or choose another folder") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
