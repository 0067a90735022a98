# SPDX-License-Identifier: Apache-2.0
"""The native solver on a GPU against Ceres, and against itself, with all cores of the same machine.

``seconds_per_gradient`` is the slope of an iteration's time over its conjugate gradients. Its bound is the bytes of one
pass over the Jacobians at the bandwidth of an H100; ours are passed over twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from benchmarks._harness import Contest, Timing, case, data_dir
from benchmarks.ba import problems
from benchmarks.ba.bench_growth import below_truth, saved
from benchmarks.ba.race import VERY_CLOSE, Fastest, Run, run_ceres, run_worker, temporary_folder

from fastcv import cuda, io
from fastcv._backend import ceres

NUM_THREADS = os.cpu_count() or 1
BYTES_PER_OBSERVATION, BYTES_PER_SECOND = 110, 3e12
LIMIT = 120  # seconds
ITERATIONS = 20  # of the largest problem


def here(contest: Contest) -> bool:
    """Whether there is a GPU, and time."""
    if not cuda.is_available():
        contest.skip("there is no CUDA device")
        return False
    contest.note(device=cuda.device_name(), num_threads=NUM_THREADS)
    return not contest.quick


@case
def gpu_ladybug_49(contest: Contest) -> None:
    race(contest, "problem-49-7776-pre", "dense_schur", "sparse_schur")


@case
def gpu_long_tracks_177(contest: Contest) -> None:
    race(contest, "colmap-177-softm", "dense_schur", "iterative_schur")


@case
def gpu_street_1700(contest: Contest) -> None:
    """Synthetic."""
    race(contest, "synth-street-1700", "iterative_schur", "sparse_schur")


def race(contest: Contest, file: str, *linear_solvers: str) -> None:
    """To 1e-4 above the best cost known, against these linear solvers of Ceres."""
    if not here(contest):
        return
    bal, folder, best = (
        io.read_bal(data_dir() / "bal" / f"{file}.txt.xz"),
        temporary_folder(),
        problems.BEST_COSTS[file],
    )
    problems.save(bal, folder)
    contest.rounds = 3
    contest.note(file=file, observations=len(bal.observations), limit_s=LIMIT)
    contest.ours(with_gradients(Fastest({"auto": on("cuda", folder)}, best, LIMIT), len(bal.observations)))
    variants = {name: partial(run_ceres, name, folder, num_threads=NUM_THREADS) for name in linear_solvers}
    contest.peer("ceres", ceres().version(), Fastest(variants, best, LIMIT), check=partial(reaches, best))
    contest.peer(
        "fastcv on the CPU", "", Fastest({"auto": on("cpu", folder)}, best, LIMIT), check=partial(reaches, best)
    )


@case
def gpu_gradients_5m(contest: Contest) -> None:
    """Synthetic: the time of a conjugate gradient with 5 million observations, and of the whole solve on the CPU."""
    if not here(contest):
        return
    folder, observations, truth = saved("street", 10880)
    contest.rounds = 1
    contest.note(observations=observations, iterations=ITERATIONS)

    def measure(device: str) -> Timing:
        run = on(device, folder, linear_solver="iterative_schur", iterations=ITERATIONS, tolerance=0)(600)
        return Timing(run.seconds[-1] - run.seconds[0], run.final_cost / truth - 1, facts=gradients(run, observations))

    contest.ours(partial(measure, "cuda"))
    contest.peer("fastcv on the CPU", "", partial(measure, "cpu"), check=below_truth)


def on(device: str, folder: Any, *, linear_solver: str = "auto", **options: Any) -> Callable[[float], Run]:
    """The native solver there; on the CPU with all cores."""
    fixed = {"solver": "native", "linear_solver": linear_solver, "device": device, "num_threads": NUM_THREADS}
    return lambda limit: run_worker("fastcv", folder, limit, **fixed, **options)


def with_gradients(fastest: Fastest, observations: int) -> Callable[[], Timing]:
    def run() -> Timing:
        timing = fastest()
        timing.facts.update(gradients(timing.result[0], observations))
        return timing

    return run


def gradients(run: Run, observations: int) -> dict[str, Any]:
    """Seconds per conjugate gradient and how many times the bound that is, where their number varied."""
    counts, seconds = np.array(run.linear_iterations[1:], float), np.diff(run.seconds)
    if len(set(counts)) < 2:
        return {}
    slope = float(np.polyfit(counts, seconds, 1)[0])
    bound = BYTES_PER_OBSERVATION * observations / BYTES_PER_SECOND
    return {"seconds_per_gradient": slope, "bound_s": bound, "times_the_bound": slope / bound}


def reaches(best: float, ours: list[Run], theirs: list[Run]) -> tuple[str, bool]:
    """Ours must come to the best cost known, from the same start as theirs."""
    above, their_above = ours[0].final_cost / best - 1, min(run.final_cost for run in theirs) / best - 1
    same_start = abs(theirs[0].costs[0] / ours[0].costs[0] - 1) < 1e-6
    text = f"{theirs[0].linear_solver} ends {their_above:+.1e} from the best cost known, ours {above:+.1e}"
    return text, above <= VERY_CLOSE and same_start
