# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: answered soon, with the best state; the library works on afterwards."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from fastcv import ba
from fastcv.ba import Iteration, Problem, SolveInterrupted
from fastcv.io import read_bal


@pytest.fixture(scope="module")
def problem(data_dir) -> Problem:
    """Takes many seconds with the tolerances below: far longer than the interrupt."""
    return Problem.from_bal(read_bal(data_dir / "bal" / "colmap-177-softm.txt.xz"))


def test_ctrl_c_returns_the_best_state(solve, problem):
    """Pressed a moment after the first evaluation: inside a linear solve, which takes half a second or more."""
    pressed = []

    def press() -> None:
        pressed.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.2, press)

    def start(iteration: object) -> None:
        if iteration.iteration == 0:
            timer.start()

    with pytest.raises(SolveInterrupted) as caught:
        solve(problem, callback=start, function_tolerance=0, parameter_tolerance=0, max_iterations=1000)
    late = time.perf_counter() - pressed[0]
    timer.join()
    assert late < 10  # half a second on a machine of its own; all thousand iterations take many minutes
    result = caught.value.result
    assert result.termination == "interrupted"
    assert isinstance(caught.value, KeyboardInterrupt)
    np.testing.assert_allclose(0.5 * np.sum(result.residuals**2), result.final_cost, rtol=1e-12)
    assert result.final_cost <= result.initial_cost
    assert result.initial_cost == pytest.approx(33628989.660799, rel=1e-9)


@pytest.fixture(scope="module")
def dense(make_problem) -> Problem:
    """All of 1200 images see the same few points: seconds for each factorisation, of 7200 columns."""
    problem = make_problem(("PINHOLE",), num_images=1200, num_points=12, noise_px=1, visible=np.ones((1200, 12), bool))
    return replace(problem, points=problem.points + 0.01, fixed_params=[np.ones(4, bool)])


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize(
    ("scene", "linear_solver", "moment"),
    [("dense", "dense_schur", 0.05), ("dense", "dense_schur", 0.7), ("problem", "iterative_schur", 0.1)],
)
def test_ctrl_c_in_the_middle_of_a_linear_solve(request, scene, linear_solver, moment, num_threads):
    """Pressed while the system is filled, factored, or multiplied with; the state is a whole one, and the best."""
    pressed, costs = [], []

    def press() -> None:
        pressed.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(moment, press)

    def watch(iteration: Iteration) -> None:
        if not costs:
            timer.start()
        if iteration.accepted:
            costs.append(iteration.cost)

    options = {"linear_solver": linear_solver, "num_threads": num_threads, "max_iterations": 1000}
    with pytest.raises(SolveInterrupted) as caught:
        ba.solve(request.getfixturevalue(scene), callback=watch, function_tolerance=0, parameter_tolerance=0, **options)
    late = time.perf_counter() - pressed[0]
    timer.join()
    assert late < 5  # half a second on a machine of its own
    result = caught.value.result
    assert result.termination == "interrupted"
    assert result.linear_solver == linear_solver
    assert result.final_cost <= costs[-1] == min(costs)  # a step may have been taken and not yet reported
    np.testing.assert_allclose(0.5 * np.sum(result.residuals**2), result.final_cost, rtol=1e-12)


def test_ctrl_c_in_a_callback(solve, make_problem, perturb):
    problem = perturb(make_problem(noise_px=1))

    def press(iteration: object) -> None:
        if iteration.iteration == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(SolveInterrupted) as caught:
        solve(problem, callback=press)
    result = caught.value.result
    assert [iteration.iteration for iteration in result.iterations] == [0, 1]
    assert result.final_cost == result.iterations[1].cost
    assert solve(problem).termination == "converged"


def test_other_threads_run_meanwhile(solve, problem):
    """The GIL is released: a Python thread counts while a solve with one iteration runs."""
    running, counted = threading.Event(), []

    def count() -> None:
        while not running.is_set():
            counted.append(1)
            time.sleep(1e-3)

    thread = threading.Thread(target=count)
    thread.start()
    before = len(counted)
    solve(problem, max_iterations=1)
    after = len(counted)
    running.set()
    thread.join()
    assert after - before > 20
