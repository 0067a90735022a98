# SPDX-License-Identifier: Apache-2.0
"""How each solver in Python is called. A function imports its library and returns what loads a problem and solves it.

The second function answers with the fields of ``race.Run``. The clock of ``seconds`` starts when the problem is in the
solver's own structures; ``build_s`` is the time before, from flat arrays.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ba import problems

Solver = Callable[[], dict[str, Any]]
NUM_THREADS = 2


class Clock:
    """Records the cost of every iteration, and the seconds since the clock was started."""

    def __init__(self, build_start: float) -> None:
        self.start = time.perf_counter()
        self.fields: dict[str, Any] = {"build_s": self.start - build_start, "seconds": [], "costs": []}

    def elapsed(self) -> float:
        return time.perf_counter() - self.start

    def record(self, cost: float) -> None:
        self.fields["seconds"].append(self.elapsed())
        self.fields["costs"].append(cost)


def fastcv(
    folder: Path,
    *,
    solver: str,
    linear_solver: str,
    iterations: int,
    tolerance: float,
    limit: float,
    device: str = "cpu",
    num_threads: int = NUM_THREADS,
) -> Solver:
    import fastcv
    from fastcv import _backend, ba, synthetic

    # Loaded on first use, and here before memory is measured, as the libraries of all others are.
    _backend.ceres() if solver == "ceres" else _backend.backend("cpu")
    if device != "cpu":  # what happens once in a process: the driver's set-up, the kernels' way to the device
        ba.solve(ba.Problem.from_reconstruction(synthetic.make_tracks("ring").reconstruction), device=device)

    def solve() -> dict[str, Any]:
        bal = problems.load(folder)
        start = time.perf_counter()
        problem = ba.Problem.from_bal(bal)
        clock = Clock(start)
        result = ba.solve(
            problem,
            solver=solver,
            linear_solver=linear_solver,
            max_iterations=iterations,
            function_tolerance=tolerance,
            time_limit=limit,
            device=device,
            num_threads=num_threads,
            callback=lambda iteration: clock.record(iteration.cost),
        )
        return clock.fields | {
            "version": fastcv.__version__,
            "linear_solver": result.linear_solver,
            "total_s": clock.elapsed(),
            "linear_iterations": [iteration.linear_iterations for iteration in result.iterations],
            "termination": result.termination,
        }

    return solve


def pycolmap(folder: Path, *, iterations: int, tolerance: float, limit: float) -> Solver:
    """Points behind a camera have the residual 0. Ceres' own table on standard output tells costs and times."""
    import pycolmap

    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value
    ceres = options.ceres.solver_options
    ceres.function_tolerance, ceres.gradient_tolerance, ceres.parameter_tolerance = tolerance, 1e-10, 1e-8
    ceres.max_num_iterations, ceres.max_solver_time_in_seconds = iterations, limit
    ceres.num_threads = NUM_THREADS
    ceres.minimizer_progress_to_stdout = True
    ceres.logging_type = type(ceres.logging_type).PER_MINIMIZER_ITERATION

    def solve() -> dict[str, Any]:
        scene = pycolmap.Reconstruction(folder / "colmap")
        start = time.perf_counter()
        config = pycolmap.BundleAdjustmentConfig()
        for image in scene.images:
            config.add_image(image)
        config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
        # pycolmap.bundle_adjustment does the same, but logs whatever the log level.
        adjuster = pycolmap.create_default_bundle_adjuster(options, config, scene)
        clock = Clock(start)
        summary, table = captured(adjuster.solve)
        total = clock.elapsed()
        rows = [line.split() for line in table.splitlines() if re.match(r"\s*\d+\s", line)]
        return clock.fields | {
            "version": pycolmap.__version__,
            "linear_solver": "",
            "seconds": [float(row[9]) for row in rows],
            "costs": [float(row[1]) for row in rows],
            "linear_iterations": [int(row[7]) for row in rows],
            "total_s": total,
            "termination": str(summary.termination_type),
        }

    return solve


