# SPDX-License-Identifier: Apache-2.0
"""``fastcv carve`` and ``fastcv fuse``: what goes where, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fastcv import io, pipeline, synthetic
from fastcv.cli.main import run
from fastcv.pipeline import CarveError, CarveOptions, FuseError, FuseOptions


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``carve/`` with a model, photographs and masks of five views, 96 x 72, and ``fuse/`` with their depth."""
    folder = tmp_path_factory.mktemp("scene")
    data = synthetic.make_dataset("object", num_views=5, width=96, height=72, num_points=50, camera_model="PINHOLE")
    synthetic.write_dataset(data, folder / "data")
    for source, target in (("truth/sparse", "sparse"), ("photos", "images"), ("truth/mask", "masks")):
        shutil.copytree(folder / "data" / source, folder / "carve" / target)
    (folder / "fuse").mkdir()
    K = data.reconstruction.cameras[1].matrix - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    np.savetxt(folder / "fuse" / "camera-intrinsics.txt", K)
    for row, image in enumerate(data.reconstruction.images.values()):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = image.rotation.T, image.center
        np.savetxt(folder / "fuse" / f"{row}.pose.txt", pose)
        io.write_image(folder / "fuse" / f"{row}.depth.png", np.rint(1000 * data.depths[row]).astype(np.uint16))
    return folder


def test_carving_tells_people(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = [
        "carve",
        str(scene / "carve"),
        "-o",
        str(tmp_path / "object.obj"),
        "--resolution",
        "24",
        "--max-memory",
        "1G",
    ]
    assert run(line) == 0
    output = capsys.readouterr()
    labels = [line.split("  ")[0] for line in output.err.splitlines()]
    assert labels == ["silhouettes", "carve", "colours", "mesh", "compare views", "turntable", "report"]
    left, overlap, mesh, cost, place = (line for line in output.out.splitlines() if not line.startswith("warning"))
    assert left.startswith("5 views leave ")
    assert overlap.startswith("seen again, the mesh overlaps them by ")
    assert mesh == f"{len(io.read_mesh(tmp_path / 'object.obj').faces)} triangles in {tmp_path / 'object.obj'}"
    assert cost.endswith("MB of memory at most (1024 MB allowed)")
    assert place == str(tmp_path / "object" / "report.html")


def test_fusing_tells_programs(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["fuse", str(scene / "fuse"), "-o", str(out), "--voxel-size", "0.06", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["mesh"] == str(out / "mesh.glb")
    assert summary["warnings"] == ["the mesh has no colours, for no photographs were found; images says where they are"]
    assert run(["info", str(out), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["finished"]) == ("run folder of fuse", True)
    assert facts["turntable"].startswith("8 results")


def test_skipped_views_have_an_exit_code_of_their_own(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(scene / "carve", tmp_path / "carve")
    (tmp_path / "carve" / "masks" / "object_001.png").unlink()
    assert (
        run(["carve", str(tmp_path / "carve"), "-o", str(tmp_path / "out"), "--resolution", "16", "--no-colors"]) == 3
    )
    assert "warning: object_001.jpg was skipped: it has no mask in masks" in capsys.readouterr().out


def test_options_reach_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def carve_scene(scene: Path, out: Path, options: CarveOptions, **more: object) -> None:
        del more["progress"]
        calls.append((scene, out, options, more))
        raise CarveError("s: enough")

    def fuse_depths(scene: Path, out: Path, options: FuseOptions, **more: object) -> None:
        del more["progress"]
        calls.append((scene, out, options, more))
        raise FuseError("s: enough")

    monkeypatch.setattr(pipeline, "carve_scene", carve_scene)
    monkeypatch.setattr(pipeline, "fuse_depths", fuse_depths)
    line = (
        "carve s -o o.glb --cameras c --images i --masks m --resolution 99 --voxel-size 0.5 --bounds 0 1 2 3 4 5 "
        "--min-views 3 --max-violations 4 --background 1,2,3 --tolerance 9 --method photos --no-colors "
        "--min-part 0.25 --max-faces 7 --texture --texture-size 512 --max-memory 1G --num-threads 5 --overwrite"
    )
    assert run(line.split()) == 1
    carving = CarveOptions(99, 0.5, (0, 1, 2, 3, 4, 5), 3, 4, "1,2,3", 9, "photos", False, 0.25, 7, True, 512, "1G", 5)
    folders = {"cameras": Path("c"), "images": Path("i"), "masks": Path("m"), "overwrite": True}
    assert calls[0] == (Path("s"), Path("o.glb"), carving, folders)
    line = (
        "fuse s -o o --images i --voxel-size 0.5 --truncation 3 --max-depth 9 --min-frames 2 --intrinsics 1 2 3 4 "
        "--no-colors --min-part 0.25 --max-faces 7 --texture --texture-size 512 --max-memory 1G --num-threads 5"
    )
    assert run(line.split()) == 1
    fusion = FuseOptions(0.5, 3, 9, 2, (1, 2, 3, 4), False, 0.25, 7, True, 512, "1G", 5)
    assert calls[1] == (Path("s"), Path("o"), fusion, {"images": Path("i"), "overwrite": False})


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("carve nowhere -o out", 2, "nowhere: expected a folder, got nothing there"),
        ("carve empty -o out", 1, "empty: expected a COLMAP model, one *_par.txt or P.txt, found none of them"),
        ("carve broken -o out", 1, "P.txt in line 1: expected 12 numbers"),
        ("carve scene/carve -o full", 2, "found thesis.tex in it"),
        ("carve scene/carve -o out --masks nowhere", 2, "nowhere: expected a folder of pictures, got none"),
        ("carve scene/carve -o out --resolution 1", 2, "--resolution: expected 8 or more, got 1"),
        ("carve scene/carve -o out --max-memory 10M", 2, "--max-memory: expected "),
        ("fuse nowhere -o out", 2, "nowhere: expected a folder, got nothing there"),
        ("fuse empty -o out", 1, "empty: expected a run folder of mvs or reconstruct"),
        ("fuse scene/fuse -o full", 2, "found thesis.tex in it"),
        ("fuse scene/fuse -o out --voxel-size 0", 2, "--voxel-size: expected a positive number, got 0.0"),
        ("fuse scene/fuse -o out --max-memory 10M", 2, "--max-memory: expected "),
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
    Path("scene").symlink_to(scene)
    for name in ("broken", "full", "empty"):
        Path(name).mkdir()
    Path("broken", "P.txt").write_text("1 2 3\n")
    Path("full", "thesis.tex").write_text("dear")
    assert run(line.split()) == code
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""
    assert run([*line.split(), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["exit_code"] == code
