# SPDX-License-Identifier: Apache-2.0
"""Gather what the report of a bundle adjustment shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import ba, report
from .adjust_source import Source
from .adjust_summary import AdjustSummary
from .text import duration, thousands

ENDINGS = {
    "converged": "Converged",
    "max_iterations": "Stopped at the most iterations allowed",
    "time_limit": "Stopped at the time limit",
    "interrupted": "Interrupted by Ctrl-C: the best state so far",
    "failed": "Failed: no step made progress",
}


def gather(summary: AdjustSummary, source: Source, before: NDArray[np.float64], result: ba.Result) -> report.Adjustment:
    """What the report shows; ``before`` are the residuals at the start, (K, 2)."""
    problem = source.problem
    return report.Adjustment(
        title=Path(summary.problem).resolve().name,
        lead=_lead(summary),
        figures=_figures(summary),
        facts={
            "Solver": [
                ("solver", f"{summary.solver}, {summary.linear_solver}"),
                ("its own words", summary.message),
                *((f"time to {stage}", f"{seconds:.3f} s") for stage, seconds in summary.seconds.items()),
            ],
            "Options": [(name, "none" if value is None else str(value)) for name, value in summary.options.items()],
            "Versions": list(summary.versions.items()),
        },
        warnings=summary.warnings,
        iterations=result.iterations,
        before=report.State("before", problem.points, problem.cam_from_world, np.linalg.norm(before, axis=1)),
        after=report.State("after", result.points, result.cam_from_world, np.linalg.norm(result.residuals, axis=1)),
        cameras=[result.cameras[row] for row in problem.image_cameras],
        rgb=source.rgb,
        files=list(summary.files.items()),
    )


def _lead(summary: AdjustSummary) -> str:
    """One sentence that says how it went."""
    steps = "1 step" if summary.num_steps == 1 else f"{summary.num_steps} steps"
    cost = f"cost {summary.initial_cost or 0:.9g} to {summary.final_cost or 0:.9g} px²"
    return f"{ENDINGS[summary.termination]} after {steps} in {duration(summary.seconds['adjust'])}: {cost}."


def describe_adjustment(summary: AdjustSummary) -> list[str]:
    """How it went, in lines of text."""
    sizes = ", ".join(f"{size} {name}" for name, size in summary.sizes.items())
    before, after = summary.errors["before"], summary.errors["after"]
    return [
        _lead(summary),
        f"Reprojection error: root mean square {before['rms']:.4g} to {after['rms']:.4g} px, "
        f"median {before['median']:.4g} to {after['median']:.4g} px",
        f"{sizes}; solver {summary.solver}, {summary.linear_solver}",
    ]


def _figures(summary: AdjustSummary) -> list[tuple[str, str]]:
    before, after = summary.errors["before"], summary.errors["after"]
    return [
        *((name.capitalize(), thousands(size)) for name, size in summary.sizes.items()),
        ("RMS error before", f"{before['rms']:.3g} px"),
        ("RMS error after", f"{after['rms']:.3g} px"),
        ("Median after", f"{after['median']:.3g} px"),
        ("Steps", str(summary.num_steps)),
        ("Time to adjust", duration(summary.seconds["adjust"])),
        ("Peak memory", f"{thousands(round(summary.peak_memory_mb))} MB"),
    ]
