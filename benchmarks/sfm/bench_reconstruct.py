# SPDX-License-Identifier: Apache-2.0
"""Photographs to cameras against pycolmap on the same photographs: time, reprojection error, error of the poses.

Both detect SIFT, match all pairs exactly, verify and map on the CPU with two threads. The check asks that ours places
every photograph with centres at most twice as far off as pycolmap's (or, without ground truth, a reprojection error at
most twice as large). Times and errors of both are in the notes.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from benchmarks._harness import Contest, case, data_dir

from fastcv import Reconstruction, io, pipeline, sfm

Intrinsics = tuple[float, float, float, float]
NUM_THREADS = 2
MAX_SIZE, QUICK_MAX_SIZE = 1600, 800  # longest side in pixels; both sides see the same reduced photographs


@dataclass(frozen=True)
class Run:
    """One reconstruction: its largest model and the seconds of each stage."""

    model: Reconstruction
    reprojection_px: float
    seconds: dict[str, float]


@case
def fountain_11_known_intrinsics(contest: Contest) -> None:
    if not contest.quick:
        compete(contest, "fountain-P11", known=True)


@case
def fountain_11(contest: Contest) -> None:
    if not contest.quick:
        compete(contest, "fountain-P11", known=False)


@case
def herz_jesus_8_known_intrinsics(contest: Contest) -> None:
    compete(contest, "herz-jesus-P8", known=True)


@case
def herz_jesus_8(contest: Contest) -> None:
    if not contest.quick:
        compete(contest, "herz-jesus-P8", known=False)


@case
def sceaux_11(contest: Contest) -> None:
    if not contest.quick:
        compete(contest, "sceaux", known=False)


def compete(contest: Contest, name: str, *, known: bool) -> None:
    """Set up one photo set; ``known`` gives both the true focal length and principal point, kept fixed."""
    root = data_dir() / "sfm" / name
    photos = root / "images" if (root / "images").is_dir() else root
    truth, intrinsics = ground_truth(root)
    arguments = photos, intrinsics if known else None, QUICK_MAX_SIZE if contest.quick else MAX_SIZE
    contest.ours(lambda: ours(*arguments))
    contest.peer(
        "pycolmap",
        pycolmap.__version__,
        lambda: theirs(*arguments),
        check=lambda a, b: judge(contest, len(io.list_photos(photos)), truth, a, b),
    )


def ground_truth(root: Path) -> tuple[dict[str, np.ndarray], Intrinsics | None]:
    """Poses by photograph, and fx, fy, cx, cy from the corner of the image; nothing where there is no truth."""
    path = root / "gt_cameras.json"
    if not path.exists():
        return {}, None
    facts = json.loads(path.read_text())
    poses = {
        name: np.column_stack([camera["R_cam_from_world"], camera["t_cam_from_world"]])
        for name, camera in facts["cameras"].items()
    }
    k = np.array(facts["K_half"])
    return poses, (k[0, 0], k[1, 1], k[0, 2] + 0.5, k[1, 2] + 0.5)  # the file counts from pixel centres


def ours(photos: Path, intrinsics: Intrinsics | None, max_size: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        options = pipeline.Options(
            max_size=max_size,
            intrinsics=intrinsics,
            single_camera=True,
            until="sparse",
            num_threads=NUM_THREADS,
        )
        summary = pipeline.reconstruct(photos, Path(folder) / "run", options)
        model = io.read_colmap(Path(folder) / "run" / "sparse" / "0")
    return Run(model, summary.models[0]["mean_reprojection_error_px"], summary.seconds)


def theirs(photos: Path, intrinsics: Intrinsics | None, max_size: int) -> Run:
    pycolmap.logging.minloglevel = 2
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), Stopwatch()
        reader = pycolmap.ImageReaderOptions()
        reader.camera_model = "PINHOLE" if intrinsics else "SIMPLE_RADIAL"
        if intrinsics:
            reader.camera_params = ",".join(map(str, intrinsics))
        extraction = pycolmap.FeatureExtractionOptions()
        extraction.num_threads, extraction.max_image_size = NUM_THREADS, max_size
        pycolmap.extract_features(
            folder / "db",
            photos,
            image_names=[path.name for path in io.list_photos(photos)],
            camera_mode=pycolmap.CameraMode.SINGLE,
            reader_options=reader,
            extraction_options=extraction,
            device=pycolmap.Device.cpu,
        )
        clock.lap("features")
        matching = pycolmap.FeatureMatchingOptions()
        matching.num_threads = NUM_THREADS
        pycolmap.match_exhaustive(folder / "db", matching_options=matching, device=pycolmap.Device.cpu)
        clock.lap("matches and verify")
        options = pycolmap.IncrementalPipelineOptions()
        options.num_threads = NUM_THREADS
        options.ba_refine_focal_length = options.ba_refine_extra_params = intrinsics is None
        models = pycolmap.incremental_mapping(folder / "db", photos, folder / "out", options=options)
        clock.lap("sparse")
        largest = max(models.values(), key=lambda model: model.num_reg_images())
        largest.write(folder)
        return Run(io.read_colmap(folder), largest.compute_mean_reprojection_error(), clock.seconds)


class Stopwatch:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def judge(contest: Contest, num_photos: int, truth: dict[str, Any], a: Run, b: Run) -> tuple[str, bool]:
    """Note the facts of both runs and say whether ours is good enough."""
    for name, run in (("ours", a), ("theirs", b)):
        contest.note(**{name: facts(run, truth)})
    registered = f"{len(a.model.images)} of {num_photos} placed"
    complete = len(a.model.images) == num_photos
    if not truth:
        text = f"{registered}, reprojection {a.reprojection_px:.3f} px, theirs {b.reprojection_px:.3f} px"
        return text, complete and a.reprojection_px <= 2 * b.reprojection_px
    mine, peer = (1e3 * sfm.compare_poses(run.model, truth).center.mean() for run in (a, b))
    text = f"{registered}, reprojection {a.reprojection_px:.3f} px, theirs {b.reprojection_px:.3f} px"
    return f"{text}; centres off by {mine:.2f} mm, theirs {peer:.2f} mm", complete and mine <= 2 * peer


def facts(run: Run, truth: dict[str, Any]) -> dict[str, Any]:
    """Numbers of one run for the record; centres in millimetres, rotations in degrees."""
    result: dict[str, Any] = {
        "registered": len(run.model.images),
        "points": len(run.model.points3D),
        "reprojection_px": run.reprojection_px,
        "focal_px": [camera.focal_length for camera in run.model.cameras.values()],
        "seconds": run.seconds,
    }
    if truth:
        errors = sfm.compare_poses(run.model, truth)
        result["center_mm"] = {k: float(1e3 * f(errors.center)) for k, f in STATISTICS.items()}
        result["rotation_deg"] = {k: float(f(errors.rotation)) for k, f in STATISTICS.items()}
    return result


STATISTICS: dict[str, Any] = {"mean": np.mean, "median": np.median, "max": np.max}
