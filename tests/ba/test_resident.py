# SPDX-License-Identifier: Apache-2.0
"""The solver that lives on a GPU, and its kernels as the CPU runs them: Ceres' optimum on every kind of problem."""

from __future__ import annotations

import importlib.util
import re
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fastcv
from fastcv import _backend, ba
from fastcv._backend import backend
from fastcv.ba import ParamsPriors, Priors, Problem, Result
from fastcv.io import read_bal
from fastcv.scene import CAMERA_MODELS, projection_centers

from .conftest import Solve
from .ingredients import random_covariances, with_an_image_turned_round

# Convergence to the last digits.
TIGHT: dict[str, Any] = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 300}
LOSSES = ("none", "huber", "soft_l1", "cauchy", "geman_mcclure", "tukey")
LINEAR_SOLVERS = ("dense_schur", "iterative_schur")
BAL = "problem-49-7776-pre.txt.xz"
MODELS = tuple(model for model in CAMERA_MODELS if model != "EQUIRECTANGULAR")  # whose points must lie all around
# A machine that lends a GPU may have no Ceres; the native solver is held against it elsewhere.
REFERENCE = "ceres" if importlib.util.find_spec("fastcv._ceres") else "native"


def assert_agrees_with_ceres(resident: Solve, problem: Problem, **options: Any) -> Result:
    """Costs at the optimum are flat: 1e-8 would do, and both come to 1e-12. Residuals move by the root of that."""
    result = resident(problem, **{**TIGHT, **options})
    ceres = ba.solve(problem, solver=REFERENCE, **{**TIGHT, **options})
    assert result.termination == "converged"
    np.testing.assert_allclose(result.initial_cost, ceres.initial_cost, rtol=1e-12)
    np.testing.assert_allclose(result.final_cost, ceres.final_cost, rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(result.residuals, ceres.residuals, atol=1e-3)
    assert result.final_cost < result.initial_cost
    return result


@pytest.mark.parametrize("model", MODELS)
def test_camera_models(make_problem, perturb, resident, model):
    problem = perturb(make_problem((model,), noise_px=1), 0.002)
    assert_agrees_with_ceres(resident, problem)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(make_problem, perturb, resident, loss):
    problem = make_problem(num_images=8, num_points=100, noise_px=1)
    random = np.random.default_rng(0)
    wild = random.random(problem.num_observations) < 0.05
    problem.observations[wild] += random.uniform(-30, 30, (int(wild.sum()), 2))
    result = assert_agrees_with_ceres(resident, perturb(problem, 0.002), loss=loss, loss_scale=5.0)
    assert (np.linalg.norm(result.residuals, axis=1) > 5).sum() > 10


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_mixed_camera_models(make_problem, perturb, resident, linear_solver):
    """Cameras with different numbers of free parameters, each shared by two or three images."""
    models = ("EQUIRECTANGULAR", "PINHOLE", "OPENCV_FISHEYE", "BAL", "FULL_OPENCV", "SIMPLE_FISHEYE")
    problem = perturb(make_problem(models, num_images=14, num_points=150, noise_px=1), 0.003)
    result = assert_agrees_with_ceres(resident, problem, linear_solver=linear_solver)
    assert result.linear_solver == linear_solver


@pytest.mark.parametrize("num_free", [0, 1, 3, 7, 16])
def test_numbers_of_free_intrinsics(make_problem, perturb, resident, num_free):
    """6 to 22 columns for an image: more than 256 entries of a block, and few."""
    mask = ~np.isin(np.arange(16), [0, 1, *range(4, 16), 2, 3][:num_free])
    truth = make_problem(("RAD_TAN_THIN_PRISM_FISHEYE",), num_images=8, num_points=150, noise_px=1)
    assert_agrees_with_ceres(resident, perturb(replace(truth, fixed_params=[mask]), 0.002))


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_intrinsics_that_many_images_share(make_problem, perturb, resident, linear_solver):
    """Two cameras of 36 images each: enough for a block of threads for each of their unknowns."""
    visible = np.random.default_rng(0).random((72, 80)) < 0.3
    visible[:3] = True
    problem = make_problem(("SIMPLE_RADIAL", "PINHOLE"), num_images=72, num_points=80, noise_px=1, visible=visible)
    assert_agrees_with_ceres(resident, perturb(problem, 0.005), linear_solver=linear_solver)


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_fixed_parts(make_problem, perturb, resident, linear_solver):
    problem = make_problem(("OPENCV", "RADIAL"), num_images=9, num_points=100, noise_px=1)
    masks = [np.arange(8) >= 4, np.array([True, True, True, False, False])]
    fixed = {"fixed_images": np.arange(9) % 4 == 1, "fixed_points": np.arange(100) % 7 == 0}
    problem = perturb(replace(problem, **fixed, fixed_params=masks), 0.01)
    result = assert_agrees_with_ceres(resident, problem, linear_solver=linear_solver)
    held = fixed["fixed_images"]
    np.testing.assert_array_equal(result.cam_from_world[held], problem.cam_from_world[held])
    np.testing.assert_array_equal(result.points[fixed["fixed_points"]], problem.points[fixed["fixed_points"]])
    np.testing.assert_array_equal(result.cameras[0].params[4:], problem.cameras[0].params[4:])


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
@pytest.mark.parametrize("part", ["poses", "points", "intrinsics"])
def test_one_part_alone(make_problem, perturb, resident, part, linear_solver):
    problem = make_problem(num_images=6, num_points=50, noise_px=1)
    fixed: dict[str, Any] = {
        "fixed_images": np.full(6, part != "poses"),
        "fixed_points": np.full(50, part != "points"),
    }
    if part != "intrinsics":
        fixed["fixed_params"] = [np.ones(4, bool)]
    assert_agrees_with_ceres(resident, perturb(replace(problem, **fixed), 0.01), linear_solver=linear_solver)


def knowledge(problem: Problem) -> dict[str, Any]:
    """Of every kind, off by more than its deviation here and there; a pose known twice, and two cameras' parameters."""
    random = np.random.default_rng(3)
    centers = projection_centers(problem.cam_from_world)
    params = [camera.params for camera in problem.cameras]
    return {
        "weights": random.uniform(0.5, 2, problem.num_observations),
        "covariances": random_covariances(problem.num_observations, 2, 1.0, 0),
        "pose_priors": Priors(
            [4, 1, 4],
            problem.cam_from_world[[4, 1, 4]] + random.normal(0, [0, 0, 0, 0.05], (3, 3, 4)),
            random_covariances(3, 6, 0.02, 1),
        ),
        "position_priors": Priors(
            np.arange(problem.num_images)[::-1],
            centers[::-1] + random.normal(0, 0.02, centers.shape),
            random_covariances(len(centers), 3, 0.02, 2),
            loss="cauchy",
            loss_scale=2,
        ),
        "point_priors": Priors(
            [7, 2, 30], problem.points[[7, 2, 30]] + random.normal(0, 0.01, (3, 3)), 0.01**2 * np.eye(3), loss="huber"
        ),
        "params_priors": ParamsPriors([1, 0], [1.02 * params[1], 0.98 * params[0]], [np.full(4, 5.0), np.full(4, 9.0)]),
    }


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
@pytest.mark.parametrize(
    "kinds",
    [
        ["weights"],
        ["covariances"],
        ["pose_priors"],
        ["position_priors"],
        ["point_priors"],
        ["params_priors"],
        ["covariances", "pose_priors", "position_priors", "point_priors", "params_priors"],
    ],
    ids=lambda kinds: "all" if len(kinds) > 1 else kinds[0],
)
def test_what_is_known_besides_pixels(make_problem, perturb, resident, kinds, linear_solver):
    problem = make_problem(("SIMPLE_RADIAL", "PINHOLE"), num_images=6, num_points=60, noise_px=1)
    known = {kind: value for kind, value in knowledge(problem).items() if kind in kinds}
    problem = replace(perturb(problem, 0.005), **known)
    assert_agrees_with_ceres(resident, problem, linear_solver=linear_solver)


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
@pytest.mark.parametrize("sensors", ["free", "held", "with priors"])
def test_rigs(make_rig_problem, perturb, resident, sensors, linear_solver):
    """Frames' and sensors' poses behind those of images, and images that are in no rig."""
    truth = make_rig_problem(noise_px=0.5, num_frames=8)
    if sensors == "held":
        truth.rigs.fixed_sensors[:] = True
    if sensors == "with priors":
        centers = -np.einsum("iba,ib->ia", truth.cam_from_world[:, :, :3], truth.cam_from_world[:, :, 3])
        images = np.arange(0, truth.num_images, 2)
        truth.position_priors = Priors(images, centers[images] + 0.01, 0.02**2 * np.eye(3), loss="cauchy")
    result = assert_agrees_with_ceres(resident, perturb(truth, 0.01), linear_solver=linear_solver)
    rigs = replace(truth.rigs, sensor_from_rig=result.sensor_from_rig)
    composed = rigs.cam_from_world(result.rig_from_world, result.cam_from_world)
    np.testing.assert_allclose(result.cam_from_world, composed, atol=1e-14)
    assert (result.sensor_from_rig == truth.rigs.sensor_from_rig).all() == (sensors == "held")


def test_points_behind_cameras(make_problem, perturb, resident):
    problem = with_an_image_turned_round(make_problem(("PINHOLE",), num_images=6, num_points=80))
    assert_agrees_with_ceres(resident, perturb(problem, 0.01))


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_reaches_the_reference_optimum(data_dir, resident, linear_solver):
    """By Ceres 2.1, from the README beside the file."""
    result = resident(Problem.from_bal(read_bal(data_dir / "bal" / BAL)), linear_solver=linear_solver)
    assert (result.solver, result.linear_solver, result.termination) == ("native", linear_solver, "converged")
    np.testing.assert_allclose(result.initial_cost, 850912.460681, rtol=1e-9)
    np.testing.assert_allclose(result.final_cost, 13344.318400, rtol=1e-5)
    np.testing.assert_allclose(0.5 * np.sum(result.residuals**2), result.final_cost, rtol=1e-12)


def test_iterations_are_those_of_the_native_solver(data_dir, resident):
    """The same steps, their sums in another order: costs part slowly, from 1e-9 on."""
    problem = Problem.from_bal(read_bal(data_dir / "bal" / BAL))
    result, native = (f(problem, linear_solver="dense_schur", max_iterations=5) for f in (resident, ba.solve))
    for mine, theirs in zip(result.iterations, native.iterations, strict=True):
        assert (mine.accepted, mine.linear_iterations) == (theirs.accepted, theirs.linear_iterations)
        np.testing.assert_allclose(mine.cost, theirs.cost, rtol=1e-5)
        np.testing.assert_allclose(mine.step_norm, theirs.step_norm, rtol=1e-3)
    np.testing.assert_allclose(result.iterations[0].gradient_max, native.iterations[0].gradient_max, rtol=1e-6)


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_same_bits_for_every_number_of_threads(make_problem, perturb, resident, linear_solver):
    """On a GPU, for every run."""
    visible = np.random.default_rng(0).random((60, 1200)) < 0.2
    visible[:2] = True
    problem = perturb(make_problem(("RADIAL",) * 60, num_images=60, num_points=1200, noise_px=1, visible=visible), 0.01)
    one, two, eight = (
        resident(problem, linear_solver=linear_solver, loss="huber", max_iterations=4, num_threads=n) for n in (1, 2, 8)
    )
    for other in (two, eight):
        assert [replace(i, seconds=0.0) for i in other.iterations] == [replace(i, seconds=0.0) for i in one.iterations]
        np.testing.assert_array_equal(other.cam_from_world, one.cam_from_world)
        np.testing.assert_array_equal(other.points, one.points)


def test_chooses_by_cost(make_problem, resident):
    """Of few observations, up to some 2600 unknowns are factored (cpp/ba/resident_costs.h)."""
    for num_images, expected in ((400, "dense_schur"), (470, "iterative_schur")):
        problem = make_problem(("PINHOLE",), num_images=num_images, num_points=4, noise_px=1)
        problem = replace(problem, fixed_params=[np.ones(4, bool)])
        result = resident(problem, max_iterations=0)
        assert result.linear_solver == expected
        cost, limit = re.fullmatch(
            r"a factor costs (\d+) conjugate gradients of (\d+) that it may", result.reason
        ).groups()
        assert (int(cost) < int(limit)) == (expected == "dense_schur")


def test_derivatives_that_overflow(make_problem, resident):
    problem = make_problem(num_images=3, num_points=20)
    result = resident(replace(problem, weights=np.full(problem.num_observations, 1e40)))
    assert result.termination == "failed"
    np.testing.assert_array_equal(result.points, problem.points)


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_ctrl_c_returns_the_best_state(make_problem, perturb, resident, linear_solver):
    problem = perturb(make_problem(num_images=8, num_points=100, noise_px=1), 0.01)

    def press(iteration: ba.Iteration) -> None:
        if iteration.iteration == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(ba.SolveInterrupted) as caught:
        resident(problem, linear_solver=linear_solver, callback=press, **TIGHT)
    result = caught.value.result
    assert result.termination == "interrupted"
    assert len(result.iterations) == 3
    assert result.final_cost < result.initial_cost
    np.testing.assert_allclose(0.5 * np.sum(result.residuals**2), result.final_cost, rtol=1e-12)


def test_callback_stops(make_problem, perturb, resident):
    problem = perturb(make_problem(num_images=4, num_points=40, noise_px=1), 0.01)
    result = resident(problem, callback=lambda iteration: iteration.iteration < 1)
    assert (result.termination, len(result.iterations)) == ("stopped", 2)


def test_without_cuda(make_problem, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastcv._cuda", None)  # as if it had not been built
    backend.cache_clear()
    try:
        with pytest.raises(fastcv.DeviceError, match="device: fastcv was built without CUDA; rebuild with"):
            ba.solve(make_problem(("PINHOLE",), num_images=2, num_points=4), device="cuda:0")
    finally:
        backend.cache_clear()


class TestDevices:
    """What is asked for wrongly, or cannot be had."""

    @pytest.fixture(autouse=True)
    def one_device(self, monkeypatch):
        """A CUDA module that has a device, and nothing else."""
        module = type("Module", (), {"device_count": staticmethod(lambda: 1), "ba": backend("cpu").ba})
        monkeypatch.setattr(_backend, "backend", lambda name: module if name == "cuda" else backend(name))

    @pytest.fixture
    def problem(self, make_problem) -> Problem:
        return make_problem(("PINHOLE",), num_images=2, num_points=4)

    @pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", ""])
    def test_unknown_word(self, problem, device):
        with pytest.raises(fastcv.DeviceError, match=f"device: expected cpu, cuda or cuda:N, got {device}"):
            ba.solve(problem, device=device)

    def test_no_such_device(self, problem):
        with pytest.raises(fastcv.DeviceError, match="device: expected one of the 1 CUDA devices, got cuda:1"):
            ba.solve(problem, device="cuda:1")

    def test_what_a_gpu_does_not_do(self, problem):
        with pytest.raises(ValueError, match="solver: expected one of native, got 'ceres'"):
            ba.solve(problem, device="cuda", solver="ceres")
        with pytest.raises(ValueError, match="linear_solver: expected one of auto, dense_schur, iterative_schur, got"):
            ba.solve(problem, device="cuda", linear_solver="sparse_schur")

    def test_result_names_the_device(self, problem, monkeypatch):
        """The module's function gets the number."""
        core, numbers = backend("cpu").ba, []

        def solve(*arguments: Any, device: int) -> Any:
            numbers.append(device)
            return core.solve_resident(*arguments)

        module = type("Module", (), {"device_count": staticmethod(lambda: 8), "ba": SimpleNamespace(**vars(core))})
        module.ba.solve = solve
        for where in (_backend, sys.modules["fastcv.ba.solve"]):
            monkeypatch.setattr(where, "backend", lambda name: module if name == "cuda" else backend(name))
        assert ba.solve(problem).device == "cpu"
        assert ba.solve(problem, device="cuda:5").device == "cuda:5"
        assert ba.solve(problem, device="cuda").device == "cuda:0"
        assert numbers == [5, 0]
