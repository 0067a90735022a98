# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment from files: the optimum, the files, and what becomes of them when something goes wrong."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from fastcv import FormatError, ba, io, pipeline, report
from fastcv.ba._gauge import GAUGES
from fastcv.ba.solve import LINEAR_SOLVERS, LOSSES, SOLVERS
from fastcv.pipeline import AdjustOptions, adjust_options
from fastcv.pipeline.run_folder import RunFolder
from fastcv.scene import Reconstruction
from fastcv.synthetic import make_tracks

NOISE_PX = 0.5


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A COLMAP model whose points are off by some hundredths."""
    truth = make_tracks("ring", num_images=12, num_points=150, noise_px=NOISE_PX).reconstruction
    truth.points3D.xyz += np.random.default_rng(0).normal(0, 0.02, truth.points3D.xyz.shape)
    io.write_colmap(truth, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def bal(model: Path, tmp_path: Path) -> Path:
    """The same as a BAL problem, packed."""
    problem = ba.Problem.from_reconstruction(io.read_colmap(model))
    camera = problem.cameras[0]
    params = np.tile([camera.focal_length, 0.0, 0.0], (problem.num_images, 1))
    center = camera.params[list(camera.principal_point_indices)]
    pixels = problem.observations - center
    bal = io.BalProblem(
        problem.cam_from_world, params, problem.points, problem.image_indices, problem.point_indices, pixels
    )
    io.write_bal(tmp_path / "problem.txt.bz2", bal)
    return tmp_path / "problem.txt.bz2"


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("refine", [True, False])
def test_rigs_of_a_model(tmp_path: Path, refine: bool) -> None:
    """Adjusted as such, and still there: with their mount, or without it."""
    pycolmap = pytest.importorskip("pycolmap")
    sizes = pycolmap.SyntheticDatasetOptions(num_rigs=1, num_cameras_per_rig=2, num_frames_per_rig=5, num_points3D=80)
    pycolmap.set_random_seed(0)
    model = pycolmap.synthesize_dataset(sizes)
    noise = pycolmap.SyntheticNoiseOptions(point2D_stddev=NOISE_PX, point3D_stddev=0.02)
    pycolmap.synthesize_noise(noise, model)
    before = io.from_pycolmap(model)
    io.write_colmap(before, tmp_path / "model")
    summary = pipeline.adjust(tmp_path / "model", tmp_path / "out", AdjustOptions(refine_rigs=refine))
    assert (summary.termination, summary.sizes["frames"]) == ("converged", 5)
    assert summary.errors["after"]["rms"] < 0.2 * summary.errors["before"]["rms"]
    after = io.read_colmap(tmp_path / "out" / "adjusted")
    assert after.frames == before.frames
    moved = np.abs(after.rigs[1].sensor_from_rig[2] - before.rigs[1].sensor_from_rig[2]).max()
    assert (moved > 1e-6) == refine  # rounding of quaternions


def test_a_model_comes_back_as_a_model(model: Path, tmp_path: Path) -> None:
    summary = pipeline.adjust(model, tmp_path / "out")
    assert (summary.format, summary.termination) == ("COLMAP", "converged")
    # 2 cost / noise² is distributed as chi² with as many degrees of freedom: four standard deviations, sqrt(2 freedom).
    sizes = summary.sizes
    unknowns = 6 * sizes["images"] - 7 + 3 * sizes["points"] + 1 * sizes["cameras"]
    freedom = 2 * sizes["observations"] - unknowns
    assert summary.final_cost is not None
    assert abs(2 * summary.final_cost / NOISE_PX**2 - freedom) < 4 * (2 * freedom) ** 0.5
    assert summary.errors["after"]["rms"] == pytest.approx((2 * summary.final_cost / sizes["observations"]) ** 0.5)
    assert summary.errors["before"]["rms"] > 3 * summary.errors["after"]["rms"]
    adjusted = io.read_colmap(tmp_path / "out" / "adjusted")
    before = io.read_colmap(model)
    assert sorted(adjusted.images) == sorted(before.images)
    assert adjusted.images[1].points2D.tolist() == before.images[1].points2D.tolist()
    again = pipeline.adjust(tmp_path / "out" / "adjusted", tmp_path / "again")
    assert again.initial_cost == pytest.approx(summary.final_cost, rel=1e-9)  # rotations pass through quaternions


def test_a_bal_problem_comes_back_as_one(bal: Path, tmp_path: Path) -> None:
    summary = pipeline.adjust(bal, tmp_path / "out")
    assert names(tmp_path / "out") == [
        ".lock",
        "adjusted/problem.txt.bz2",
        "manifest.json",
        "report.html",
        "result.json",
    ]
    expected = ba.solve(ba.Problem.from_bal(io.read_bal(bal)))
    written = io.read_bal(tmp_path / "out" / "adjusted" / "problem.txt.bz2")
    np.testing.assert_array_equal(written.points, expected.points)
    np.testing.assert_array_equal(written.params, [camera.params for camera in expected.cameras])
    np.testing.assert_allclose(written.cam_from_world, expected.cam_from_world, atol=1e-12)
    assert summary.final_cost == expected.final_cost


def test_points_and_images_of_a_bal_problem_that_nothing_determines(bal: Path, tmp_path: Path) -> None:
    whole = io.read_bal(bal)
    image, point = 3, 7
    mine = whole.point_indices == point
    keep = (whole.camera_indices != image) & (~mine | (np.cumsum(mine) == 1))
    seen = np.bincount(whole.point_indices[keep], minlength=len(whole.points))
    assert seen[point] == 1
    part = {name: getattr(whole, name)[keep] for name in ("camera_indices", "point_indices", "observations")}
    damaged = tmp_path / "part.txt"
    io.write_bal(damaged, replace(whole, **part))
    summary = pipeline.adjust(damaged, tmp_path / "out")
    alone = seen < 2
    assert summary.warnings == [f"{alone.sum()} points are seen by fewer than two images and stay where they are"]
    assert summary.sizes["observations"] == keep.sum() - (seen == 1).sum()
    written = io.read_bal(tmp_path / "out" / "adjusted" / "part.txt")
    np.testing.assert_array_equal(written.points[alone], whole.points[alone])
    np.testing.assert_array_equal(written.cam_from_world[image], io.read_bal(damaged).cam_from_world[image])
    np.testing.assert_array_equal(written.observations, whole.observations[keep])  # all of them


def test_the_numbers_of_a_run(bal: Path, tmp_path: Path) -> None:
    rows: list[ba.Iteration] = []
    options = AdjustOptions(loss="huber", loss_scale=2.0, max_iterations=2, function_tolerance=0)
    summary = pipeline.adjust(bal, tmp_path / "out", options, callback=rows.append)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result == json.loads(summary.to_json())
    read = io.read_bal(bal)
    assert list(result["sizes"].values()) == [12, 12, len(read.points), len(read.observations)]
    assert [row["cost"] for row in result["iterations"]] == [row.cost for row in rows]
    assert (result["termination"], len(rows), summary.num_steps) == ("max_iterations", 3, 2)
    assert (result["options"]["loss"], result["options"]["time_limit"]) == ("huber", None)
    assert {"fastcv", "python", "numpy"} <= result["versions"].keys()
    assert list(result["seconds"]) == ["read", "adjust", "write"]


@pytest.mark.parametrize(
    ("options", "moves"),
    [
        (AdjustOptions(), [True, False, False, True]),
        (AdjustOptions(refine_focal=False), [False, False, False, True]),
        (AdjustOptions(refine_distortion=False), [True, False, False, False]),
        (AdjustOptions(refine_principal_point=True), [True, True, True, True]),
    ],
)
def test_only_what_was_asked_for_is_refined(
    tmp_path: Path, model: Path, options: AdjustOptions, moves: list[bool]
) -> None:
    scene = io.read_colmap(model)
    for key, camera in scene.cameras.items():
        f, cx, cy = camera.focal_length, camera.width / 2, camera.height / 2
        scene.cameras[key] = replace(camera, model="SIMPLE_RADIAL", params=np.array([f, cx, cy, 0.001]))
    io.write_colmap(scene, model)
    pipeline.adjust(model, tmp_path / "out", options)
    adjusted = io.read_colmap(tmp_path / "out" / "adjusted")
    key = min(scene.cameras)
    assert (adjusted.cameras[key].params != scene.cameras[key].params).tolist() == moves


def test_choices_are_those_of_the_solver() -> None:
    for name, allowed in (("Solver", SOLVERS), ("LinearSolver", LINEAR_SOLVERS), ("Loss", LOSSES), ("Gauge", GAUGES)):
        assert get_args(getattr(adjust_options, name)) == allowed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": "l1"}, "loss: expected one of none"),
        ({"loss_scale": 0.0}, "loss_scale: expected a positive number, got 0"),
        ({"loss_scale": float("nan")}, "loss_scale: expected"),
        ({"max_iterations": -1}, "max_iterations: expected 0 or more, got -1"),
        ({"time_limit": float("nan")}, "time_limit: expected 0 or more, got nan"),
        ({"function_tolerance": -1e-9}, "function_tolerance: expected"),
        ({"num_threads": -2}, "num_threads: expected"),
    ],
)
def test_options_that_make_no_sense(values: dict, message: str) -> None:
    with pytest.raises(pipeline.OptionsError, match=message):
        AdjustOptions(**values)


def test_what_cannot_be_adjusted_stays_and_is_named(model: Path, tmp_path: Path) -> None:
    scene = io.read_colmap(model)
    last = max(scene.images)
    scene.images[last].point3D_ids[:] = -1
    lonely = scene.points3D.ids[5]
    for image_id, image in scene.images.items():
        if image_id != 1:
            image.point3D_ids[image.point3D_ids == lonely] = -1
    io.write_colmap(scene, model)
    summary = pipeline.adjust(model, tmp_path / "out")
    adjusted = io.read_colmap(tmp_path / "out" / "adjusted")
    np.testing.assert_allclose(adjusted.images[last].cam_from_world, scene.images[last].cam_from_world, atol=1e-14)
    assert adjusted.points3D.xyz[5].tolist() == scene.points3D.xyz[5].tolist()
    assert summary.sizes["images"] == 11
    assert scene.images[last].name in summary.warnings[0]
    assert "points are seen by fewer than two images" in summary.warnings[1]


def test_nothing_is_left_of_a_damaged_problem(bal: Path, tmp_path: Path) -> None:
    bal.write_bytes(bal.read_bytes()[:-50])
    with pytest.raises(FormatError, match=r"problem\.txt\.bz2"):
        pipeline.adjust(bal, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_problem_without_an_answer_names_the_file(tmp_path: Path) -> None:
    lines = ["2 1 1", "0 0 1.5 -2", *map(str, [0] * 6 + [500, 0, 0] + [0] * 3 + [1, 0, 0, 500, 0, 0]), "1", "2", "-5"]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(pipeline.AdjustError, match=r"a\.txt: observations: expected at least one"):
        pipeline.adjust(tmp_path / "a.txt", tmp_path / "out")
    io.write_colmap(Reconstruction(), tmp_path / "empty")
    with pytest.raises(pipeline.AdjustError, match="empty: expected points that two images or more observe"):
        pipeline.adjust(tmp_path / "empty", tmp_path / "out")
    for missing in ("nowhere.txt", "nowhere"):
        with pytest.raises(FileNotFoundError):
            pipeline.adjust(tmp_path / missing, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused(bal: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("dear")
    with pytest.raises(FileExistsError, match=r"found thesis\.tex"):
        pipeline.adjust(bal, tmp_path / "thesis")
    with RunFolder(tmp_path / "photos"):
        pass
    with pytest.raises(FileExistsError, match="one of fastcv ba, got one of reconstruct"):
        pipeline.adjust(bal, tmp_path / "photos")
    pipeline.adjust(bal, tmp_path / "out", AdjustOptions(max_iterations=1))
    with pytest.raises(FileExistsError, match="one of fastcv reconstruct, got one of ba"), RunFolder(tmp_path / "out"):
        pass
    assert names(tmp_path / "thesis") == ["thesis.tex"]
    assert names(tmp_path / "photos") == [".lock", "manifest.json"]


def test_a_model_may_be_adjusted_in_its_own_run_folder(model: Path, tmp_path: Path) -> None:
    first = pipeline.adjust(model, tmp_path / "out", AdjustOptions(max_iterations=1, function_tolerance=0))
    second = pipeline.adjust(tmp_path / "out" / "adjusted", tmp_path / "out")
    assert second.final_cost is not None
    assert second.final_cost < first.final_cost
    files = ["cameras.bin", "frames.bin", "images.bin", "points3D.bin", "rigs.bin"]
    assert names(tmp_path / "out" / "adjusted") == files


def test_ctrl_c_keeps_the_best_state(bal: Path, tmp_path: Path) -> None:
    def press(iteration: ba.Iteration) -> None:
        if iteration.iteration == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(pipeline.AdjustInterrupted) as stop:
        pipeline.adjust(bal, tmp_path / "out", AdjustOptions(function_tolerance=0), callback=press)
    summary = stop.value.summary
    assert summary.termination == "interrupted"
    assert summary.final_cost == min(row["cost"] for row in summary.iterations)
    assert json.loads((tmp_path / "out" / "result.json").read_text())["termination"] == "interrupted"
    assert (tmp_path / "out" / "report.html").exists()
    written = ba.Problem.from_bal(io.read_bal(tmp_path / "out" / "adjusted" / "problem.txt.bz2"))
    assert ba.solve(written, max_iterations=0).initial_cost == pytest.approx(summary.final_cost, rel=1e-9)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_solution_that_cannot_be_written_leaves_the_earlier_run(
    bal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    pipeline.adjust(bal, tmp_path / "out", AdjustOptions(max_iterations=1))
    before = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out") if name != ".lock"}

    def fail(path: Path, _: io.BalProblem) -> None:
        path.write_text("half")
        raise error

    monkeypatch.setattr(io, "write_bal", fail)
    with pytest.raises(type(error)):
        pipeline.adjust(bal, tmp_path / "out")
    after = {name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out") if name != ".lock"}
    assert after == before


def test_a_report_that_cannot_be_written_leaves_solution_and_numbers(
    bal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.adjust(bal, tmp_path / "out", AdjustOptions(max_iterations=1))

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report, "write_adjustment", fail)
    with pytest.raises(OSError, match="No space left"):
        pipeline.adjust(bal, tmp_path / "out")
    assert not (tmp_path / "out" / "report.html").exists()  # it told of the earlier solution
    assert json.loads((tmp_path / "out" / "result.json").read_text())["termination"] == "converged"


def test_a_full_disk_is_noticed_before_the_work(bal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[ba.Iteration] = []
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 100))
    with pytest.raises(OSError, match="No space left on device") as stop:
        pipeline.adjust(bal, tmp_path / "out", callback=rows.append)
    assert stop.value.errno == errno.ENOSPC
    assert rows == []
    assert names(tmp_path / "out") == [".lock", "manifest.json"]


def test_progress_tells_of_every_stage(bal: Path, tmp_path: Path) -> None:
    events: list[pipeline.Progress] = []
    summary = pipeline.adjust(bal, tmp_path / "out", progress=events.append)
    finished = [(event.stage, event.done) for event in events if event.done == event.total]
    assert finished == [("read", 1), ("adjust", summary.num_steps), ("write", 1), ("report", 1)]
    assert tuple(dict.fromkeys(event.stage for event in events)) == pipeline.ADJUST_STAGES
