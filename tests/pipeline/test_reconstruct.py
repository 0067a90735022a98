# SPDX-License-Identifier: Apache-2.0
"""The pipeline from photographs to report: results against the truth, interruptions, changes, bad input."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastcv import io, pipeline, sfm
from fastcv.errors import ReconstructionError
from fastcv.pipeline import Options, OptionsError, Progress

from .conftest import OPTIONS, killed

INTERRUPTED = "fastcv: interrupted. Nothing that was finished is lost: the same command goes on where it stopped.\n"
RESULTS = ("features", "matches", "verified", "sparse", "estimated", "depth", "fused.ply")


def contents(out: Path) -> dict[str, str]:
    """Digest of every result of a run."""
    files = [file for name in RESULTS for file in [out / name, *(out / name).rglob("*")] if file.is_file()]
    return {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def made(photos: Path, out: Path, options: Options = OPTIONS) -> dict[str, int]:
    """Run again; how many results of each stage were not there."""
    starts: dict[str, Progress] = {}
    pipeline.reconstruct(photos, out, options, progress=lambda event: starts.setdefault(event.stage, event) and None)
    return {stage: event.total - event.done for stage, event in starts.items()}


@pytest.fixture
def out(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(undisturbed, tmp_path / "out"))


@pytest.fixture
def own_photos(photos: Path, tmp_path: Path) -> Path:
    """A copy of the photographs."""
    return Path(shutil.copytree(photos, tmp_path / "photos"))


def test_cameras_agree_with_the_truth(dataset: Path, undisturbed: Path) -> None:
    truth = io.read_colmap(dataset / "truth" / "sparse")
    model = io.read_colmap(undisturbed / "sparse" / "0")
    errors = sfm.compare_poses(model, {image.name: image.cam_from_world for image in truth.images.values()})
    size = np.linalg.norm(np.ptp([image.center for image in truth.images.values()], axis=0))
    assert len(errors.names) == 5
    # The demo's bars, 0.1 degrees and 0.5 %, times 3.2: how much larger a pixel is here than there.
    assert errors.rotation.max() < 0.32
    assert errors.center.max() < 0.016 * size


def test_depth_agrees_with_the_truth(dataset: Path, undisturbed: Path) -> None:
    from fastcv.cli.demo import compare

    result = compare(dataset / "truth", undisturbed, 5)
    assert result.depth_share > 0.9
    assert result.depth_coverage > 0.4


def test_the_summary_says_what_the_files_hold(undisturbed: Path) -> None:
    summary = json.loads((undisturbed / "summary.json").read_text())
    model = io.read_colmap(undisturbed / "sparse" / "0")
    assert summary["num_photos"] == summary["models"][0]["registered"] == len(model.images) == 5
    assert summary["models"][0]["points"] == len(model.points3D)
    assert summary["num_dense_points"] == len(io.read_ply(undisturbed / "fused.ply")["xyz"])
    assert set(summary["files"]) == {path.name for path in undisturbed.iterdir()} - {".lock"}
    depths = [io.read_pfm(path) for path in sorted((undisturbed / "depth").glob("*.pfm"))]
    assert summary["num_depth_maps"] == len(depths) == 5
    assert summary["depth_coverage"] == pytest.approx(np.mean([np.mean(depth > 0) for depth in depths]))
    assert list(summary["seconds"]) == list(pipeline.STAGES)


def test_depth_cameras_are_those_of_the_maps(undisturbed: Path) -> None:
    model = io.read_colmap(undisturbed / "depth" / "cameras")
    for image in model.images.values():
        camera = model.cameras[image.camera_id]
        assert camera.model == "PINHOLE"
        assert io.read_pfm(undisturbed / "depth" / f"{image.name}.pfm").shape == (camera.height, camera.width)


def test_one_thread_gives_the_same(photos: Path, undisturbed: Path, tmp_path: Path) -> None:
    pipeline.reconstruct(photos, tmp_path / "out", Options(quality="low", num_threads=1))
    assert contents(tmp_path / "out") == contents(undisturbed)


def test_killed_again_and_again_it_ends_with_the_same_files(photos: Path, undisturbed: Path, tmp_path: Path) -> None:
    moments = [
        *("writing 1", "at features 0", "at features 2", "writing 2", "at matches 0", "at matches 2", "at verify 0"),
        *("at verify 3", "at sparse 0", "writing 4", "at sparse 1", "at depth 0", "at depth 2", "writing 3"),
        *(
            "at filter 0",
            "at filter 3",
            "writing 3",
            "at fuse 0",
            "writing 5",
            "at fuse 1",
            "at report 0",
            "writing 1",
            "at report 1",
        ),
    ]
    for moment in moments:
        command = killed("SIGKILL", moment, "reconstruct", photos, "-o", tmp_path / "out", "--quality", "low")
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL, moment
    summary = pipeline.reconstruct(photos, tmp_path / "out", OPTIONS)
    assert summary.num_registered == 5
    assert contents(tmp_path / "out") == contents(undisturbed)
    assert not list((tmp_path / "out").rglob(".fastcv-*"))


def test_ctrl_c_in_every_stage(photos: Path, undisturbed: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", contents(undisturbed)
    for moment in ("deaf", *(f"in {stage}" for stage in pipeline.STAGES)):
        command = killed("SIGINT", moment, "reconstruct", photos, "-o", out, "--quality", "low")
        # The limit is far below the hour that the deaf one sleeps.
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert (result.returncode, result.stdout, result.stderr) == (130, "", INTERRUPTED), moment
        assert contents(out).items() <= whole.items(), moment
        assert not list(out.rglob(".fastcv-*")), moment
    assert made(photos, out)["depth"] == 0
    assert contents(out) == whole


def test_a_killed_run_goes_on_where_it_stopped(photos: Path, tmp_path: Path) -> None:
    command = killed("SIGKILL", "at depth 3", "reconstruct", photos, "-o", tmp_path / "out", "--quality", "low")
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    todo = {"features": 0, "matches": 0, "verify": 0, "sparse": 0, "depth": 2, "filter": 5, "fuse": 1, "report": 1}
    assert made(photos, tmp_path / "out") == todo


def test_nothing_is_done_twice(photos: Path, out: Path) -> None:
    assert made(photos, out) == dict.fromkeys(pipeline.STAGES, 0)


def test_another_seed_keeps_features_and_matches(photos: Path, out: Path) -> None:
    todo = made(photos, out, Options(quality="low", seed=1))
    assert (todo["features"], todo["matches"], todo["verify"], todo["sparse"]) == (0, 0, 4, 1)


def test_another_camera_model_keeps_features_and_matches(photos: Path, out: Path) -> None:
    todo = made(photos, out, Options(quality="low", camera_model="RADIAL", until="sparse"))
    assert todo == {"features": 0, "matches": 0, "verify": 4, "sparse": 1}
    assert io.read_colmap(out / "sparse" / "0").cameras[1].model == "RADIAL"


def test_another_quality_that_finds_the_same_features_redoes_the_depth_alone(photos: Path, out: Path) -> None:
    """Photographs smaller than any quality's limit, with fewer features: the contents of files decide, not options."""
    todo = made(photos, out, Options(quality="medium"))
    assert todo == {
        "features": 5,
        "matches": 0,
        "verify": 0,
        "sparse": 0,
        "depth": 5,
        "filter": 5,
        "fuse": 1,
        "report": 1,
    }


