# SPDX-License-Identifier: Apache-2.0
"""Stage 7: gather what the report shows from the run folder, and have it written."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, report
from .context import Context
from .images import resized
from .measure import reprojection_errors
from .options import STAGES
from .store import load_arrays, load_features, load_geometries
from .summary import FILES, Summary, summarize
from .tasks import Made, Task
from .text import duration, thousands

_NUM_PAIRS = 6
_SHOWN_SIZE = 1200  # longest side in pixels of what is decoded for pictures


def run(context: Context) -> None:
    """Write ``report.html``."""
    results = context.run
    digests = [[stage, name, results.digests(stage, name)] for stage in STAGES[:-1] for name in results.info(stage)]
    inputs = [digests, context.skipped, _options(context)]
    results.execute("report", [Task("report", inputs, lambda: _write(context))])


def _write(context: Context) -> Made:
    path = context.run.path / "report.html"
    report.write_report(gather(context), path)
    return Made([path])


def gather(context: Context) -> report.Contents:
    """What the report shows."""
    summary = summarize(context)
    photos = _photos(context)
    inliers, pairs = _pairs(context)
    return report.Contents(
        title="/".join(context.source.resolve().parts[-2:]),  # the folder itself is often called photos or images
        lead=_lead(summary),
        figures=_figures(summary),
        facts={
            "Models": _models(summary),
            "Cameras of the largest model": _cameras(context),
            "Options": [(name, value) for name, value in _options(context).items()],
            "Versions": list(summary.versions.items()),
        },
        warnings=summary.warnings,
        photos=photos,
        inliers=inliers,
        pairs=pairs,
        model=context.model,
        cloud=_cloud(context),
        seconds=summary.seconds,
        files=[(name, text) for name, text in FILES.items() if (context.run.path / name).exists() or "." in name],
    )


def _photos(context: Context) -> list[report.Photo]:
    model, errors = context.model, reprojection_errors(context.model)
    ids = {image.name: image_id for image_id, image in model.images.items()}
    paths = {file.name: file.path for file in context.files}
    filtered = context.run.info("filter")
    photos = []
    for name in context.names:
        keypoints: NDArray[Any] = load_features(context.run.file("features", name, ".npz")).keypoints
        image_id = ids.get(name)
        has_point, residuals = np.zeros(len(keypoints), bool), np.empty(0)
        if image_id is not None:
            keypoints = model.images[image_id].points2D
            has_point, residuals = model.images[image_id].point3D_ids >= 0, errors[image_id]
        photos.append(
            report.Photo(
                name=name,
                load=cache(partial(_picture, paths[name])),
                width=context.facts[name]["width"],
                height=context.facts[name]["height"],
                keypoints=keypoints,
                has_point=has_point,
                residuals=residuals,
                camera_id=context.camera_ids[name],
                registered=image_id is not None,
                depth=partial(io.read_pfm, context.run.file("depth", name, ".pfm")) if name in filtered else None,
            )
        )
    return photos


def _picture(path: Any) -> NDArray[np.uint8]:
    return resized(io.read_photo(path), _SHOWN_SIZE)


def _pairs(context: Context) -> tuple[NDArray[np.int64], list[report.Pair]]:
    """Inliers of every two photographs, and pairs from the one with most inliers to the one with fewest."""
    names = context.names
    rows = {name: row for row, name in enumerate(names)}
    inliers = np.zeros((len(names), len(names)), np.int64)
    ranking = []
    for first, fact in context.run.info("verify").items():
        for second, count in fact["pairs"].items():
            i, j = rows[first], rows[second]
            inliers[i, j] = inliers[j, i] = count
            ranking.append((-count, i, j))
    ranking.sort()
    chosen = np.unique(np.linspace(0, len(ranking) - 1, min(_NUM_PAIRS, len(ranking))).round().astype(int))
    return inliers, [_pair(context, *ranking[index][1:]) for index in chosen]


def _pair(context: Context, first: int, second: int) -> report.Pair:
    names = context.names[first], context.names[second]
    matches = load_geometries(context.run.file("verified", names[0], ".npz"))[names[1]].matches
    points = [load_features(context.run.file("features", name, ".npz")).keypoints for name in names]
    return report.Pair(first, second, points[0][matches[:, 0]], points[1][matches[:, 1]])


def _cloud(context: Context) -> report.Cloud:
    if context.run.info("fuse").get("cloud", {"points": 0})["points"]:
        return report.Cloud(**load_arrays(context.run.path / "preview.npz"))
    sparse = context.model.points3D
    return report.Cloud(sparse.xyz, sparse.rgb)


def _lead(summary: Summary) -> str:
    largest = summary.models[0]
    used = summary.num_photos - len(summary.skipped)
    placed = f"{largest['registered']} of {used} photographs"
    where = "in one model" if len(summary.models) == 1 else f"in the largest of {len(summary.models)} models"
    return f"{placed} were placed {where}, with {thousands(largest['points'])} points."


def _figures(summary: Summary) -> list[tuple[str, str]]:
    largest = summary.models[0]
    error, coverage = largest["mean_reprojection_error_px"], summary.depth_coverage
    figures: list[tuple[str, str | None]] = [
        ("Photographs", f"{largest['registered']} of {summary.num_photos}"),
        ("Points", thousands(largest["points"])),
        ("Mean error", f"{error:.2f} px" if error is not None else None),
        ("Pixels with depth", f"{coverage:.0%}" if coverage is not None else None),
        ("Dense points", thousands(summary.num_dense_points) if summary.num_dense_points is not None else None),
        ("Time", duration(sum(summary.seconds.values()))),
        ("Peak memory", f"{thousands(round(summary.peak_memory_mb))} MB"),
    ]
    return [(label, value) for label, value in figures if value is not None]


def _models(summary: Summary) -> list[tuple[str, str]]:
    rows = []
    for number, model in enumerate(summary.models):
        seen = f"{thousands(model['points'])} points seen {model['mean_track_length']:.1f} times each"
        error = f"mean error {model['mean_reprojection_error_px'] or 0:.3f} px"
        rows.append((f"sparse/{number}", f"{model['registered']} photographs, {seen}, {error}"))
    return rows


def _cameras(context: Context) -> list[tuple[str, str]]:
    rows = []
    for key, camera in sorted(context.model.cameras.items()):
        params = ", ".join(f"{n} = {v:.6g}" for n, v in zip(camera.param_names, camera.params, strict=True))
        rows.append((f"{key}: {camera.model}, {camera.width} × {camera.height} px", params))
    return rows


def _options(context: Context) -> dict[str, str]:
    """Choices that are not the default's "nothing", with what the quality stands for."""
    chosen = {name: str(value) for name, value in asdict(context.options).items() if value is not None}
    return {**chosen, **{name: str(value) for name, value in context.options.preset._asdict().items()}}
