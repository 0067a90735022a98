# SPDX-License-Identifier: Apache-2.0
"""Gather what the report of multi-view stereo shows."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

from .. import io, report
from .dense import Dense
from .densify_summary import DensifySummary
from .images import resized
from .store import load_arrays
from .text import duration, thousands

_SHOWN_SIZE = 400  # longest side in pixels of pictures that are kept


def gather(dense: Dense, summary: DensifySummary) -> report.Densification:
    """What the report shows."""
    cloud = load_arrays(dense.run.path / "preview.npz") if summary.num_points else None
    return report.Densification(
        title="/".join(Path(summary.photos).resolve().parts[-2:]),  # the folder itself is often called images
        lead=_lead(summary),
        figures=_figures(summary),
        facts={
            "Options": [(name, str(value)) for name, value in summary.options.items() if value is not None],
            "Versions": list(summary.versions.items()),
        },
        warnings=summary.warnings,
        files=list(summary.files.items()),
        views=[_view(dense, name, facts) for name, facts in summary.views.items()],
        model=dense.pinhole_model(list(summary.views)),
        cloud=report.Cloud(**cloud) if cloud else report.Cloud(dense.model.points3D.xyz, dense.model.points3D.rgb),
        seconds={stage: seconds for stage, seconds in summary.seconds.items() if stage != "report"},
    )


def _view(dense: Dense, name: str, facts: dict[str, Any]) -> report.DepthView:
    return report.DepthView(
        name=name,
        load=cache(lambda: resized(dense.views.load(name).image, _SHOWN_SIZE)),
        facts={
            "pixels": f"{facts['width']} × {facts['height']}",
            "near": f"{facts['near']:.3g}",
            "far": f"{facts['far']:.3g}",
            "planes": str(facts["planes"]),
            "sources": str(len(facts["sources"])),
            "confident": f"{facts['confident']:.0%}",
            "confirmed": f"{facts['coverage'] / max(facts['confident'], 1e-9):.0%}",
            "kept": f"{facts['coverage']:.0%}",
            "seconds": f"{facts['seconds']:.1f}",
        },
        sources=[(source["name"], _reason(source)) for source in facts["sources"]],
        depth=partial(io.read_pfm, dense.run.file("depth", name, ".pfm")),
    )


def _reason(source: dict[str, Any]) -> str:
    return (
        f"it sees {source['overlap']:.0%} of it ({source['num_shared']} points) at a median angle of "
        f"{source['angle']:.1f}° and {source['scale']:.2f} times its detail; score {source['score']:.3g}"
    )


def _lead(summary: DensifySummary) -> str:
    total = summary.num_depth_maps + len(summary.skipped)
    points = thousands(summary.num_points or 0)
    return f"{summary.num_depth_maps} of {total} views have depth; fused, they are {points} points."


def _figures(summary: DensifySummary) -> list[tuple[str, str]]:
    figures: list[tuple[str, str | None]] = [
        ("Views", f"{summary.num_depth_maps} of {summary.num_depth_maps + len(summary.skipped)}"),
        ("Points", thousands(summary.num_points or 0)),
        ("Depths confirmed", f"{summary.confirmed:.0%}" if summary.confirmed is not None else None),
        ("Pixels with depth", f"{summary.depth_coverage:.0%}" if summary.depth_coverage is not None else None),
        ("Time", duration(sum(summary.seconds.values()))),
        ("Peak memory", f"{thousands(round(summary.peak_memory_mb))} MB"),
    ]
    return [(label, value) for label, value in figures if value is not None]