def test_stopping_early_removes_what_no_longer_fits(photos: Path, out: Path) -> None:
    pipeline.reconstruct(photos, out, Options(quality="low", seed=1, until="sparse"))
    assert {path.name for path in out.iterdir()} >= {"sparse", "summary.json"}
    assert not (out / "fused.ply").exists()
    assert not (out / "report.html").exists()
    assert not list(out.glob("depth/*.pfm"))


def test_stopping_early_keeps_what_still_fits(photos: Path, out: Path) -> None:
    before = contents(out)
    pipeline.reconstruct(photos, out, Options(quality="low", until="sparse"))
    assert contents(out) == before
    assert (out / "report.html").exists()


def test_a_changed_photograph_is_looked_at_again(own_photos: Path, tmp_path: Path) -> None:
    pipeline.reconstruct(own_photos, tmp_path / "out", Options(quality="low", until="matches"))
    path = own_photos / "courtyard_002.jpg"
    io.write_image(path, io.read_photo(path)[:, ::-1])
    todo = made(own_photos, tmp_path / "out", Options(quality="low", until="matches"))
    assert todo == {"features": 1, "matches": 3}  # photographs 0 and 1 are matched with it, and it with 3 and 4


def test_touching_or_copying_photographs_changes_nothing(own_photos: Path, out: Path) -> None:
    for path in own_photos.iterdir():
        path.touch()
    assert made(own_photos, out) == dict.fromkeys(pipeline.STAGES, 0)


