# SPDX-License-Identifier: Apache-2.0
"""ba.solve on problems in BAL's format against pycolmap's bundle adjustment and scipy.

pycolmap gives residuals of points behind a camera the value 0, so its cost on problem-49 is another one; it changes the
scene in place, so its time includes a copy of the scene.
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import pycolmap
import scipy
from benchmarks._harness import Contest, case, data_dir
from benchmarks.ba.baseline import solve_with_scipy

import fastcv
from fastcv import ba, io

# Optima of Ceres 2.1 with automatic differentiation, from the README beside the files.
REFERENCES = {
    "problem-49-7776-pre": 13344.318400,
    "problem-16-22106-pre": 18033.903511,
    "colmap-177-softm": 201926.780195,
    "synth-tourist-400": 434822.782765,
    "synth-street-1700": 857549.086074,
}


@case
def ladybug_49(contest: Contest) -> None:
    bal = prepare(contest, "problem-49-7776-pre")
    add_pycolmap(contest, bal, tolerance=5e-3)
    if not contest.quick:
        contest.peer("scipy", scipy.__version__, lambda: solve_with_scipy(bal), check=not_worse_than("scipy"))


@case
def dubrovnik_16(contest: Contest) -> None:
    add_pycolmap(contest, prepare(contest, "problem-16-22106-pre"), tolerance=1e-5)


@case
def long_tracks_177(contest: Contest) -> None:
    if not contest.quick:
        add_pycolmap(contest, prepare(contest, "colmap-177-softm"), tolerance=1e-3)


@case
def tourist_400(contest: Contest) -> None:
    """Synthetic. Its valley is flat: the usual stopping rule ends some 1e-4 above the optimum; this one is tighter."""
    if not contest.quick:
        add_pycolmap(contest, prepare(contest, "synth-tourist-400", function_tolerance=1e-8), tolerance=1e-3)


@case
def street_1700(contest: Contest) -> None:
    """Synthetic."""
    if not contest.quick:
        add_pycolmap(contest, prepare(contest, "synth-street-1700"), tolerance=1e-2)


def prepare(contest: Contest, name: str, **options: Any) -> io.BalProblem:
    """Read a file, name our solver, note the facts of one solve."""
    bal = io.read_bal(data_dir() / "bal" / f"{name}.txt.xz")
    problem = ba.Problem.from_bal(bal)

    def run() -> float:
        result = ba.solve(problem, max_iterations=100, **options)
        contest.note(
            images=problem.num_images,
            points=problem.num_points,
            observations=problem.num_observations,
            linear_solver=result.linear_solver,
            iterations=len(result.iterations) - 1,
            cost=result.final_cost,
            reference_cost=REFERENCES[name],
            above_reference=result.final_cost / REFERENCES[name] - 1,
        )
        return result.final_cost

    contest.ours(run)
    return bal


def add_pycolmap(contest: Contest, bal: io.BalProblem, tolerance: float) -> None:
    """Ours must reach the reference optimum to 1e-5, and pycolmap's cost to a tolerance: it starts and stops alike."""
    with tempfile.TemporaryDirectory() as folder:
        io.write_colmap(reconstruction_from_bal(bal), folder)
        scene = pycolmap.Reconstruction(folder)
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value
    options.ceres.solver_options.function_tolerance = 1e-6
    options.ceres.solver_options.max_num_iterations = 100

    config = pycolmap.BundleAdjustmentConfig()
    for image in scene.images:
        config.add_image(image)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)

    # pycolmap.bundle_adjustment does the same, but logs whatever the log level.
    def run() -> float:
        copy = pycolmap.Reconstruction(scene)
        pycolmap.create_default_bundle_adjuster(options, config, copy).solve()
        return cost_of(copy)

    def check(ours: float, theirs: float) -> tuple[str, bool]:
        above = contest.notes["above_reference"]
        difference = abs(ours / theirs - 1)
        text = f"cost {above:.1e} above the reference <= 1e-05, {difference:.1e} from pycolmap's <= {tolerance:g}"
        return text, above <= 1e-5 and difference <= tolerance

    contest.peer("pycolmap", pycolmap.__version__, run, check=check)


def not_worse_than(name: str) -> Any:
    def check(ours: float, theirs: float) -> tuple[str, bool]:
        return f"cost {ours:.2f} <= {name}'s {theirs:.2f}", ours <= theirs * (1 + 1e-6)

    return check


def reconstruction_from_bal(bal: io.BalProblem) -> fastcv.Reconstruction:
    """The problem as a COLMAP scene: every image with a RADIAL camera of principal point (0, 0)."""
    problem = ba.Problem.from_bal(bal)
    cameras, images = {}, {}
    for row, (camera, pose) in enumerate(zip(problem.cameras, problem.cam_from_world, strict=True)):
        f, k1, k2 = camera.params
        cameras[row + 1] = fastcv.Camera("RADIAL", camera.width, camera.height, np.array([f, 0, 0, k1, k2]))
        mine = problem.image_indices == row
        ids = problem.point_indices[mine].astype(np.int64) + 1
        images[row + 1] = fastcv.Image(f"{row:05}.jpg", row + 1, pose, problem.observations[mine], ids)
    count = problem.num_points
    points = fastcv.Points3D(
        np.arange(1, count + 1), problem.points, np.zeros((count, 3), np.uint8), np.full(count, -1.0)
    )
    return fastcv.Reconstruction(cameras, images, points)


def cost_of(scene: pycolmap.Reconstruction) -> float:
    """1/2 the sum of squared reprojection errors as pycolmap sees them, px²."""
    total = 0.0
    for image in scene.images.values():
        points = [point for point in image.points2D if point.has_point3D()]
        world = np.array([scene.points3D[point.point3D_id].xyz for point in points])
        seen = image.cam_from_world() * world
        pixels = image.camera.img_from_cam(seen)
        residuals = pixels - np.array([point.xy for point in points])
        total += 0.5 * float(np.nansum(residuals**2))
    return total
