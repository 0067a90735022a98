# SPDX-License-Identifier: Apache-2.0
"""The command line: exit codes, what goes where, interruption."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastcv
from fastcv import io, pipeline
from fastcv.cli.main import run
from fastcv.pipeline import Options, Progress, Summary

SUMMARY = Summary(
    photos="photos",
    out="out",
    num_photos=3,
    skipped={"c.jpg": "damaged"},
    unregistered={},
    models=[{"registered": 2, "points": 50, "mean_reprojection_error_px": 0.25}],
    num_depth_maps=2,
    depth_coverage=0.5,
    num_dense_points=1000,
    seconds={"features": 1.0, "matches": 0.5},
    peak_memory_mb=100.0,
    warnings=["c.jpg was skipped: damaged"],
    files={"report.html": "the report"},
)


class Call:
    """Stands in for the pipeline: notes how it was called, then returns or raises."""

    def __init__(self, outcome: Summary | BaseException = SUMMARY):
        self.outcome = outcome
        self.arguments: tuple = ()
        self.options: dict = {}

    def __call__(self, *arguments: object, progress: pipeline.ProgressCallback, **options: object) -> Summary:
        self.arguments, self.options = arguments, options
        progress(Progress("features", 0, 2, 0.0))
        progress(Progress("features", 2, 2, 1.25, "b.jpg"))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    call = Call()
    monkeypatch.setattr(pipeline, "reconstruct", call)
    return call


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"fastcv {fastcv.__version__}\n"


def test_options_reach_the_pipeline(call: Call) -> None:
    words = (
        "reconstruct photos -o out --quality high --camera-model OPENCV --intrinsics 800 810 320 240 --max-size 900 "
        "--single-camera True --until depth --num-threads 3 --seed 7 --overwrite"
    )
    assert run(words.split()) == 0
    assert call.arguments == (
        Path("photos"),
        Path("out"),
        Options("high", "OPENCV", (800, 810, 320, 240), True, 900, "depth", 3, 7),
    )
    assert call.options == {"overwrite": True}


def test_defaults_are_the_librarys_and_intrinsics_may_be_a_file(call: Call) -> None:
    assert run(["reconstruct", "photos", "--out", "out", "--intrinsics", "K.txt"]) == 0
    assert call.arguments[2] == Options(intrinsics=Path("K.txt"))
    assert call.options == {"overwrite": False}


def test_people_get_text_and_progress_apart(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reconstruct", "photos", "-o", "out"]) == 0
    output = capsys.readouterr()
    assert output.err == "detect features      2/2  1.2 s\n"
    assert output.out.splitlines() == [
        "warning: c.jpg was skipped: damaged",
        "sparse/0: 2 of 2 photographs, 50 points, mean reprojection error 0.250 px",
        "2 depth maps cover 50% of their pixels on average, 1000 points in fused.ply",
        "1.5 s in all, 100 MB of memory at most",
        "out/report.html",
    ]
    assert call.options == {"overwrite": False}


def test_programs_get_one_json_object(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reconstruct", "photos", "-o", "out", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["models"][0]["points"] == 50
    assert summary["skipped"] == {"c.jpg": "damaged"}
    assert call.options == {"overwrite": False}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (fastcv.ReconstructionError("photos: found none"), 1, "photos: found none"),
        (fastcv.MissingDependencyError("cv2 is needed"), 1, "cv2 is needed"),
        (pipeline.FolderInUseError("out: in use by process 7"), 1, "in use by process 7"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out/a.pfm"),
            1,
            "No space left on device for out/a.pfm. Make",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 1, "the same command goes on where it stopped"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 1, "out: Permission denied"),
        (NotADirectoryError("photos: expected a folder"), 2, "photos: expected a folder"),
        (FileExistsError("out: expected an empty folder"), 2, "out: expected an empty folder"),
        (pipeline.OptionsError("max_size: expected"), 2, "--max-size: expected"),
        (KeyboardInterrupt(), 130, "the same command goes on where it stopped"),
    ],
)
def test_errors_have_a_message_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, message: str
) -> None:
    monkeypatch.setattr(pipeline, "reconstruct", Call(error))
    assert run(["reconstruct", "photos", "-o", "out"]) == code
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""
    assert run(["reconstruct", "photos", "-o", "out", "--json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == code
    assert message in answer["error"]


def test_an_error_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "reconstruct", Call(ValueError("points: expected shape (N, 3), got (7, 2)")))
    with pytest.raises(ValueError, match="points"):
        run(["reconstruct", "photos", "-o", "out"])


@pytest.mark.parametrize("words", ["reconstruct", "reconstruct photos", "reconstruct p -o o --quality best", "carve"])
def test_command_lines_that_make_no_sense(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(words.split())
    assert stop.value.code == 2
    assert capsys.readouterr().out == ""


def test_help_without_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run([])
    assert stop.value.code == 0
    assert "reconstruct" in capsys.readouterr().out


def test_without_tyro_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert run(["reconstruct", "photos", "-o", "out"]) == 1
    assert "pip install 'fastcv[pipeline]'" in capsys.readouterr().err


def test_a_broken_option_in_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    words = ["reconstruct", str(tmp_path / "photos"), "-o", str(tmp_path / "out")]
    assert run([*words, "--max-size", "5"]) == 2
    assert capsys.readouterr().err == "fastcv: --max-size: expected 64 or more pixels, got 5\n"
    assert run([*words, "--intrinsics", str(tmp_path / "nowhere.txt")]) == 2
    assert not (tmp_path / "out").exists()


INTERRUPTED = """
import os, signal, sys
from contextlib import contextmanager
import fastcv.cli.reconstruct as command

@contextmanager
def show_progress(stages):
    def update(event):
        if event.item == "1.png":
            os.kill(os.getpid(), signal.SIGINT)
    yield update

command.show_progress = show_progress
from fastcv.cli.main import main
main()
"""


def test_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (60, 80), np.uint8)
        io.write_image(tmp_path / "photos" / f"{number}.png", noise)
    words = ["reconstruct", str(tmp_path / "photos"), "-o", str(tmp_path / "out"), "--num-threads", "1"]
    result = subprocess.run([sys.executable, "-c", INTERRUPTED, *words], check=False, capture_output=True, text=True)
    assert result.returncode == 130
    assert result.stderr == (
        "fastcv: interrupted. Nothing that was finished is lost: the same command goes on where it stopped.\n"
    )
    assert list(pipeline.read_manifest(tmp_path / "out")["features"]["items"]) == ["0.png", "1.png"]


def test_importing_fastcv_loads_no_library_of_the_pipeline() -> None:
    libraries = ("cv2", "PIL", "matplotlib", "viser", "tyro", "rich")
    code = f"import sys, fastcv; print([name for name in {libraries} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