def test_a_corrupt_photograph_is_skipped_and_named(own_photos: Path, tmp_path: Path) -> None:
    data = (own_photos / "courtyard_001.jpg").read_bytes()
    (own_photos / "aborted.jpg").write_bytes(data[: len(data) // 2])
    (own_photos / "letter.jpg").write_text("Dear sir")
    summary = pipeline.reconstruct(own_photos, tmp_path / "out", Options(quality="low"))
    assert set(summary.skipped) == {"aborted.jpg", "letter.jpg"}
    assert summary.num_registered == 5
    assert "truncated" in summary.skipped["aborted.jpg"]
    report = (tmp_path / "out" / "report.html").read_text()
    assert "aborted.jpg was skipped: " in report
    assert "letter.jpg was skipped: " in report


def test_photographs_of_two_places_give_two_models(photos: Path, tmp_path: Path) -> None:
    from fastcv import synthetic

    other = synthetic.make_dataset("courtyard", num_views=5, width=320, height=240, seed=5)  # other walls and things
    synthetic.write_dataset(other, tmp_path)
    (tmp_path / "photos" / "courtyard_000.jpg").unlink()
    shutil.copytree(photos, tmp_path / "photos" / "here")
    summary = pipeline.reconstruct(tmp_path / "photos", tmp_path / "out", Options(quality="low"))
    assert [model["registered"] for model in summary.models] == [5, 4]
    assert len(io.read_colmap(tmp_path / "out" / "sparse" / "1").images) == 4
    assert any("fall into 2 models" in warning for warning in summary.warnings)
    assert "fall into 2 models" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_photographs(photos: Path, tmp_path: Path, count: int) -> None:
    (tmp_path / "photos").mkdir()
    for path in sorted(photos.iterdir())[:count]:
        shutil.copy(path, tmp_path / "photos")
    found = {0: "none", 1: "one"}[count]
    with pytest.raises(ReconstructionError, match=f"at least two different photographs .* found {found}$"):
        pipeline.reconstruct(tmp_path / "photos", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_copies_of_one_photograph(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(photos / "courtyard_000.jpg", tmp_path / "photos" / name)
    with pytest.raises(ReconstructionError, match=r"found one; skipped:\n  b\.jpg: the same file as a\.jpg"):
        pipeline.reconstruct(tmp_path / "photos", tmp_path / "out")


def test_too_few_that_can_be_read(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copy(photos / "courtyard_000.jpg", tmp_path / "photos")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photograph")
    with pytest.raises(ReconstructionError, match=r"found one; skipped:\n  broken\.jpg: "):
        pipeline.reconstruct(tmp_path / "photos", tmp_path / "out")


def test_photographs_without_texture(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for grey in (0, 128, 255):
        io.write_image(tmp_path / "photos" / f"{grey}.png", np.full((60, 80), grey, np.uint8))
    with pytest.raises(ReconstructionError, match="do not overlap"):
        pipeline.reconstruct(tmp_path / "photos", tmp_path / "out", OPTIONS)


def test_folders_that_make_no_sense(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="expected a folder of photographs, got nothing there"):
        pipeline.reconstruct(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(NotADirectoryError, match="got a file"):
        pipeline.reconstruct(photos / "courtyard_000.jpg", tmp_path / "out")
    for out in (photos, photos / "out"):
        with pytest.raises(OptionsError, match="out: expected a folder outside of the photographs"):
            pipeline.reconstruct(photos, out)
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(FileExistsError, match=r"found thesis\.tex"):
        pipeline.reconstruct(photos, tmp_path)


def test_a_full_disk_loses_nothing(photos: Path, undisturbed: Path, tmp_path: Path) -> None:
    """The limit on file sizes stands for the full disk: depth maps (300 kB) fail, what comes before is smaller."""
    limit = max(
        path.stat().st_size for name in ("features", "matches", "sparse") for path in undisturbed.rglob(f"{name}/**/*")
    )
    limit += 1000
    assert min(path.stat().st_size for path in (undisturbed / "estimated").iterdir()) > limit

    def set_limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "fastcv.cli", "reconstruct", str(photos), "-o", str(tmp_path / "out")]
    command += ["--quality", "low"]
    result = subprocess.run(command, check=False, preexec_fn=set_limit, capture_output=True, text=True)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert "the same command goes on where it stopped" in result.stderr
    assert not list((tmp_path / "out").rglob(".fastcv-*"))
    todo = made(photos, tmp_path / "out")
    assert (todo["features"], todo["matches"], todo["verify"], todo["sparse"], todo["depth"]) == (0, 0, 0, 0, 5)
    assert contents(tmp_path / "out") == contents(undisturbed)
