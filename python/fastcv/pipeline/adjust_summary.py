# SPDX-License-Identifier: Apache-2.0
"""What came out of a bundle adjustment, for people and machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ba
from .record import Record

LIBRARIES = ("numpy", "matplotlib", "viser")

# What a run folder of ``ba`` holds, in the order in which people look for it.
FILES = {
    "report.html": "the report; one file, can be sent as it is",
    "result.json": "the numbers of the report for programs",
    "adjusted": "the solution, in the format of the problem",
    "manifest.json": "says that the folder is one of fastcv ba",
}


@dataclass(frozen=True)
class AdjustSummary(Record):
    """Outcome of ``adjust``. Costs that are not finite are None.

    Parameters
    ----------
    problem, out : str
        What was read, and the folder of the results.
    format : {"BAL", "COLMAP"}
    sizes : dict of str to int
        ``images``, ``cameras``, ``points``, ``observations`` of the problem, and ``frames`` where it has rigs.
    initial_cost, final_cost : float
        1/2 sum rho(|residual|²), px².
    errors : dict
        ``before`` and ``after``, each with ``rms``, ``mean``, ``median``, ``p95`` and ``max`` of the distances between
        observation and projection in pixels.
    termination, message : str
        Those of ``fastcv.ba.Result``.
    solver, linear_solver : str
        What ran.
    iterations : list of dict
        Fields of ``fastcv.ba.Iteration``, the start first.
    seconds : dict of str to float
        ``read``, ``adjust`` and ``write``.
    peak_memory_mb : float
        Of this process, so far.
    warnings : list of str
    files : dict of str to str
        What there is in ``out``, and what it holds.
    options, versions : dict
    """

    problem: str
    out: str
    format: str
    sizes: dict[str, int]
    initial_cost: float | None
    final_cost: float | None
    errors: dict[str, dict[str, float]]
    termination: str
    message: str
    solver: str
    linear_solver: str
    iterations: list[dict[str, Any]]
    seconds: dict[str, float]
    peak_memory_mb: float
    warnings: list[str]
    files: dict[str, str]
    options: dict[str, Any]
    versions: dict[str, str]

    @property
    def num_steps(self) -> int:
        """Steps that were tried."""
        return len(self.iterations) - 1


def problem_sizes(problem: ba.Problem) -> dict[str, int]:
    """Numbers of images, cameras, points and observations, and of frames where there are rigs."""
    frames = {} if problem.rigs is None else {"frames": problem.rigs.num_frames}
    return {
        "images": problem.num_images,
        "cameras": len(problem.cameras),
        "points": problem.num_points,
        "observations": problem.num_observations,
        **frames,
    }


def describe_errors(lengths: NDArray[np.float64]) -> dict[str, float]:
    """Statistics of reprojection errors, (K,), in their unit."""
    return {
        "rms": float(np.sqrt(np.mean(lengths**2))),
        "mean": float(lengths.mean()),
        "median": float(np.median(lengths)),
        "p95": float(np.percentile(lengths, 95)),
        "max": float(lengths.max()),
    }
