# SPDX-License-Identifier: Apache-2.0
"""Seconds per iteration and memory of the native solver from 30 thousand to 5 million observations of synthetic cities.

Ours is the largest size; its peers are smaller sizes times the ratio of observations: a ratio of 1 is linear growth.
The check is the cost of the truth, below which every optimum lies.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks._harness import Contest, Timing, case
from benchmarks.ba import problems
from benchmarks.ba.city import make_city
from benchmarks.ba.race import Run, run_worker, temporary_folder

# Images for about 30 thousand, 0.3, 1.2 and 5 million observations.
STREET = {"0.1x": 68, "1x": 680, "4x": 2720, "16x": 10880}
BOULEVARD = {"0.1x": 30, "1x": 300, "4x": 1200, "16x": 4800}
ITERATIONS = 5


@case
def growth_street(contest: Contest) -> None:
    grow(contest, "street", STREET, "auto")


@case
def growth_street_iterative(contest: Contest) -> None:
    grow(contest, "street", STREET, "iterative_schur")


@case
def growth_boulevard(contest: Contest) -> None:
    grow(contest, "boulevard", BOULEVARD, "auto")


@case
def growth_boulevard_iterative(contest: Contest) -> None:
    grow(contest, "boulevard", BOULEVARD, "iterative_schur")


def grow(contest: Contest, layout: str, sizes: dict[str, int], linear_solver: str) -> None:
    if contest.quick:
        return
    contest.rounds = 1
    contest.note(layout=layout, linear_solver=linear_solver, iterations=ITERATIONS)
    cities = {size: saved(layout, count) for size, count in sizes.items()}
    *smaller, largest = cities
    runs = {size: partial(measure, *city, cities[largest][1], linear_solver) for size, city in cities.items()}
    contest.ours(runs[largest])
    for size in smaller:
        contest.peer(f"{size} in proportion", "", runs[size], check=below_truth)


def saved(layout: str, num_images: int) -> tuple[Path, int, float]:
    """Folder, observations and the truth's cost of a city; written once, for the cases that share it."""
    if (layout, num_images) not in _saved:
        bal, truth = make_city(layout, num_images)
        folder = temporary_folder()
        problems.save(bal, folder)
        _saved[layout, num_images] = folder, len(bal.observations), truth
    return _saved[layout, num_images]


_saved: dict[tuple[str, int], tuple[Path, int, float]] = {}


def measure(folder: Path, observations: int, truth: float, scale: int, linear_solver: str) -> Timing:
    """Seconds per iteration, times ``scale`` observations."""
    run: Run = run_worker(
        "fastcv", folder, 600, solver="native", linear_solver=linear_solver, iterations=ITERATIONS, tolerance=0
    )
    iterations = len(run.costs) - 1
    seconds = run.seconds[-1] - run.seconds[0]
    per_iteration = seconds / iterations
    facts = {
        "observations": observations,
        "linear_solver": run.linear_solver,
        "setup_s": run.seconds[0],
        "seconds_per_iteration": per_iteration,
        "linear_iterations": run.linear_iterations,
        "seconds_per_linear_iteration": seconds / sum(run.linear_iterations),
        "bytes_per_observation": (run.peak_bytes - run.base_bytes) / observations,
        "above_truth": run.final_cost / truth - 1,
    }
    return Timing(per_iteration * scale / observations, facts["above_truth"], facts=facts)


def below_truth(ours: float, theirs: float) -> tuple[str, bool]:
    return f"cost {ours:+.1%} and {theirs:+.1%} from that of the truth", max(ours, theirs) < 0
