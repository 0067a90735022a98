# SPDX-License-Identifier: Apache-2.0
"""Multi-view stereo from model to report: results against the truth, shards, interruptions, memory, bad input."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fastcv import camera, io, pipeline, scene, synthetic
from fastcv.pipeline import DENSIFY_STAGES, DensifyError, DensifyOptions, OptionsError, Progress

from .conftest import killed

NAMES = [f"courtyard_{i:03d}.jpg" for i in range(5)]
RESULTS = ("estimated", "depth", "depth16", "normals", "stereo", "fused.ply")
INTERRUPTED = "fastcv: interrupted. Nothing that was finished is lost: the same command goes on where it stopped.\n"


@pytest.fixture(scope="session")
def model(dataset: Path) -> Path:
    """The true cameras, which have distortion, and points."""
    return dataset / "truth" / "sparse"


@pytest.fixture(scope="session")
def whole(model: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder; not to be changed."""
    out = tmp_path_factory.mktemp("whole")
    pipeline.densify(model, photos, out)
    return out


@pytest.fixture
def out(whole: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(whole, tmp_path / "out"))


@pytest.fixture
def own_photos(photos: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(photos, tmp_path / "photos"))


def contents(out: Path) -> dict[str, str]:
    """Digest of every result of a run."""
    files = [file for name in RESULTS for file in [out / name, *(out / name).rglob("*")] if file.is_file()]
    return {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def made(model: Path, photos: Path, out: Path, options: DensifyOptions | None = None) -> dict[str, int]:
    """Run again; how many results of each stage were not there."""
    starts: dict[str, Progress] = {}
    pipeline.densify(model, photos, out, options, progress=lambda event: starts.setdefault(event.stage, event) and None)
    return {stage: event.total - event.done for stage, event in starts.items()}


# Measured: 95.4 % of the depths right and 51 % of the pixels covered, refined 97.4 and 65 %.
@pytest.mark.parametrize(("refine", "right", "covered"), [(False, 0.93, 0.45), (True, 0.96, 0.6)])
def test_depth_and_points_agree_with_the_truth(tmp_path: Path, refine: bool, right: float, covered: float) -> None:
    data = synthetic.make_dataset("courtyard", num_views=5, width=320, height=240, camera_model="PINHOLE")
    synthetic.write_dataset(data, tmp_path)
    options = DensifyOptions(refine=refine)
    pipeline.densify(tmp_path / "truth" / "sparse", tmp_path / "photos", tmp_path / "out", options)
    depths = np.array([io.read_pfm(tmp_path / "out" / "depth" / f"{name}.pfm") for name in NAMES])
    within = np.abs(depths - data.depths) < 0.02 * np.array(data.depths)
    assert within[depths > 0].mean() > right
    assert np.mean(depths > 0) > covered

    cloud = io.read_ply(tmp_path / "out" / "fused.ply")
    image = data.reconstruction.images[1]
    in_cam = cloud["xyz"] @ image.rotation.T + image.translation
    pixels = camera.project(in_cam.astype(np.float64), data.reconstruction.cameras[1])
    seen = (in_cam[:, 2] > 0) & ((pixels >= 0) & (pixels < (320, 240))).all(axis=1)
    x, y = np.floor(pixels[seen]).astype(int).T
    surface = data.depths[0][y, x]
    ratio = in_cam[seen, 2][surface > 0] / surface[surface > 0]
    # Behind a surface that the first view sees there may be others that it does not.
    assert np.mean(ratio < 0.98) < 0.05  # measured: 0.040
    assert np.mean(np.abs(ratio - 1) <= 0.02) > 0.8  # measured: 0.817
    np.testing.assert_allclose(np.linalg.norm(cloud["normals"], axis=1), 1, atol=1e-5)


def test_views_are_undistorted(model: Path, whole: Path) -> None:
    true, pinholes = io.read_colmap(model), io.read_colmap(whole / "depth" / "cameras")
    assert len(pinholes.images) == 5
    for key, image in pinholes.images.items():
        expected = camera.undistorted_pinhole(true.cameras[true.images[key].camera_id])
        np.testing.assert_allclose(pinholes.cameras[image.camera_id].params, expected.params, rtol=1e-12)
        np.testing.assert_allclose(image.cam_from_world, true.images[key].cam_from_world, atol=1e-9)
        assert io.read_pfm(whole / "depth" / f"{image.name}.pfm").shape == (240, 320)


def test_the_summary_says_what_the_files_hold(whole: Path) -> None:
    summary = json.loads((whole / "summary.json").read_text())
    assert list(summary["views"]) == NAMES
    assert summary["num_points"] == len(io.read_ply(whole / "fused.ply")["xyz"])
    for name, facts in summary["views"].items():
        depth = io.read_pfm(whole / "depth" / f"{name}.pfm")
        assert facts["coverage"] == pytest.approx(np.mean(depth > 0))
        assert facts["near"] <= depth[depth > 0].min() <= depth.max() <= facts["far"] * (1 + 1e-6)
        assert [set(source) for source in facts["sources"]] == [
            {"name", "image_id", "score", "num_shared", "overlap", "angle", "scale"}
        ] * len(facts["sources"])
    assert set(summary["files"]) == {path.name for path in whole.iterdir()} - {".lock"}
    assert list(summary["seconds"]) == list(DENSIFY_STAGES)
    assert summary["peak_memory_mb"] > 50


def test_shards_give_what_one_run_gives(model: Path, photos: Path, whole: Path, tmp_path: Path) -> None:
    done: Counter[str] = Counter()
    for shard in ("3/3", "1/3", "2/3"):
        done[shard] = made(model, photos, tmp_path / "out", DensifyOptions(shard=shard))["depth"]
    assert done == {"1/3": 1, "2/3": 2, "3/3": 2}
    assert not (tmp_path / "out" / "fused.ply").exists()
    assert made(model, photos, tmp_path / "out") == {"depth": 0, "filter": 5, "fuse": 1, "report": 1}
    assert contents(tmp_path / "out") == contents(whole)
    assert made(model, photos, tmp_path / "out", DensifyOptions(shard="2/3"))["depth"] == 0


def test_shards_work_at_the_same_time(model: Path, photos: Path, whole: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "fastcv.cli", "mvs", str(model), str(photos), "-o", str(tmp_path / "out")]
    processes = [subprocess.Popen([*words, "--shard", f"{i}/2"], stderr=subprocess.DEVNULL) for i in (1, 2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert made(model, photos, tmp_path / "out")["depth"] == 0
    assert contents(tmp_path / "out") == contents(whole)


def test_fusing_what_is_finished(model: Path, photos: Path, tmp_path: Path) -> None:
    pipeline.densify(model, photos, tmp_path / "out", DensifyOptions(shard="1/2"))
    summary = pipeline.densify(model, photos, tmp_path / "out", DensifyOptions(fuse=True))
    assert list(summary.views) == NAMES[:2]
    assert summary.skipped == dict.fromkeys(NAMES[2:], "not estimated yet")
    assert summary.num_points == len(io.read_ply(tmp_path / "out" / "fused.ply")["xyz"]) > 1000


def test_a_subset_keeps_what_was_finished_before(model: Path, photos: Path, out: Path, whole: Path) -> None:
    todo = made(model, photos, out, DensifyOptions(views="courtyard_00[01]*, courtyard_004.jpg"))
    assert todo == {"depth": 0, "filter": 3, "fuse": 1, "report": 1}
    kept = [*NAMES[:2], NAMES[4]]
    assert sorted(path.name for path in (out / "depth").glob("*.pfm")) == [f"{name}.pfm" for name in kept]
    assert made(model, photos, out) == {"depth": 0, "filter": 5, "fuse": 1, "report": 1}
    assert contents(out) == contents(whole)


def test_killed_again_and_again_it_ends_with_the_same_files(
    model: Path, photos: Path, whole: Path, tmp_path: Path
) -> None:
    moments = [
        *("writing 1", "at depth 0", "at depth 2", "writing 4", "at depth 5", "writing 2", "at filter 3", "at fuse 0"),
        *("writing 2", "at fuse 1", "at report 0"),
    ]
    for moment in moments:
        command = killed("SIGKILL", moment, "mvs", model, photos, "-o", tmp_path / "out")
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL, moment
    pipeline.densify(model, photos, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(whole)
    assert not list((tmp_path / "out").rglob(".fastcv-*"))


def test_a_killed_run_goes_on_where_it_stopped(model: Path, photos: Path, tmp_path: Path) -> None:
    command = killed("SIGKILL", "at depth 3", "mvs", model, photos, "-o", tmp_path / "out")
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert made(model, photos, tmp_path / "out") == {"depth": 2, "filter": 5, "fuse": 1, "report": 1}


def test_ctrl_c_in_every_stage(model: Path, photos: Path, whole: Path, tmp_path: Path) -> None:
    expected = contents(whole)
    for stage in DENSIFY_STAGES:
        command = killed("SIGINT", f"in {stage}", "mvs", model, photos, "-o", tmp_path / "out")
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert (result.returncode, result.stdout, result.stderr) == (130, "", INTERRUPTED), stage
        assert contents(tmp_path / "out").items() <= expected.items()
        assert not list((tmp_path / "out").rglob(".fastcv-*"))


def test_a_full_disk_loses_nothing(model: Path, photos: Path, whole: Path, tmp_path: Path) -> None:
    """The limit on file sizes stands for the full disk: the cloud fails, depth maps are smaller."""
    limit = max(path.stat().st_size for path in (whole / "estimated").iterdir()) + 1000
    assert (whole / "fused.ply").stat().st_size > limit

    def set_limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "fastcv.cli", "mvs", str(model), str(photos), "-o", str(tmp_path / "out")]
    result = subprocess.run(command, check=False, preexec_fn=set_limit, capture_output=True, text=True)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert "the same command goes on where it stopped" in result.stderr
    assert not list((tmp_path / "out").rglob(".fastcv-*"))
    assert made(model, photos, tmp_path / "out") == {"depth": 0, "filter": 0, "fuse": 1, "report": 1}
    assert contents(tmp_path / "out") == contents(whole)


def test_threads_and_memory_change_nothing(model: Path, photos: Path, whole: Path, tmp_path: Path) -> None:
    """At the lowest limit every photograph and depth map is read again for each use."""
    options = DensifyOptions(max_memory="1K")
    with pytest.raises(OptionsError, match=r"max_memory: expected \d+M or more for views of 0.1 megapixels") as error:
        pipeline.densify(model, photos, tmp_path / "none", options)
    least = int(str(error.value).split("expected ")[1].split("M")[0]) + 1
    words = ["mvs", str(model), str(photos), "-o", str(tmp_path / "out"), "--max-memory", f"{least}M", "--json"]
    line = [sys.executable, "-m", "fastcv.cli", *words, "--num-threads", "1"]
    result = subprocess.run(line, check=True, capture_output=True, text=True)
    assert json.loads(result.stdout)["peak_memory_mb"] < least
    assert contents(tmp_path / "out") == contents(whole)


def test_an_unreadable_photograph_in_the_middle(model: Path, own_photos: Path, tmp_path: Path) -> None:
    data = (own_photos / NAMES[2]).read_bytes()
    (own_photos / NAMES[2]).write_bytes(data[: len(data) // 2])
    (own_photos / NAMES[0]).unlink()
    summary = pipeline.densify(model, own_photos, tmp_path / "out")
    assert list(summary.views) == [NAMES[1], *NAMES[3:]]
    assert set(summary.skipped) == {NAMES[0], NAMES[2]}
    assert "truncated" in summary.skipped[NAMES[2]]
    assert summary.skipped[NAMES[0]] == "No such file or directory"
    assert set(summary.views[NAMES[1]]["unreadable"]) == {NAMES[0], NAMES[2]}
    report = (tmp_path / "out" / "report.html").read_text()
    assert f"{NAMES[2]} was skipped: " in report
    assert f"{NAMES[1]} was matched without {NAMES[0]}" in report
    (own_photos / NAMES[2]).write_bytes(data)  # repaired: it and its neighbours are done again
    assert made(model, own_photos, tmp_path / "out")["depth"] >= 2


def test_no_photograph_can_be_read(model: Path, own_photos: Path, tmp_path: Path) -> None:
    for path in own_photos.iterdir():
        path.write_text("Dear sir")
    summary = pipeline.densify(model, own_photos, tmp_path / "out")
    assert set(summary.skipped) == set(NAMES)
    assert (summary.num_depth_maps, summary.num_points, summary.depth_coverage, summary.confirmed) == (0, 0, None, None)
    assert "0 of 5 views have depth" in (tmp_path / "out" / "report.html").read_text()


def test_a_photograph_of_other_proportions_is_skipped(model: Path, own_photos: Path, tmp_path: Path) -> None:
    io.write_image(own_photos / NAMES[1], np.zeros((320, 240, 3), np.uint8))
    summary = pipeline.densify(model, own_photos, tmp_path / "out")
    rule = "expected the proportions of its camera, 320 x 240 pixels, got 240 x 320"
    assert summary.skipped == {NAMES[1]: rule}


def test_a_view_that_overlaps_no_other(model: Path, photos: Path, tmp_path: Path) -> None:
    true = io.read_colmap(model)
    poses_only = {
        key: scene.Image(image.name, image.camera_id, image.cam_from_world) for key, image in true.images.items()
    }
    away = np.diag([-1.0, 1.0, -1.0]) @ poses_only[3].rotation  # turned round, on the spot
    poses_only[3].cam_from_world = np.c_[away, -away @ true.images[3].center]
    io.write_colmap(scene.Reconstruction(true.cameras, poses_only), tmp_path / "model")
    summary = pipeline.densify(tmp_path / "model", photos, tmp_path / "out")
    assert summary.skipped == {NAMES[2]: "no other photograph shows the same from another place"}
    assert summary.num_depth_maps == 4


def test_poses_alone_are_enough(model: Path, photos: Path, whole: Path, tmp_path: Path) -> None:
    true = io.read_colmap(model)
    images = {key: scene.Image(i.name, i.camera_id, i.cam_from_world) for key, i in true.images.items()}
    io.write_colmap(scene.Reconstruction(true.cameras, images), tmp_path / "model")
    summary = pipeline.densify(tmp_path / "model", photos, tmp_path / "out")
    assert summary.num_depth_maps == 5
    for name in NAMES:
        with_points, without = (io.read_pfm(run / "depth" / f"{name}.pfm") for run in (whole, tmp_path / "out"))
        both = (with_points > 0) & (without > 0)
        assert both.sum() > 0.7 * (with_points > 0).sum()
        assert np.mean(np.abs(without - with_points)[both] < 0.02 * with_points[both]) > 0.97


def test_formats_and_normals_hold_the_same(model: Path, photos: Path, out: Path) -> None:
    assert made(model, photos, out, DensifyOptions(format="png", normals=True))["depth"] == 0
    for name in NAMES:
        depth, stored = io.read_pfm(out / "depth" / f"{name}.pfm"), _read_png16(out / "depth16" / f"{name}.png")
        scale = json.loads((out / "depth16" / f"{name}.json").read_text())["scale"]
        np.testing.assert_allclose(stored * scale, depth, atol=0.51 * scale)
        normals = io.read_pfm(out / "normals" / f"{name}.pfm")
        np.testing.assert_allclose(np.linalg.norm(normals, axis=2), depth > 0, atol=1e-6)
    made(model, photos, out, DensifyOptions(format="colmap", normals=True))
    for name in NAMES:
        depth = io.read_colmap_array(out / "stereo" / "depth_maps" / f"{name}.geometric.bin")
        np.testing.assert_array_equal(depth, io.read_pfm(out / "depth" / f"{name}.pfm"))
        normals = io.read_colmap_array(out / "stereo" / "normal_maps" / f"{name}.geometric.bin")
        np.testing.assert_array_equal(normals, io.read_pfm(out / "normals" / f"{name}.pfm"))
    assert not list((out / "depth16").iterdir())


def _read_png16(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image).astype(np.float64)


def test_large_photographs_are_scaled_down(model: Path, photos: Path, tmp_path: Path) -> None:
    summary = pipeline.densify(model, photos, tmp_path / "out", DensifyOptions(max_size=160, max_planes=8))
    assert {(facts["width"], facts["height"]) for facts in summary.views.values()} == {(160, 120)}
    assert {facts["planes"] for facts in summary.views.values()} == {8}
    assert io.read_pfm(tmp_path / "out" / "depth" / f"{NAMES[0]}.pfm").shape == (120, 160)


def test_other_limits_redo_the_filter_alone(model: Path, photos: Path, out: Path) -> None:
    loose = DensifyOptions(min_consistent=1, min_confidence=0.0)
    before = json.loads((out / "summary.json").read_text())["depth_coverage"]
    assert made(model, photos, out, loose) == {"depth": 0, "filter": 5, "fuse": 1, "report": 1}
    assert json.loads((out / "summary.json").read_text())["depth_coverage"] > before


def test_refinement_redoes_the_depths(model: Path, photos: Path, out: Path) -> None:
    before = json.loads((out / "summary.json").read_text())["depth_coverage"]
    assert made(model, photos, out, DensifyOptions(refine=False))["depth"] == 5
    assert json.loads((out / "summary.json").read_text())["depth_coverage"] < before - 0.05
    assert made(model, photos, out, DensifyOptions(refine=False))["depth"] == 0


def test_folders_that_make_no_sense(model: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pipeline.densify(tmp_path / "nowhere", photos, tmp_path / "out")
    with pytest.raises(NotADirectoryError, match="expected a folder of photographs, got nothing there"):
        pipeline.densify(model, tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DensifyError, match=f"such as {NAMES[0]}, found none of them"):
        pipeline.densify(model, tmp_path / "empty", tmp_path / "out")
    (tmp_path / "empty" / "thesis.tex").write_text("dear")
    with pytest.raises(FileExistsError, match=r"found thesis\.tex"):
        pipeline.densify(model, photos, tmp_path / "empty")
    assert not (tmp_path / "out").exists()


def test_models_that_make_no_sense(model: Path, photos: Path, tmp_path: Path) -> None:
    true = io.read_colmap(model)
    one = scene.Reconstruction(true.cameras, {1: scene.Image(NAMES[0], 1, np.eye(3, 4))})
    io.write_colmap(one, tmp_path / "one")
    with pytest.raises(DensifyError, match="expected a model with two images or more, got 1"):
        pipeline.densify(tmp_path / "one", photos, tmp_path / "out")
    panorama = scene.Camera("EQUIRECTANGULAR", 320, 160, np.array([320.0, 160.0]))
    images = {k: scene.Image(NAMES[k], 1, np.eye(3, 4)) for k in range(2)}
    io.write_colmap(scene.Reconstruction({1: panorama}, images), tmp_path / "two")
    with pytest.raises(DensifyError, match="camera 1: expected a model with a pinhole view, got EQUIRECTANGULAR"):
        pipeline.densify(tmp_path / "two", photos, tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shard": "0/3"}, "shard: expected a number and how many there are"),
        ({"shard": "4/3"}, "shard: expected a number and how many there are"),
        ({"shard": "half"}, "shard: expected a number and how many there are"),
        ({"shard": "1/3", "fuse": True}, "fuse: expected no shard beside it"),
        ({"max_memory": "lots"}, "max_memory: expected a size such as 800M"),
        ({"max_size": 63}, "max_size: expected 64 or more, got 63"),
        ({"max_planes": 7}, "max_planes: expected 8 or more"),
        ({"num_sources": 0}, "num_sources: expected 1 or more"),
        ({"num_sources": 33}, "num_sources: expected at most 32"),
        ({"min_confidence": 1.5}, "min_confidence: expected 0 to 1"),
        ({"min_consistent": -1}, "min_consistent: expected 0 or more"),
        ({"num_threads": -1}, "num_threads: expected 0 or more"),
        ({"format": "tiff"}, "format: expected one of pfm, png, colmap"),
    ],
)
def test_options_that_make_no_sense(values: dict, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        DensifyOptions(**values)


def test_selection() -> None:
    names = ["b/2.jpg", "a/1.jpg", "a/2.jpg", "c.png"]
    assert DensifyOptions().select(names) == sorted(names)
    assert DensifyOptions(views="a/*,c.png").select(names) == ["a/1.jpg", "a/2.jpg", "c.png"]
    with pytest.raises(OptionsError, match=r"views: expected names of the model's photographs, got 'd\*'"):
        DensifyOptions(views="a/*,d*").select(names)
    many = [f"{i:03d}" for i in range(103)]
    shards = [DensifyOptions(shard=f"{i}/7").select(many) for i in range(1, 8)]
    assert [name for shard in shards for name in shard] == many
    assert {len(shard) for shard in shards} == {14, 15}
    assert DensifyOptions(shard="5/9").select(["a"]) in ([], ["a"])


@pytest.mark.parametrize(("text", "value"), [("2G", 2 << 30), ("1.5M", 3 << 19), ("800mb", 800 << 20), ("4096", 4096)])
def test_sizes(text: str, value: int) -> None:
    assert DensifyOptions(max_memory=text).max_bytes == value
