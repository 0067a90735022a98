# SPDX-License-Identifier: Apache-2.0
"""What came out of a run, for people and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .context import Context
from .record import Record, peak_memory_mb, plain_values, versions

_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "matplotlib", "viser")

# What a run folder holds, in the order in which people look for it.
FILES = {
    "report.html": "the report; one file, can be sent as it is",
    "summary.json": "the numbers of the report for programs",
    "sparse": "cameras, poses and points: COLMAP models 0, 1, …, the largest first",
    "fused.ply": "dense cloud with colours and normals, for MeshLab, CloudCompare, Blender",
    "depth": "filtered depth of each photograph without its distortion: PFM (0 = none), PNG to look at, COLMAP cameras",
    "preview.npz": "some points of the dense cloud, for the report",
    "estimated": "depth and confidence before filtering, PFM",
    "features": "keypoints and descriptors, NumPy archives",
    "matches": "matches of every pair, NumPy archives",
    "verified": "matches that agree with one motion, and the motion, NumPy archives",
    "manifest.json": "what each result was made from; lets the same command go on where it stopped",
}


@dataclass(frozen=True)
class Summary(Record):
    """Outcome of ``reconstruct``.

    Parameters
    ----------
    photos, out : str
        The folders.
    num_photos : int
        Photographs found, those left out included.
    skipped : dict of str to str
        Files that were not used, and why.
    unregistered : dict of str to str
        Photographs that are in no model, and why.
    models : list of dict
        Facts about each model, largest first: ``registered``, ``points``, ``observations``, ``mean_track_length``,
        ``mean_reprojection_error_px``, ``images``, ``cameras``.
    num_depth_maps : int
    depth_coverage : float or None
        Mean share of pixels with a depth.
    num_dense_points : int or None
    seconds : dict of str to float
        Time of each stage, over all runs that contributed.
    peak_memory_mb : float
        Of this process, so far.
    warnings : list of str
    files : dict of str to str
        What there is in ``out``, and what it holds.
    options, versions : dict
    """

    photos: str
    out: str
    num_photos: int
    skipped: dict[str, str]
    unregistered: dict[str, str]
    models: list[dict[str, Any]]
    num_depth_maps: int
    depth_coverage: float | None
    num_dense_points: int | None
    seconds: dict[str, float]
    peak_memory_mb: float
    warnings: list[str]
    files: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def num_registered(self) -> int:
        """Photographs in the largest model."""
        return self.models[0]["registered"] if self.models else 0


def summarize(context: Context) -> Summary:
    """What the run folder holds right now."""
    run = context.run
    sparse = run.info("sparse").get("models", {"models": [], "left_out": {}})
    placed = {name for model in sparse["models"] for name in model["images"]}
    unregistered = {
        name: sparse["left_out"].get(name, "no reason given")
        for name in context.names
        if sparse["models"] and name not in placed
    }
    fused = run.info("fuse").get("cloud")
    coverage = [facts["coverage"] for facts in run.info("filter").values()] if fused else []
    return Summary(
        photos=str(context.source),
        out=str(run.path),
        num_photos=len(context.facts) + len(context.skipped),
        skipped=context.skipped,
        unregistered=unregistered,
        models=sparse["models"],
        num_depth_maps=sum("skipped" not in facts for facts in run.info("depth").values()),
        depth_coverage=sum(coverage) / len(coverage) if coverage else None,
        num_dense_points=fused["points"] if fused else None,
        seconds=run.seconds(),
        peak_memory_mb=peak_memory_mb(),
        warnings=_warnings(context.skipped, unregistered, sparse["models"]),
        files={n: text for n, text in FILES.items() if n == "summary.json" or (run.path / n).exists()},
        options=plain_values(context.options),
        versions=versions(*_LIBRARIES),
    )


def _warnings(skipped: Mapping[str, str], unregistered: Mapping[str, str], models: list[dict[str, Any]]) -> list[str]:
    warnings = [f"{name} was skipped: {reason}" for name, reason in skipped.items()]
    warnings += [f"{name} was not placed: {reason}" for name, reason in unregistered.items()]
    if len(models) > 1:
        sizes = " and ".join(str(model["registered"]) for model in models)
        warnings.append(
            f"The photographs fall into {len(models)} models that could not be joined, of {sizes} photographs: too few "
            "matches connect them. Depth and the dense cloud are those of the largest, sparse/0."
        )
    return warnings
