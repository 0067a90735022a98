# SPDX-License-Identifier: Apache-2.0
"""How far the parts of the native solver are from what the machine could do: one thread, problems in BAL's format.

The peer is the bound: the time that one thread needs at least to move the bytes (at the bandwidth of a large copy) or
to compute (at the rate of a product of matrices in double precision), whichever is longer. Counts are for cameras of
nine parameters, an observation each: an index or two, pixel and weight are 36 bytes, a Jacobian in single precision 72.
A ratio of 0.2 is a fifth of the bound's speed.
"""

from __future__ import annotations

import time
from functools import cache, partial

import numpy as np
from benchmarks._harness import Contest, Timing, case, data_dir
from benchmarks._machine import copy_bandwidth
from benchmarks.ba import problems
from threadpoolctl import threadpool_limits

from fastcv import ba, io

Work = tuple[float, float]  # bytes and floating-point operations


@case
def linearize(contest: Contest) -> None:
    """Residuals, Jacobians, gradient, blocks of points; the images' blocks read the Jacobians again."""
    part(contest, "problem-16-22106-pre", "linearize", (36 + 72 + 72 + 8, 800))


@case
def refine_points(contest: Contest) -> None:
    """Residuals and derivatives by the point, twice; what they read stays in the cache."""
    part(contest, "problem-16-22106-pre", "refine_points", (36, 700))


@case
def back_substitute(contest: Contest) -> None:
    part(contest, "problem-16-22106-pre", "take_step", (72 + 8, 80))


@case
def conjugate_gradient(contest: Contest) -> None:
    """An iteration of them, their preparation shared out: one pass over the Jacobians."""
    part(contest, "synth-tourist-400", "linear_solve", (72 + 38, 100), linear_solver="iterative_schur")


@case
def reduced_system(contest: Contest) -> None:
    """200 operations for each pair of observations of a point, and n³/3 for the factor."""
    file = "colmap-177-softm"
    bal = read(file)
    tracks = np.bincount(bal.point_indices).astype(float)
    flops = 200 * float(np.sum(tracks * (tracks + 1) / 2)) + (9 * len(bal.params)) ** 3 / 3
    part(contest, file, "linear_solve", (72, flops / len(bal.observations)), linear_solver="dense_schur")


def part(contest: Contest, file: str, phase: str, work: Work, linear_solver: str = "auto") -> None:
    """Seconds of a phase for a million observations, once."""
    if contest.quick:
        return
    contest.rounds = 3
    contest.note(problem=file, bytes_per_observation=work[0], flops_per_observation=work[1], num_threads=1)
    contest.ours(partial(measure, file, phase, linear_solver))
    contest.peer("bound", "", partial(bound, work), check=partial(near_the_best, file))


@cache
def read(file: str) -> io.BalProblem:
    return io.read_bal(data_dir() / "bal" / f"{file}.txt.xz")


def measure(file: str, phase: str, linear_solver: str) -> Timing:
    result = ba.solve(ba.Problem.from_bal(read(file)), num_threads=1, linear_solver=linear_solver)
    tried = len(result.iterations) - 1
    accepted = sum(iteration.accepted for iteration in result.iterations)  # the start too
    linear = sum(iteration.linear_iterations for iteration in result.iterations)
    times = {"linearize": accepted, "linear_solve": linear}.get(phase, tried)
    seconds = 1e6 * result.phase_seconds[phase] / times / len(result.residuals)
    return Timing(seconds, result.final_cost, facts={"iterations": tried, "linear_iterations": linear})


def bound(work: Work) -> Timing:
    num_bytes, flops = work
    return Timing(1e6 * max(num_bytes / copy_bandwidth(), flops / flops_per_second()), None)


def flops_per_second(size: int = 1500) -> float:
    """Of a product of square matrices on one thread, the best of five."""
    a, best = np.ones((size, size)), np.inf
    with threadpool_limits(1):
        for _ in range(5):
            start = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def near_the_best(file: str, cost: float, _: None) -> tuple[str, bool]:
    above = cost / problems.BEST_COSTS[file] - 1
    return f"ends {above:+.1e} from the best cost known", above < 1e-4
