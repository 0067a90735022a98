# SPDX-License-Identifier: Apache-2.0
"""The demo's comparison with the truth: exact results pass, each kind of error is seen, and the files are kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from fastcv import io, synthetic
from fastcv.cli import demo
from fastcv.cli.main import run
from fastcv.scene import Image, Reconstruction


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Truth of three small views, as the demo writes it."""
    folder = tmp_path_factory.mktemp("truth")
    data = synthetic.make_dataset("object", num_views=4, width=80, height=60, camera_model="PINHOLE", num_points=50)
    synthetic.write_dataset(data, folder)
    return folder / "truth"


def run_folder(truth: Path, out: Path, *, turn_deg: float = 0.0, shift: float = 0.0, depth: float = 1.0) -> Path:
    """A run folder with the truth in a world of twice the scale, with errors: the first camera turned and shifted."""
    true = io.read_colmap(truth / "sparse")
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    images = {}
    for key, image in true.images.items():
        rotation, center = image.rotation, image.center
        if key == 1:
            rotation, center = turn @ rotation, center + np.array([shift, 0, 0])
        images[key] = Image(image.name, image.camera_id, np.column_stack([rotation, -rotation @ (2 * center)]))
        path = out / "depth" / f"{image.name}.pfm"
        path.parent.mkdir(parents=True, exist_ok=True)
        io.write_pfm(path, io.read_pfm(truth / "depth" / f"{Path(image.name).stem}.pfm") * np.float32(2 * depth))
    model = Reconstruction(true.cameras, images)
    io.write_colmap(model, out / "sparse" / "0")
    io.write_colmap(model, out / "depth" / "cameras")
    return out


def test_the_truth_itself_passes(truth: Path, tmp_path: Path) -> None:
    result = demo.compare(truth, run_folder(truth, tmp_path), 4)
    assert result.ok
    assert result.rotation_deg < 1e-6
    assert result.center_share < 1e-6
    assert (result.depth_share, result.depth_coverage) == (1, 1)


def test_a_turned_camera_is_seen(truth: Path, tmp_path: Path) -> None:
    result = demo.compare(truth, run_folder(truth, tmp_path, turn_deg=0.2), 4)
    # The similarity is fitted to the centres alone, so the whole turn remains.
    assert result.rotation_deg == pytest.approx(0.2, abs=1e-6)
    assert not result.ok


def test_a_shifted_camera_is_seen(truth: Path, tmp_path: Path) -> None:
    centers = [image.center for image in io.read_colmap(truth / "sparse").images.values()]
    size = float(np.linalg.norm(np.ptp(centers, axis=0)))
    result = demo.compare(truth, run_folder(truth, tmp_path, shift=0.05 * size), 4)
    # The similarity takes up a part of the shift of one camera in four, never all of it.
    assert 0.01 < result.center_share < 0.05
    assert not result.ok


@pytest.mark.parametrize(("factor", "share"), [(1.01, 1.0), (1.03, 0.0)])
def test_depth_errors_are_relative(truth: Path, tmp_path: Path, factor: float, share: float) -> None:
    result = demo.compare(truth, run_folder(truth, tmp_path, depth=factor), 4)
    assert result.depth_share == share
    assert result.ok == (share == 1)


def test_a_missing_camera_is_seen(truth: Path, tmp_path: Path) -> None:
    result = demo.compare(truth, run_folder(truth, tmp_path), 5)
    assert (result.num_registered, result.num_photos, result.ok) == (4, 5, False)


def test_missing_depth_counts_as_coverage_not_as_error(truth: Path, tmp_path: Path) -> None:
    out = run_folder(truth, tmp_path)
    for path in (out / "depth").glob("*.pfm"):
        depth = io.read_pfm(path)
        depth[:, ::2] = 0
        io.write_pfm(path, depth)
    result = demo.compare(truth, out, 4)
    assert result.depth_share == 1
    assert 0.4 < result.depth_coverage < 0.6


def test_the_demo_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With fewer and smaller photographs than the real one, the answer may be either, but exit code and text agree."""
    monkeypatch.setattr(demo, "NUM_VIEWS", 5)
    monkeypatch.setattr(demo, "WIDTH", 320)
    monkeypatch.setattr(demo, "HEIGHT", 240)
    code = run(["demo", "-o", str(tmp_path / "demo"), "--json"])
    output = json.loads(capfd.readouterr().out)
    assert output["comparison"]["num_registered"] == 5
    assert output["ok"] == (code == 0)
    photo = tmp_path / "demo" / "courtyard" / "photos" / "courtyard_000.jpg"
    before = os.stat(photo).st_mtime_ns
    assert run(["demo", "-o", str(tmp_path / "demo")]) == code
    assert os.stat(photo).st_mtime_ns == before  # nothing is rendered twice
    text = capfd.readouterr().out
    assert "reconstruction/report.html" in text
    assert ("All bars are met." in text) == (code == 0)


def test_the_demo_refuses_a_folder_with_other_things(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("dear")
    assert run(["demo", "-o", str(tmp_path)]) == 2
    assert "found thesis.tex in it" in capsys.readouterr().err
