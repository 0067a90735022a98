# SPDX-License-Identifier: Apache-2.0
"""``fastcv info``: every kind of file and folder, by numbers known from how it was made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastcv import io
from fastcv.cli.main import run
from fastcv.pipeline.run_folder import RunFolder
from fastcv.pipeline.tasks import Made, Task
from fastcv.scene import Camera, Image, Points3D, Reconstruction


def facts(path: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    assert run(["info", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = Camera("SIMPLE_RADIAL", 64, 48, np.array([50.0, 32, 24, -0.1]))
    images = {i: Image(f"{i}.jpg", 1, np.eye(3, 4), np.zeros((3, 2)), np.array([5, -1, 9])) for i in (1, 2)}
    points = Points3D(np.array([5, 9]), np.ones((2, 3)), np.zeros((2, 3), np.uint8), np.array([0.5, 1.5]))
    io.write_colmap(Reconstruction({1: camera}, images, points), tmp_path)
    assert facts(tmp_path, capsys) == {
        "kind": "COLMAP model",
        "images": 2,
        "points": 2,
        "observations": 4,
        "mean point error / px": 1.0,
        "cameras": {"1": "SIMPLE_RADIAL, 64 x 48 px, f 50, cx 32, cy 24, k -0.1"},
    }


def test_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.png", "b.png"):
        io.write_image(tmp_path / name, np.zeros((6, 8), np.uint8))
    (tmp_path / "c.jpg").write_text("no photograph")
    found = facts(tmp_path, capsys)
    assert found["photographs"] == 3
    assert found["sizes"] == {"8 x 6 px": 2}
    assert found["cameras"] == {"no focal length": 2}
    assert list(found["unreadable"]) == ["c.jpg"]
    assert facts(tmp_path / "a.png", capsys)["width"] == 8


def test_ply_and_pfm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    io.write_ply(tmp_path / "a.ply", np.array([[0, 1, 2], [3, -1, 5]], np.float32), rgb=np.zeros((2, 3), np.uint8))
    found = facts(tmp_path / "a.ply", capsys)
    assert (found["xyz"], found["rgb"]) == ([2, 3], [2, 3])
    assert (found["lowest"], found["highest"]) == ([0, -1, 2], [3, 1, 5])
    io.write_pfm(tmp_path / "a.pfm", np.array([[0, 1], [2, 6]], np.float32))
    found = facts(tmp_path / "a.pfm", capsys)
    assert (found["height"], found["values other than 0"], found["median"]) == (2, "75.0%", 2)


def test_bal(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next((data_dir / "bal").glob("problem-49-7776*"))
    found = facts(path, capsys)
    assert (found["cameras"], found["points"], found["observations"]) == (49, 7776, 31843)


def test_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunFolder(tmp_path) as run:
        run.execute("features", [Task(name, [], Made) for name in "abc"])
    found = facts(tmp_path, capsys)
    assert found["features"].startswith("3 results, ")
    assert found["matches"] == "not there"
    assert found["finished"] is False


def test_text_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    io.write_image(tmp_path / "a.png", np.zeros((6, 8), np.uint8))
    assert run(["info", str(tmp_path)]) == 0
    assert capsys.readouterr().out == (
        "kind: photographs\nphotographs: 1\nsizes:\n  8 x 6 px: 1\ncameras:\n  no focal length: 1\nunreadable: none\n"
    )


def test_what_is_not_there_or_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(tmp_path / "nowhere")]) == 2
    assert "expected a file or folder, got nothing there" in capsys.readouterr().err
    assert run(["info", str(tmp_path)]) == 1
    assert "found none of them" in capsys.readouterr().err
    (tmp_path / "a.doc").write_text("")
    assert run(["info", str(tmp_path / "a.doc")]) == 1
    assert "expected a file that ends with" in capsys.readouterr().err


def test_without_a_path_it_is_the_doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from fastcv import doctor

    for ok in (True, False):
        monkeypatch.setattr(doctor, "run", lambda ok=ok: {"ok": ok, "fastcv": "1"})
        assert run(["info", "--json"]) == (0 if ok else 1)
        assert json.loads(capsys.readouterr().out) == {"ok": ok, "fastcv": "1"}
