# SPDX-License-Identifier: Apache-2.0
"""Files and folders that appear whole or not at all, whatever interrupts the writer."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# linux/fs.h and linux/fcntl.h
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file so that readers see the old content or the new, never a part.

    The bytes go to a temporary file in the same folder, which is flushed to the disk and then renamed. On any
    exception (KeyboardInterrupt and a full disk included) the temporary file is removed and the old file stays.
    A killed process can leave a file ``.fastcv-*.tmp`` behind. A symbolic link is followed, as ``open`` does.

    Parameters
    ----------
    path : path-like
        The file to create or replace. Its folder must exist.

    Yields
    ------
    BinaryIO
        Opened for writing and reading, seekable.

    Raises
    ------
    OSError
        Whatever the file system refuses; FileExistsError where ``path`` is a folder or a device.

    Examples
    --------
    >>> with atomic_write("notes.txt") as file:
    ...     _ = file.write(b"whole")
    >>> Path("notes.txt").read_text()
    'whole'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "expected a regular file or nothing at the place to write", str(target))
    temporary = _temporary_beside(target)
    # os.open lets the kernel apply the umask; tempfile would make every result private.
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            if target.exists():
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _fsync(target.parent)


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a folder so that readers see the old one or the new, never a part.

    The old folder is replaced as a WHOLE: files in it that the new one lacks are gone. It is swapped for the new
    one in one step where the file system can (``renameat2``, Linux), else by two renames.

    Parameters
    ----------
    path : path-like
        The folder to create or replace. Its parent must exist.

    Yields
    ------
    Path
        An empty temporary folder beside ``path``; write into it.

    Raises
    ------
    OSError
        Whatever the file system refuses; NotADirectoryError where ``path`` is a file.

    Examples
    --------
    >>> with atomic_directory("model") as folder:
    ...     _ = (folder / "cameras.txt").write_text("")
    >>> os.listdir("model")
    ['cameras.txt']
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "expected a folder or nothing at the place to write", str(target))
    temporary = _temporary_beside(target)
    temporary.mkdir()
    try:
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in (*names, "."):
                _fsync(Path(folder, name))
        _move_into_place(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    # After a swap the old folder carries the temporary name.
    shutil.rmtree(temporary, ignore_errors=True)
    _fsync(target.parent)


def _temporary_beside(target: Path) -> Path:
    return target.with_name(f".fastcv-{secrets.token_hex(6)}.tmp")


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_into_place(new: Path, target: Path) -> None:
    """Rename ``new`` to ``target``; an old target ends under the name ``new``."""
    if not target.exists():
        os.rename(new, target)
    elif not _exchange(new, target):
        old = _temporary_beside(target)
        os.rename(target, old)
        try:
            os.rename(new, target)
        except BaseException:
            os.rename(old, target)
            raise
        os.rename(old, new)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two names in one step. False where the C library or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    # flags is unsigned; ints would do, but the folder descriptors are negative.
    arguments = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), ctypes.c_uint(_RENAME_EXCHANGE))
    if renameat2(*arguments) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(code, os.strerror(code), str(second))
