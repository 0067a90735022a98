# SPDX-License-Identifier: Apache-2.0
"""``fastcv mvs``: what goes where, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastcv import io, pipeline, synthetic
from fastcv.cli.main import run
from fastcv.pipeline import DensifyOptions


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``photos/`` and ``truth/sparse`` of four views, 160 x 120."""
    folder = tmp_path_factory.mktemp("scene")
    synthetic.write_dataset(synthetic.make_dataset("courtyard", num_views=4, width=160, height=120), folder)
    return folder


def words(scene: Path, out: Path, *more: str) -> list[str]:
    return ["mvs", str(scene / "truth" / "sparse"), str(scene / "photos"), "-o", str(out), *more]


def test_people_get_stages_and_the_outcome(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(scene, tmp_path / "out", "--max-memory", "1G")) == 0
    output = capsys.readouterr()
    labels = [line.split("  ")[0] for line in output.err.splitlines()]
    assert labels == ["depth maps", "filter depth", "fuse", "report"]
    maps, cloud, cost, place = output.out.splitlines()
    points = len(io.read_ply(tmp_path / "out" / "fused.ply")["xyz"])
    assert maps == "4 depth maps of 160 × 120 pixels (longest side limited to 1600)"
    assert cloud.endswith(f"; {points} points in fused.ply")
    assert cost.endswith("MB of memory at most (1024 MB allowed)")
    assert place == str(tmp_path / "out" / "report.html")


def test_programs_get_one_json_object(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(scene, tmp_path / "out", "--json")) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert run(["info", str(tmp_path / "out"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["finished"]) == ("run folder of mvs", True)
    assert facts["depth"].startswith("4 results")


def test_a_shard_says_what_it_did(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(scene, tmp_path / "out", "--shard", "1/2")) == 0
    output = capsys.readouterr()
    assert [line.split("  ")[0] for line in output.err.splitlines()] == ["depth maps"]
    assert output.out.startswith("2 depth maps of 160 × 120 pixels")
    assert "fused.ply" not in output.out


def test_skipped_views_have_an_exit_code_of_their_own(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("courtyard_000.jpg", "courtyard_001.jpg", "courtyard_003.jpg"):
        io.write_image(tmp_path / name, io.read_photo(scene / "photos" / name))
    (tmp_path / "courtyard_002.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photograph")
    arguments = ["mvs", str(scene / "truth" / "sparse"), str(tmp_path), "-o", str(tmp_path / "out")]
    assert run(arguments) == 3
    assert "warning: courtyard_002.jpg was skipped: " in capsys.readouterr().out


def test_options_reach_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def densify(model: Path, images: Path, out: Path, options: DensifyOptions, **more: object) -> None:
        calls.append((model, images, out, options, more["overwrite"]))
        raise pipeline.DensifyError("m: enough")

    monkeypatch.setattr(pipeline, "densify", densify)
    line = (
        "mvs m i --out o --views a*,b --shard 2/3 --max-size 99 --max-memory 1G --num-sources 3 --max-planes 9 "
        "--no-refine --min-confidence 0.5 --min-consistent 4 --format colmap --normals --num-threads 5 --overwrite"
    )
    assert run(line.split()) == 1
    options = DensifyOptions("a*,b", "2/3", False, 99, "1G", 3, 9, False, 0.5, 4, "colmap", True, 5)
    assert calls == [(Path("m"), Path("i"), Path("o"), options, True)]
    assert run(["mvs", "m", "i", "-o", "o", "--fuse"]) == 1
    assert calls[1][3] == DensifyOptions(fuse=True)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("mvs nowhere photos -o out", 2, "nowhere"),
        ("mvs model nowhere -o out", 2, "nowhere: expected a folder of photographs, got nothing there"),
        ("mvs broken photos -o out", 1, "cameras.txt"),
        ("mvs model empty -o out", 1, "such as courtyard_000.jpg, found none of them"),
        ("mvs model photos -o full", 2, "found thesis.tex in it"),
        ("mvs model photos -o out --shard 3/2", 2, "--shard: expected a number and how many there are"),
        ("mvs model photos -o out --views d*", 2, "--views: expected names of the model's photographs"),
        ("mvs model photos -o out2 --max-memory 10M", 2, "--max-memory: expected "),
    ],
)
def test_errors_have_a_message_and_a_code(
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model").symlink_to(scene / "truth" / "sparse")
    Path("photos").symlink_to(scene / "photos")
    for name in ("broken", "full", "empty"):
        Path(name).mkdir()
    for name in ("cameras.txt", "images.txt", "points3D.txt"):
        Path("broken", name).write_text("1 2 3\n")
    Path("full", "thesis.tex").write_text("dear")
    assert run(line.split()) == code
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""
    assert run([*line.split(), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["exit_code"] == code
    assert not Path("out").exists()


def test_shards_of_nothing(scene: Path, tmp_path: Path) -> None:
    """More shards than views: some have nothing to do."""
    for shard in range(1, 8):
        assert run(words(scene, tmp_path / "out", "--shard", f"{shard}/7")) == 0
    assert run(words(scene, tmp_path / "out")) == 0
    assert np.all(io.read_pfm(tmp_path / "out" / "depth" / "courtyard_000.jpg.pfm") >= 0)
