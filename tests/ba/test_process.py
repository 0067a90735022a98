# SPDX-License-Identifier: Apache-2.0
"""Life beside others in one process: other packages with their own Ceres, forks, threads, a silent standard error."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import numpy as np
import pytest

SCENE = """
from fastcv.ba import Problem, solve
from fastcv.synthetic import make_tracks
problem = Problem.from_reconstruction(make_tracks("ring", num_images=8, num_points=200, noise_px=1).reconstruction)
def work(solver="ceres", **options):
    return repr(solve(problem, solver=solver, linear_solver="sparse_schur", **options).final_cost)
"""
PYCOLMAP = """
import pycolmap
def theirs():
    options = pycolmap.SyntheticDatasetOptions(num_rigs=1, num_cameras_per_rig=1, num_frames_per_rig=4, num_points3D=50)
    scene = pycolmap.synthesize_dataset(options)
    pycolmap.bundle_adjustment(scene)
    return scene.num_reg_images()
"""


def run(code: str) -> str:
    """Standard output of a fresh interpreter; it must succeed and write no warnings of ours."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    return run(SCENE + "print(work())").strip()


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(("fastcv", "torch", "pycolmap", "cv2"))), ids=" ".join)
def test_import_order(order, expected):
    """pycolmap brings another Ceres and glog, torch and cv2 their own threads: the solve gives the same digits."""
    imports = {"torch": "import torch", "cv2": "import cv2", "pycolmap": PYCOLMAP, "fastcv": SCENE + "\nwork()"}
    code = "\n".join(imports[name] for name in order)
    assert run(code + "\nprint(theirs()); print(work())").split() == ["4", expected]


@pytest.mark.parametrize(("solver", "num_threads", "busy"), [("ceres", 1, 0), ("native", 2, 0), ("native", 2, 20)])
def test_forked_child_solves(solver, num_threads, busy):
    """For the native solver also where another thread of the parent solves as it forks."""
    code = (
        SCENE
        + f"""
import os, threading
here = work("{solver}", num_threads={num_threads})
others = threading.Thread(target=lambda: [work("native", num_threads=2) for _ in range({busy})])
others.start()
child = os.fork()
if child == 0:
    os._exit(0 if work("{solver}", num_threads={num_threads}) == here else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
others.join()
"""
    )
    run(code)


def test_writes_nothing(solve, capfd, make_problem):
    """A singular problem makes Ceres log failed factorisations: not to the terminal of whoever calls us."""
    problem = make_problem(("PINHOLE",), num_images=2, num_points=60)
    problem.cam_from_world[1] = problem.cam_from_world[0]
    problem.points[:] = problem.points[0]
    for linear_solver in ("dense_schur", "sparse_schur", "iterative_schur"):
        solve(problem, gauge="free", linear_solver=linear_solver)
    assert capfd.readouterr() == ("", "")


def test_threads_solve_at_the_same_time(solve, make_problem, perturb):
    problem = perturb(make_problem(num_images=8, num_points=100, noise_px=1))
    alone = solve(problem)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: solve(problem), range(8)):
            np.testing.assert_array_equal(result.points, alone.points)
