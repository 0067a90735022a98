# SPDX-License-Identifier: Apache-2.0
"""Interrupted and failing writers leave the old file or folder whole, and no litter."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fastcv.io import _atomic, atomic_directory, atomic_write


def test_write_creates_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for content in (b"first", b"second, longer", b""):
        with atomic_write(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["a.bin"]


def test_write_allows_seeking_and_reading_back(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as file:
        file.write(b"0000body")
        file.seek(0)
        assert file.read() == b"0000body"
        file.seek(0)
        file.write(b"head")
    assert (tmp_path / "a").read_bytes() == b"headbody"


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(1)])
def test_write_keeps_the_old_file_on_any_exception(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("size", [100, 100_000])
def test_write_keeps_the_old_file_on_a_full_disk(tmp_path: Path, full_disk, size: int) -> None:
    """100 bytes fail when the buffer is flushed at the end, 100 000 in write itself."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="File too large"), full_disk(50), atomic_write(path) as file:
        file.write(bytes(size))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_write_keeps_the_old_mode_and_gives_new_files_the_umask_one(tmp_path: Path) -> None:
    old_umask = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "new") as file:
            file.write(b"")
    finally:
        os.umask(old_umask)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    (tmp_path / "new").chmod(0o604)
    with atomic_write(tmp_path / "new") as file:
        file.write(b"x")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o604


def test_write_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_write_refuses_folders_and_devices(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/null")):
        with pytest.raises(FileExistsError, match="expected a regular file"), atomic_write(path):
            pass
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "missing" / "a"):
        pass


@pytest.mark.parametrize("swap", [True, False])
def test_directory_creates_and_replaces_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: bool) -> None:
    if not swap:  # a file system without renameat2's exchange
        monkeypatch.setattr(_atomic, "_exchange", lambda *_: False)
    path = tmp_path / "model"
    for name in ("first", "second"):
        with atomic_directory(path) as folder:
            assert os.listdir(folder) == []
            (folder / name).write_text(name)
            (folder / "sub").mkdir()
            (folder / "sub" / "x").write_text("x")
        assert sorted(os.listdir(path)) == [name, "sub"]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_directory_keeps_the_old_one_on_any_exception(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")

    def interrupted() -> None:
        with atomic_directory(path) as folder:
            (folder / "new").write_text("new")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["model"]


def test_directory_restores_the_old_one_if_the_second_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")
    rename, calls = os.rename, []

    def fail_second(source: object, target: object) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise OSError(errno.EIO, "made to fail")
        rename(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(_atomic, "_exchange", lambda *_: False)
    monkeypatch.setattr(os, "rename", fail_second)
    with pytest.raises(OSError, match="made to fail"), atomic_directory(path):
        pass
    assert len(calls) == 3
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["model"]


def test_directory_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(NotADirectoryError, match="expected a folder"), atomic_directory(tmp_path / "a"):
        pass


def test_killed_writer_leaves_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "old").write_bytes(b"")
    program = textwrap.dedent("""
        import os, signal
        from fastcv.io import atomic_directory, atomic_write
        with atomic_write("a") as file, atomic_directory("d") as folder:
            file.write(bytes(100_000))
            (folder / "new").write_bytes(b"")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path / "d") == ["old"]
