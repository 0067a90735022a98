# SPDX-License-Identifier: Apache-2.0
"""Run folders: what is kept, what is redone, and what a killed or failing process leaves behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fastcv.errors import FormatError
from fastcv.io import atomic_write
from fastcv.pipeline import FolderInUseError, Progress
from fastcv.pipeline.manifest import read_manifest
from fastcv.pipeline.run_folder import RunFolder
from fastcv.pipeline.tasks import Made, Task

# BLAKE2b of 16 bytes of b"1", by coreutils: printf 1 | b2sum -l 128
B2SUM_OF_1 = "cea3878a334b240469d159ff840b6434"


def writer(run: RunFolder, calls: list[str], **contents: str) -> list[Task]:
    """Tasks that write their content to <name>.txt and note that they ran."""

    def task(name: str, content: str) -> Task:
        def make() -> Made:
            path = run.path / f"{name}.txt"
            with atomic_write(path) as file:
                file.write(content.encode())
            calls.append(name)
            return Made([path], {"length": len(content)})

        return Task(name, [content], make)

    return [task(name, content) for name, content in contents.items()]


def execute(path: Path, **contents: str) -> tuple[list[str], dict]:
    """Run the tasks in a fresh RunFolder; names of those that ran, and the facts."""
    calls: list[str] = []
    with RunFolder(path) as run:
        facts = run.execute("features", writer(run, calls, **contents))
    return calls, facts


def test_a_second_run_makes_nothing(tmp_path: Path) -> None:
    assert execute(tmp_path / "out", a="1", b="22")[0] == ["a", "b"]
    calls, facts = execute(tmp_path / "out", a="1", b="22")
    assert calls == []
    assert facts == {"a": {"length": 1}, "b": {"length": 2}}


def test_only_what_changed_is_made_again(tmp_path: Path) -> None:
    execute(tmp_path, a="1", b="2")
    assert execute(tmp_path, a="1", b="3")[0] == ["b"]
    assert (tmp_path / "b.txt").read_text() == "3"


def test_what_no_task_wants_is_removed(tmp_path: Path) -> None:
    execute(tmp_path, a="1", b="2")
    assert execute(tmp_path, a="1")[0] == []
    assert not (tmp_path / "b.txt").exists()
    assert list(read_manifest(tmp_path)["features"]["items"]) == ["a"]


@pytest.mark.parametrize("damage", ["delete", "truncate", "overwrite"])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    execute(tmp_path, a="long", b="2")
    path = tmp_path / "a.txt"
    path.unlink()
    if damage != "delete":
        path.write_text({"truncate": "lo", "overwrite": "LONG"}[damage])
    assert execute(tmp_path, a="long", b="2")[0] == ["a"]
    assert path.read_text() == "long"


def test_a_result_that_was_replaced_before_its_record_is_not_trusted(tmp_path: Path) -> None:
    """Killed after the new file and before its record, then called with the old options again."""
    execute(tmp_path, a="old")
    (tmp_path / "a.txt").write_text("new")
    assert execute(tmp_path, a="old")[0] == ["a"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_overwrite_forgets_everything(tmp_path: Path) -> None:
    execute(tmp_path, a="1")
    with RunFolder(tmp_path, overwrite=True):
        assert not (tmp_path / "a.txt").exists()
    assert execute(tmp_path, a="1")[0] == ["a"]


def test_files_that_a_result_no_longer_has_are_removed(tmp_path: Path) -> None:
    def task(*names: str) -> Task:
        def make() -> Made:
            for name in names:
                (tmp_path / name).write_text(name)
            return Made([tmp_path / name for name in names])

        return Task("cloud", list(names), make)

    with RunFolder(tmp_path) as run:
        run.execute("fuse", [task("a.pfm", "b.pfm")])
        run.execute("fuse", [task("b.pfm")])
    assert sorted(path.name for path in tmp_path.glob("*.pfm")) == ["b.pfm"]


def test_a_report_that_alone_is_out_of_date_is_recorded_too(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.execute("features", writer(run, [], a="1"))
        run.execute("report", writer(run, [], report="one thread"))
    calls: list[str] = []
    for _ in range(2):
        with RunFolder(tmp_path) as run:
            run.execute("features", writer(run, calls, a="1"))
            run.execute("report", writer(run, calls, report="two threads"))
    assert calls == ["report"]


def test_facts_about_a_stage_that_never_ran(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.execute("features", writer(run, [], a="1"))
        assert run.info("depth") == {}
        assert list(run.seconds()) == ["features"]


def test_report_and_summary_go_as_soon_as_a_result_changes(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.execute("features", writer(run, [], a="1"))
        run.execute("report", writer(run, [], report="all about 1"))
        (tmp_path / "summary.json").write_text("{}")
    with RunFolder(tmp_path) as run:
        run.execute("features", writer(run, [], a="1"))
        assert (tmp_path / "report.txt").exists()
        assert not run.worked
        run.execute("features", writer(run, [], a="2"))
        assert run.worked
    assert not (tmp_path / "report.txt").exists()
    assert not (tmp_path / "summary.json").exists()


def test_another_version_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(tmp_path, a="1")
    monkeypatch.setattr("fastcv.pipeline.run_folder.__version__", "99.0")
    assert execute(tmp_path, a="1")[0] == ["a"]


def test_progress_counts_what_is_there_already(tmp_path: Path) -> None:
    execute(tmp_path, a="1")
    events: list[Progress] = []
    with RunFolder(tmp_path, events.append) as run:
        run.execute("features", writer(run, [], a="1", b="2"))
    assert [(event.done, event.total, event.item) for event in events] == [(1, 2, ""), (2, 2, "b")]


def test_workers_run_at_the_same_time_and_keep_the_order_of_tasks(tmp_path: Path) -> None:
    barrier = threading.Barrier(3, timeout=30)  # passes only if three tasks are in work at once

    def make() -> Made:
        barrier.wait()
        return Made()

    with RunFolder(tmp_path) as run:
        facts = run.execute("matches", [Task(name, [], make) for name in "cab"], workers=3)
        assert list(facts) == list(run.info("matches")) == ["c", "a", "b"]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_finished_before_an_error_is_kept(tmp_path: Path, workers: int) -> None:
    calls: list[str] = []
    first_done = threading.Event()

    def fail() -> Made:
        first_done.wait(30)
        raise OSError(errno.ENOSPC, "No space left on device")

    def listen(event: Progress) -> None:
        if event.item == "a":
            first_done.set()

    with RunFolder(tmp_path, listen) as run:
        first, last = writer(run, calls, a="1", c="3")
        with pytest.raises(OSError, match="No space left"):
            run.execute("features", [first, Task("b", [], fail), last], workers=workers)
    assert execute(tmp_path, a="1")[0] == []


def test_an_interruption_stops_tasks_that_are_in_work(tmp_path: Path) -> None:
    started = threading.Event()

    def endless() -> Made:
        started.set()
        while True:
            run.checkpoint()

    def listen(event: Progress) -> None:
        if event.item == "a":
            started.wait(30)
            raise KeyboardInterrupt

    with RunFolder(tmp_path, listen) as run:
        tasks = [*writer(run, [], a="1"), Task("b", [], endless)]
        with pytest.raises(KeyboardInterrupt):
            run.execute("matches", tasks, workers=2)
        assert list(run.info("matches")) == ["a"]


def test_an_interruption_does_not_wait_for_tasks_that_do_not_listen(tmp_path: Path) -> None:
    started, back = threading.Event(), threading.Event()
    heard: list[bool] = []
    written: list[bool] = []

    def deaf() -> Made:
        started.set()
        heard.append(back.wait(60))
        return Made(write=lambda: written.append(True))

    def listen(event: Progress) -> None:
        if event.item == "a":
            started.wait(30)
            raise KeyboardInterrupt

    with RunFolder(tmp_path, listen) as run, pytest.raises(KeyboardInterrupt):
        run.execute("matches", [*writer(run, [], a="1"), Task("b", [], deaf)], workers=2)
    back.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fastcv"):
            thread.join()
    assert heard == [True]
    assert written == []
    assert list(read_manifest(tmp_path)["matches"]["items"]) == ["a"]


def test_an_exception_in_the_callback_stops_the_run_and_keeps_the_result(tmp_path: Path) -> None:
    def listen(event: Progress) -> None:
        if event.item == "a":
            raise KeyboardInterrupt

    with RunFolder(tmp_path, listen) as run, pytest.raises(KeyboardInterrupt):
        run.execute("features", writer(run, [], a="1", b="2"))
    assert execute(tmp_path, a="1", b="2")[0] == ["b"]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path), pytest.raises(FolderInUseError, match=f"process {os.getpid()}"), RunFolder(tmp_path):
        pass
    with RunFolder(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from fastcv.pipeline.run_folder import RunFolder\n"
        "with RunFolder(pathlib.Path(sys.argv[1])):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(FolderInUseError, match=f"process {process.pid} "), RunFolder(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with RunFolder(tmp_path) as run:
        assert run.info("features") == {}


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    execute(tmp_path, a="1")
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / ".fastcv-0123456789ab.tmp").write_text("half")
    (tmp_path / ".fastcv-ba9876543210.tmp").mkdir()
    with RunFolder(tmp_path):
        assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", "a.txt", "features", "manifest.json"]


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(FileExistsError, match=r"found thesis\.tex"), RunFolder(tmp_path, overwrite=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(FileExistsError, match="expected a folder, got a file"), RunFolder(tmp_path / "thesis.tex"):
        pass


@pytest.mark.parametrize("content", ["", "[]", '{"name": "a web application"}', '{"format": "fastcv run folder 1"'])
def test_a_foreign_manifest_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(FormatError, match=r"manifest\.json"), RunFolder(tmp_path):
        pass
    assert (tmp_path / "manifest.json").read_text() == content


def test_folders_count_as_all_files_in_them(tmp_path: Path) -> None:
    def make() -> Made:
        (tmp_path / "sparse" / "0").mkdir(parents=True)
        (tmp_path / "sparse" / "0" / "points").write_text("p")
        return Made([tmp_path / "sparse"])

    with RunFolder(tmp_path) as run:
        run.execute("sparse", [Task("models", [], make)])
        assert list(run.digests("sparse", "models")) == ["sparse/0/points"]


def test_the_manifest_is_json_that_names_stage_item_and_file(tmp_path: Path) -> None:
    execute(tmp_path, a="1")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["stages"]["features"]["items"]["a"]["info"] == {"length": 1}
    assert manifest["stages"]["features"]["items"]["a"]["files"] == {"a.txt": B2SUM_OF_1}


def part(path: Path, name: str, calls: list[str], **contents: str) -> RunFolder:
    """A run folder of which this process does one part, with the tasks run."""
    run = RunFolder(path, command="mvs", part=name)
    with run:
        run.execute("depth", writer(run, calls, **contents))
    return run


def test_parts_work_in_one_folder_and_find_what_others_finished(tmp_path: Path) -> None:
    calls: list[str] = []
    with RunFolder(tmp_path, command="mvs", part="1-of-2") as first:
        first.execute("depth", writer(first, calls, a="1"))
        part(tmp_path, "2-of-2", calls, a="1", b="2")
    assert calls == ["a", "b"]
    with RunFolder(tmp_path, command="mvs") as run:
        assert run.execute("depth", writer(run, calls, a="1", b="2")) == {"a": {"length": 1}, "b": {"length": 1}}
        assert run.worked
        assert run.finished("depth", writer(run, calls, a="1", b="changed"))[0].item == "a"
    assert calls == ["a", "b"]
    assert sorted(read_manifest(tmp_path)["depth"]["items"]) == ["a", "b"]


def test_a_part_and_the_whole_exclude_each_other(tmp_path: Path) -> None:
    with RunFolder(tmp_path, command="mvs", part="1-of-2"):
        for name in ("1-of-2", ""):
            with pytest.raises(FolderInUseError), RunFolder(tmp_path, command="mvs", part=name):
                pass
        with RunFolder(tmp_path, command="mvs", part="2-of-2"):
            pass
    whole, a_part = RunFolder(tmp_path, command="mvs"), RunFolder(tmp_path, command="mvs", part="1-of-2")
    with whole, pytest.raises(FolderInUseError), a_part:
        pass


def test_a_part_leaves_what_others_are_writing_and_the_whole_cleans_up(tmp_path: Path) -> None:
    half = tmp_path / ".fastcv-0123456789ab.tmp"
    half.write_text("half")
    part(tmp_path, "1-of-2", [], a="1")
    assert half.exists()
    with RunFolder(tmp_path, command="mvs"):
        assert not half.exists()


def test_a_part_that_changes_a_result_removes_the_report_of_the_whole(tmp_path: Path) -> None:
    with RunFolder(tmp_path, command="mvs") as run:
        run.execute("depth", writer(run, [], a="1"))
        run.execute("report", writer(run, [], report="all about 1"))
    (tmp_path / "summary.json").write_text("{}")
    part(tmp_path, "1-of-2", [], a="1")
    assert not (tmp_path / "summary.json").exists()  # taken over is a change, too: of the manifest that records it
    part(tmp_path, "1-of-2", [], a="changed")
    assert not (tmp_path / "report.txt").exists()


def test_results_of_others_are_kept_where_asked(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.execute("depth", writer(run, [], b="1", a="2"))
        assert list(run.execute("depth", writer(run, [], a="2", c="3"), keep_others=True)) == ["a", "c"]
        assert list(run.info("depth")) == ["b", "a", "c"]
    assert (tmp_path / "b.txt").exists()