def captured(run: Callable[[], Any]) -> tuple[Any, str]:
    """The result of a call and what it wrote to standard output from native code."""
    kept = os.dup(1)
    with tempfile.TemporaryFile("w+") as file:
        os.dup2(file.fileno(), 1)
        try:
            result = run()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        return result, file.read()


def gtsam(folder: Path, *, elimination: str, iterations: int, tolerance: float, limit: float) -> Solver:
    """Points behind a camera have the residual 0. ``elimination`` "" is the general optimiser, "Full" or
    "Schur" that for structure from motion."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:NUM_THREADS])  # its thread pool takes what it sees
    import gtsam

    def solve() -> dict[str, Any]:
        bal = problems.load(folder)
        start = time.perf_counter()
        graph, values = gtsam_graph(bal)
        if elimination:
            sfm = gtsam.SfmLevenbergMarquardtParams.ceresDefaults()
            sfm.setEliminationMode(getattr(gtsam.SfmEliminationMode, elimination))
            optimizer: Any = gtsam.SfmLevenbergMarquardtOptimizer(graph, values, sfm)
        else:
            general = gtsam.LevenbergMarquardtParams.CeresDefaults()
            optimizer = gtsam.LevenbergMarquardtOptimizer(graph, values, general)
        clock = Clock(start)
        clock.record(optimizer.error())
        costs = clock.fields["costs"]
        while clock.elapsed() < limit and len(costs) <= iterations:
            optimizer.iterate()
            clock.record(optimizer.error())
            if costs[-2] - costs[-1] <= tolerance * costs[-2]:
                break
        return clock.fields | {
            "version": importlib.metadata.version("gtsam"),
            "linear_solver": f"SfM {elimination}" if elimination else "multifrontal",
            "linear_iterations": [1] * len(costs),
            "total_s": clock.elapsed(),
            "termination": "time_limit" if clock.elapsed() >= limit else "converged",
        }

    return solve


def gtsam_graph(bal: Any) -> tuple[Any, Any]:
    """One factor an observation; keys count cameras, then points."""
    import gtsam

    graph, values, count = gtsam.NonlinearFactorGraph(), gtsam.Values(), len(bal.params)
    for i, (pose, (f, k1, k2)) in enumerate(zip(bal.cam_from_world, bal.params, strict=True)):
        world_from_cam = gtsam.Pose3(gtsam.Rot3(pose[:, :3].T), -pose[:, :3].T @ pose[:, 3])
        values.insert(i, gtsam.PinholeCameraCal3Bundler(world_from_cam, gtsam.Cal3Bundler(f, k1, k2, 0, 0)))
    for j, point in enumerate(bal.points):
        values.insert(count + j, point)
    pixel = gtsam.noiseModel.Unit.Create(2)
    indices = zip(bal.camera_indices.tolist(), bal.point_indices.tolist(), bal.observations, strict=True)
    for camera, point, xy in indices:
        graph.add(gtsam.GeneralSFMFactorCal3Bundler(xy, pixel, camera, count + point))
    return graph, values


def scipy(folder: Path, *, iterations: int, tolerance: float, limit: float) -> Solver:
    import scipy
    from benchmarks.ba.baseline import solve_with_scipy

    def solve() -> dict[str, Any]:
        bal = problems.load(folder)
        clock = Clock(time.perf_counter())

        def record(cost: float) -> None:
            clock.record(cost)
            if clock.elapsed() > limit:
                raise StopIteration

        termination = solve_with_scipy(bal, iterations, tolerance, record)
        return clock.fields | {
            "version": scipy.__version__,
            "linear_solver": "lsmr",
            "linear_iterations": [0] * len(clock.fields["costs"]),
            "total_s": clock.elapsed(),
            "termination": termination,
        }

    return solve
