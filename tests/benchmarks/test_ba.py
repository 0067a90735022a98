# SPDX-License-Identifier: Apache-2.0
"""The benchmark of bundle adjustment: its race, its synthetic cities and its report."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.ba import bench_gpu, problems, report
from benchmarks.ba.city import NOISE_PX, OUTLIER_PX, OUTLIERS, make_city
from benchmarks.ba.race import Fastest, Run, run_worker

from benchmarks import __main__ as benchmarks_main
from fastcv import ba, io


def made_up(seconds: list[float], costs: list[float]) -> Run:
    return Run("1", "sparse", seconds, costs, [0] + [1] * (len(costs) - 1), 0.1, 4.0, 10, 50, "converged")


def test_time_to_a_cost_and_facts() -> None:
    run = made_up([0, 1, 2, 3], [500, 100.5, math.inf, 100.05])
    assert run.time_to(101) == 1
    assert run.time_to(100) == math.inf
    facts = run.facts(best=100)
    assert (facts["seconds_to_1e-2"], facts["seconds_to_1e-4"]) == (1, None)
    assert facts["iterations"] == 3
    assert facts["above_best"] == pytest.approx(5e-4, rel=1e-9)
    assert facts["curve"] == [[0, 500], [1, 100.5], [2, 100.5], [3, 100.05]]  # the best so far


def test_the_fastest_variant_wins_and_others_get_no_more_time() -> None:
    limits: list[tuple[str, float]] = []

    def variant(name: str, seconds: float) -> Callable[[float], Run]:
        def run(limit: float) -> Run:
            limits.append((name, limit))
            return made_up([0, seconds], [500, 100 if seconds <= limit else 400])

        return run

    fastest = Fastest({"slow": variant("slow", 3), "fast": variant("fast", 2), "never": variant("never", 9)}, 100, 30)
    timing = fastest()
    assert (timing.seconds, timing.reached) == (2, True)
    assert limits == [("slow", 30), ("fast", 3), ("never", 2), ("fast", 30)]
    assert set(timing.facts["others"]) == {"slow", "never"}
    assert (fastest().seconds, limits[4:]) == (2, [("fast", 30)])


def test_a_target_that_is_not_reached() -> None:
    timing = Fastest({"only": lambda _: made_up([0, 1], [500, 101])}, 100, 30)()
    assert (timing.seconds, timing.reached) == (4.0, False)  # as long as it ran


@pytest.mark.parametrize(("layout", "num_images"), [("street", 70), ("boulevard", 30)])
def test_cities(layout: str, num_images: int) -> None:
    bal, truth = make_city(layout, num_images, seed=3)
    count = len(bal.observations)
    assert 20_000 < count < 50_000
    # Standard deviations: 0.5 px, and 1 % uniform in ±20 px; a tenth is five of the sum's own.
    expected = count * (NOISE_PX**2 + OUTLIERS * OUTLIER_PX**2 / 3)
    assert truth == pytest.approx(expected, rel=0.1)
    pairs = bal.point_indices.astype(np.int64) * len(bal.params) + bal.camera_indices
    assert (np.diff(pairs) > 0).all()
    assert np.bincount(bal.point_indices).min() >= 2
    assert np.bincount(bal.camera_indices).min() >= 20
    result = ba.solve(ba.Problem.from_bal(bal))
    assert result.initial_cost > 5 * truth
    assert 0.5 * truth < result.final_cost < truth


def test_a_worker_reports_costs_times_and_memory(tmp_path: Path) -> None:
    bal, _ = make_city("street", 70)
    problems.save(bal, tmp_path)
    run = run_worker("fastcv", tmp_path, 30, solver="native", linear_solver="auto")
    result = ba.solve(ba.Problem.from_bal(bal), max_iterations=200, function_tolerance=1e-8)
    assert run.final_cost == result.final_cost
    assert run.costs[0] == result.initial_cost
    assert run.seconds == sorted(run.seconds)
    # At least what the problem's own arrays take.
    assert run.peak_bytes - run.base_bytes > bal.observations.nbytes + bal.points.nbytes


def test_the_dump_has_the_cameras_of_the_file(tmp_path: Path) -> None:
    bal, _ = make_city("street", 70)
    io.write_bal(tmp_path / "city.txt", bal)
    numbers = np.array((tmp_path / "city.txt").read_text().split()[3:], float)
    written = numbers[4 * len(bal.observations) :][: 9 * len(bal.params)].reshape(-1, 9)
    np.testing.assert_allclose(problems.bal_cameras(bal), written, rtol=1e-12, atol=1e-12)
    problems.save(bal, tmp_path)
    np.testing.assert_array_equal(problems.load(tmp_path).observations, bal.observations)


def test_report(tmp_path: Path) -> None:
    page = tmp_path / "ba.md"
    marks = ("<!-- figures: python -m benchmarks readme -->\n", "<!-- end of figures -->\n")
    page.write_text("before\n" + marks[0] + "old\n" + marks[1] + "after\n")
    ours, theirs = made_up([0, 1, 2], [500, 100.5, 100]).facts(100), made_up([0, 3], [500, 101]).facts(100)
    city = {"observations": 1000, "seconds_per_iteration": 0.5, "bytes_per_observation": 200.0}
    rows: list[dict[str, Any]] = [
        {"peer": "ceres", "notes": {"file": "one", "observations": 10}, "facts": {"ours": ours, "peer": theirs}},
        {"peer": "1x", "notes": {"layout": "street", "linear_solver": "auto"}, "facts": {"ours": city, "peer": city}},
    ]
    machine = {"processor": "Abacus", "num_threads": 2}
    report.update({"machine": machine, "date": "2026-01-01", "rows": rows}, tmp_path)
    text = page.read_text()
    assert text.startswith("before\n" + marks[0])
    assert text.endswith(marks[1] + "after\n")
    assert "| one | fastcv native, sparse | 2 s | 1 s | 4 s | 2 | 0.0e+00 | 0 MB |" in text
    assert "| one | Ceres in C++, sparse | not in 4 s | 3 s | 4 s | 1 | 1.0e-02 | 0 MB |" in text
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        "ba_cost_over_time.svg",
        "ba_summary.svg",
        "ba_growth.svg",
    }


def test_seconds_of_a_conjugate_gradient() -> None:
    """Iterations of 1 ms and 0.2 ms for each of their gradients."""
    counts = [0, 5, 20, 7]
    seconds = np.cumsum([0.5, *(1e-3 + 2e-4 * count for count in counts[1:])])
    run = Run("1", "iterative", list(seconds), [9.0, 8, 7, 6], counts, 0.1, 4.0, 10, 50, "converged")
    facts = bench_gpu.gradients(run, observations=5_000_000)
    assert facts["seconds_per_gradient"] == pytest.approx(2e-4, rel=1e-9)
    assert facts["bound_s"] == pytest.approx(0.55e9 / 3e12, rel=1e-12)
    assert facts["times_the_bound"] == pytest.approx(2e-4 / (0.55 / 3e3), rel=1e-9)
    factored = Run("1", "dense", [0, 1, 2.0], [9.0, 8, 7], [0, 1, 1], 0.1, 4.0, 10, 50, "converged")
    assert bench_gpu.gradients(factored, observations=10) == {}


def test_cases_of_a_gpu_are_skipped_without_one(monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench_gpu.cuda, "is_available", lambda: False)
    # Alone: others need peers that tests do not install.
    monkeypatch.setattr(benchmarks_main, "cases", lambda _: {"gpu_street_1700": bench_gpu.gpu_street_1700})
    monkeypatch.setattr("sys.argv", ["benchmarks", "ba"])
    assert benchmarks_main.main() == 0
    assert "ba.gpu_street_1700: skipped, there is no CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_our_solver_by_device(device: str, tmp_path: Path) -> None:
    if device == "cuda" and not bench_gpu.cuda.is_available():
        pytest.skip("needs a CUDA device")
    bal, truth = make_city("street", 12)
    problems.save(bal, tmp_path)
    run = bench_gpu.on(device, tmp_path, linear_solver="iterative_schur", iterations=6, tolerance=0)(60)
    assert run.linear_solver == "iterative_schur"
    assert run.final_cost < 1.05 * truth
    assert set(bench_gpu.gradients(run, len(bal.observations))) == {
        "seconds_per_gradient",
        "bound_s",
        "times_the_bound",
    }
