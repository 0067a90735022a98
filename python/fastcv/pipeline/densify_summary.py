# SPDX-License-Identifier: Apache-2.0
"""What came out of multi-view stereo, for people and machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .dense import Dense
from .densify_options import DensifyOptions
from .record import Record, peak_memory_mb, plain_values, versions

LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "matplotlib", "viser")

# What a run folder of ``mvs`` holds, in the order in which people look for it.
FILES = {
    "report.html": "the report; one file, can be sent as it is",
    "summary.json": "the numbers of the report for programs",
    "fused.ply": "dense cloud with colours and normals, for MeshLab, CloudCompare, Blender",
    "depth": "filtered depth of each photograph without its distortion: PFM (0 = none), PNG to look at, COLMAP cameras",
    "depth16": "the same as 16-bit PNG, each with its scale",
    "stereo": "the same as COLMAP's arrays",
    "normals": "normals in the camera frame, PFM",
    "estimated": "depth and confidence before filtering, PFM",
    "preview.npz": "some points of the dense cloud, for the report",
    "manifest.json": "what each result was made from; lets the same command go on where it stopped",
}


@dataclass(frozen=True)
class DensifySummary(Record):
    """Outcome of ``densify``.

    Parameters
    ----------
    model, photos, out : str
        The folders.
    views : dict
        By photograph, in their order: ``width``, ``height``, ``near``, ``far``, ``planes``, ``seconds``, ``sources``
        (each with ``name`` and the fields of ``fastcv.mvs.Candidate``), and once it was filtered ``confident`` and
        ``coverage``, the shares of pixels with a depth before and after.
    skipped : dict of str to str
        Views without a depth map, and why.
    num_depth_maps : int
    depth_coverage : float or None
        Mean share of pixels with a depth.
    confirmed : float or None
        Mean share of the depths that other views confirm.
    num_points : int or None
        In fused.ply; None for a shard.
    seconds : dict of str to float
        Time of each stage, over all runs and shards that contributed.
    max_memory_mb, peak_memory_mb : float
        What was allowed, and what this process has held at most so far.
    warnings : list of str
    files : dict of str to str
        What there is in ``out``, and what it holds.
    options, versions : dict
    """

    model: str
    photos: str
    out: str
    views: dict[str, dict[str, Any]]
    skipped: dict[str, str]
    num_depth_maps: int
    depth_coverage: float | None
    confirmed: float | None
    num_points: int | None
    seconds: dict[str, float]
    max_memory_mb: float
    peak_memory_mb: float
    warnings: list[str]
    files: dict[str, str]
    options: dict[str, Any]
    versions: dict[str, str]


def summarize(dense: Dense, model: str, photos: str, names: Sequence[str], options: DensifyOptions) -> DensifySummary:
    """What the run folder holds of these photographs right now."""
    run = dense.run
    estimated, filtered = run.info("depth"), run.info("filter")
    reasons = {name: estimated.get(name, {"skipped": "not estimated yet"}).get("skipped") for name in names}
    skipped = {name: reason for name, reason in reasons.items() if reason is not None}
    views = {name: _view(estimated[name], filtered.get(name, {})) for name in names if name not in skipped}
    shares = [facts for facts in views.values() if "coverage" in facts]
    confident = sum(facts["confident"] for facts in shares)
    covered = sum(facts["coverage"] for facts in shares)
    return DensifySummary(
        model=model,
        photos=photos,
        out=str(run.path),
        views=views,
        skipped=skipped,
        num_depth_maps=len(views),
        depth_coverage=covered / len(shares) if shares else None,
        confirmed=covered / confident if confident else None,
        num_points=run.info("fuse").get("cloud", {}).get("points"),
        seconds={**run.seconds(), "depth": sum(facts["seconds"] for facts in views.values())},
        max_memory_mb=options.max_bytes / 2**20,
        peak_memory_mb=peak_memory_mb(),
        warnings=_warnings(views, skipped),
        files={n: text for n, text in FILES.items() if n == "summary.json" or (run.path / n).exists()},
        options=plain_values(options),
        versions=versions(*LIBRARIES),
    )


def _view(estimated: dict[str, Any], filtered: dict[str, Any]) -> dict[str, Any]:
    camera = estimated["camera"]
    return {"width": camera["width"], "height": camera["height"], **estimated, **filtered}


def _warnings(views: dict[str, dict[str, Any]], skipped: dict[str, str]) -> list[str]:
    warnings = [f"{name} was skipped: {reason}" for name, reason in skipped.items()]
    for name, facts in views.items():
        warnings += [
            f"{name} was matched without {source}, which cannot be read: {reason}"
            for source, reason in facts["unreadable"].items()
        ]
    return warnings
