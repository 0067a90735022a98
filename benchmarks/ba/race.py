# SPDX-License-Identifier: Apache-2.0
"""Starts solvers, each run in a process of its own, and says how long they took to reach a cost."""

from __future__ import annotations

import functools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks._harness import Timing

ROOT = Path(__file__).resolve().parents[2]
CERES_BUILD = ROOT / "build" / "benchmarks" / "ceres"
NUM_THREADS = 2
# What every contestant is asked for; beside it all stop at gradients of 1e-10 and steps of 1e-8 of the unknowns.
MAX_ITERATIONS, FUNCTION_TOLERANCE = 200, 1e-8
CLOSE, VERY_CLOSE = 1e-2, 1e-4  # above the best cost known


@dataclass(frozen=True)
class Run:
    """One solve. ``seconds`` and ``costs`` (px², of the step that was tried) are those after each iteration, the start
    first; memory is that of the process, ``base_bytes`` before it loaded the problem."""

    version: str
    linear_solver: str
    seconds: list[float]
    costs: list[float]
    linear_iterations: list[int]
    build_s: float
    total_s: float
    base_bytes: int
    peak_bytes: int
    termination: str

    @property
    def final_cost(self) -> float:
        return min(self.costs)

    def time_to(self, cost: float) -> float:
        """Seconds until the cost was no higher, or infinity."""
        return next((s for s, c in zip(self.seconds, self.costs, strict=True) if c <= cost), math.inf)

    def facts(self, best: float) -> dict[str, Any]:
        """For the record; times that were not reached are None."""
        costs = np.minimum.accumulate(np.where(np.isfinite(self.costs), self.costs, np.inf))
        close, very_close = (self.time_to((1 + part) * best) for part in (CLOSE, VERY_CLOSE))
        return {
            "linear_solver": self.linear_solver,
            "iterations": len(self.costs) - 1,
            "linear_iterations": sum(self.linear_iterations),
            "final_cost": self.final_cost,
            "above_best": self.final_cost / best - 1,
            "seconds_to_1e-2": close if math.isfinite(close) else None,
            "seconds_to_1e-4": very_close if math.isfinite(very_close) else None,
            "build_s": self.build_s,
            "total_s": self.total_s,
            "base_bytes": self.base_bytes,
            "peak_bytes": self.peak_bytes,
            "termination": self.termination,
            "curve": [[float(f"{s:.5g}"), float(f"{c:.9g}")] for s, c in zip(self.seconds, costs, strict=True)],
        }


def run_worker(name: str, folder: Path, limit: float, **options: Any) -> Run:
    """A solver of ``solvers.py``."""
    options = {"iterations": MAX_ITERATIONS, "tolerance": FUNCTION_TOLERANCE, "limit": limit} | options
    return _run([sys.executable, "-m", "benchmarks.ba.worker", name, str(folder), json.dumps(options)])


def run_ceres(linear_solver: str, folder: Path, limit: float, num_threads: int = NUM_THREADS) -> Run:
    """Ceres in C++; built where that has not been done."""
    settings = (linear_solver, num_threads, MAX_ITERATIONS, FUNCTION_TOLERANCE, limit)
    return _run([str(ceres_program()), str(folder / "problem.bin"), *map(str, settings)])


@functools.cache
def ceres_program() -> Path:
    cmake = shutil.which("cmake") or str(Path(sys.executable).parent / "cmake")
    for command in (
        ["-S", str(Path(__file__).parent / "ceres"), "-B", str(CERES_BUILD), "-DCMAKE_BUILD_TYPE=Release"],
        ["--build", str(CERES_BUILD)],
    ):
        done = subprocess.run([cmake, *command], check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(
                f"the benchmark of ba needs cmake and Ceres (apt install libceres-dev):\n{done.stdout}{done.stderr}"
            )
    return CERES_BUILD / "bal_with_ceres"


def _run(command: list[str]) -> Run:
    threads = {name: str(NUM_THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "FASTCV_NUM_THREADS")}
    done = subprocess.run(command, check=False, cwd=ROOT, env=os.environ | threads, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


class Fastest:
    """The variant of a solver that reaches the target first, found in its first run; later runs repeat it.

    A variant gets the time that the fastest one so far needed and no more; the winner runs to its end. A call returns a
    Timing with the seconds to 1 + 1e-4 times the best cost known.
    """

    def __init__(self, variants: Mapping[str, Callable[[float], Run]], best: float, limit: float) -> None:
        self.variants, self.best, self.limit = variants, best, limit
        self.target = (1 + VERY_CLOSE) * best
        self.winner = ""

    def __call__(self) -> Timing:
        if self.winner:
            return self._timing(self.variants[self.winner](self.limit), {})
        runs: dict[str, Run] = {}
        limit = self.limit
        for name, variant in self.variants.items():
            runs[name] = variant(limit)
            limit = min(limit, max(0.1, runs[name].time_to(self.target)))
        self.winner = min(runs, key=lambda name: (runs[name].time_to(self.target), runs[name].final_cost))
        if self.winner != next(iter(runs)):  # it was not given time to converge
            runs[self.winner] = self.variants[self.winner](self.limit)
        others = {name: run for name, run in runs.items() if name != self.winner}
        return self._timing(runs[self.winner], others)

    def _timing(self, run: Run, others: dict[str, Run]) -> Timing:
        facts = run.facts(self.best)
        if others:
            facts["others"] = {name: other.facts(self.best) for name, other in others.items()}
        seconds = run.time_to(self.target)
        reached = math.isfinite(seconds)
        return Timing(seconds if reached else run.total_s, [run, *others.values()], reached, facts)


def temporary_folder() -> Path:
    """A folder that goes when Python ends."""
    folder = tempfile.TemporaryDirectory(prefix="fastcv-ba-")
    _folders.append(folder)
    return Path(folder.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []
