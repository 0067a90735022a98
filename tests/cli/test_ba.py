# SPDX-License-Identifier: Apache-2.0
"""``fastcv ba``: what goes where, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fastcv import io, pipeline
from fastcv.cli.main import run
from fastcv.pipeline import AdjustOptions
from fastcv.synthetic import make_tracks


@pytest.fixture
def model(tmp_path: Path) -> Path:
    scene = make_tracks("ring", num_images=8, num_points=100, noise_px=0.5).reconstruction
    scene.points3D.xyz += 0.01
    io.write_colmap(scene, tmp_path / "model")
    return tmp_path / "model"


def test_people_get_a_row_for_each_iteration_and_the_outcome(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ba", str(model), "-o", str(tmp_path / "out")]) == 0
    output = capsys.readouterr()
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    lines = output.err.splitlines()
    head = lines.index("step         cost / px²     change   gradient       step     radius  linear  seconds")
    rows = [line.split() for line in lines[head + 1 : head + 1 + len(result["iterations"])]]
    for row, iteration in zip(rows, result["iterations"], strict=True):
        assert int(row[0]) == iteration["iteration"]
        assert float(row[1]) == pytest.approx(iteration["cost"], rel=1e-8)
    assert [line.split("  ")[0] for line in (*lines[:head], *lines[head + 1 + len(rows) :])] == [
        "read problem",
        "adjust",
        "write solution",
        "report",
    ]
    first, *rest = output.out.splitlines()
    assert first.startswith(f"Converged after {len(rows) - 1} steps in ")
    assert rest[-1] == str(tmp_path / "out" / "report.html")


def test_programs_get_one_json_object_with_the_iterations(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ba", str(model), "-o", str(tmp_path / "out"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["iterations"][0]["cost"] == result["initial_cost"]


def test_options_reach_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def adjust(problem: Path, out: Path, options: AdjustOptions, **_: object) -> None:
        calls.append((problem, out, options))
        raise pipeline.AdjustError("p.txt: enough")

    monkeypatch.setattr(pipeline, "adjust", adjust)
    words = (
        "ba p.txt --out o --solver ceres --linear-solver dense_schur --loss cauchy --loss-scale 2 --max-iterations 7 "
        "--function-tolerance 1e-8 --time-limit 9 --num-threads 3 --no-refine-focal --refine-principal-point "
        "--no-refine-distortion --no-refine-rigs --gauge free"
    )
    assert run(words.split()) == 1
    options = AdjustOptions("ceres", "dense_schur", "cauchy", 2.0, 7, 1e-8, 9.0, 3, False, True, False, False, "free")
    assert calls == [(Path("p.txt"), Path("o"), options)]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("ba nowhere.txt -o out", 2, "nowhere.txt"),
        ("ba broken.txt -o out", 1, "broken.txt: expected 3 numbers"),
        ("ba model -o full", 2, "found thesis.tex in it"),
        ("ba model -o out --loss-scale 0", 2, "--loss-scale: expected a positive number, got 0.0"),
    ],
)
@pytest.mark.usefixtures("model")
def test_errors_have_a_message_and_a_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.txt").write_text("1 2\n")
    Path("full").mkdir()
    Path("full", "thesis.tex").write_text("dear")
    assert run(words.split()) == code
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""
    assert run([*words.split(), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["exit_code"] == code
    assert not Path("out").exists()


def test_a_file_that_cannot_grow(model: Path, tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for a full disk: the message is one line, and nothing half lies about."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from fastcv.cli.main import main\n"
        "main()\n"
    )
    words = [sys.executable, "-c", code, "ba", str(model), "-o", str(tmp_path / "out")]
    result = subprocess.run(words, check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert re.search(r"^fastcv: File too large .*Make room", result.stderr, re.MULTILINE)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".lock", "manifest.json"]


INTERRUPTED = """
import os, signal, sys
from fastcv.cli import ba
add = ba._Table.add

def press(self, iteration):
    add(self, iteration)
    if iteration.iteration == 1:
        os.kill(os.getpid(), signal.SIGINT)

ba._Table.add = press
from fastcv.cli.main import main
main()
"""


def test_ctrl_c_writes_the_best_state(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["ba", str(model), "-o", str(out), "--json", "--function-tolerance", "0"]
    result = subprocess.run([sys.executable, "-c", INTERRUPTED, *words], check=False, capture_output=True, text=True)
    assert result.returncode == 130
    messages = [line for line in result.stderr.splitlines() if line.startswith("fastcv:")]
    assert messages == [f"fastcv: interrupted. The best state so far is in {out / 'adjusted'}."]
    summary = json.loads(result.stdout)
    assert summary["termination"] == "interrupted"
    assert summary["final_cost"] < summary["initial_cost"]
    assert len(io.read_colmap(out / "adjusted").images) == 8


def test_on_a_terminal_rows_stand_above_the_bars(model: Path, tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    words = [sys.executable, "-m", "fastcv.cli", "ba", str(model), "-o", str(tmp_path / "out")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=follower, env=environment) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 1 << 16)
            except OSError:  # the other end is closed
                break
            shown += part
    os.close(leader)
    assert process.returncode == 0
    left = re.sub(
        r"[^\n]*\r\x1b\[2K", "", shown.decode()
    )  # lines that were erased, such as bars above which a row went
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", left)
    steps = len(json.loads((tmp_path / "out" / "result.json").read_text())["iterations"])
    assert len(re.findall(r"^ +\d+ +[\d.e+]+ .* \d+\.\d\d(  not taken)?\s*$", text, re.MULTILINE)) == steps
    assert "write solution" in text


def test_info_knows_the_folder(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ba", str(model), "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert run(["info", str(tmp_path / "out"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["finished"], facts["result"]["termination"]) == ("run folder of ba", True, "converged")
