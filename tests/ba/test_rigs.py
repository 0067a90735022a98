# SPDX-License-Identifier: Apache-2.0
"""Rigs: both solvers on every kind of problem, and pycolmap's optimum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fastcv import io
from fastcv.ba import ParamsPriors, Priors, Problem, Result, Rigs, _reference, solve
from fastcv.geometry import Similarity
from fastcv.scene import projection_centers as centers

from .conftest import rotation

# Convergence to the last digits.
TIGHT: dict[str, Any] = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 300}


def solved(problem: Problem, result: Result) -> Problem:
    rigs = replace(problem.rigs, sensor_from_rig=result.sensor_from_rig)
    poses, cameras, points = result.cam_from_world, result.cameras, result.points
    return replace(problem, cam_from_world=poses, cameras=cameras, points=points, rigs=rigs)


def solve_both(problem: Problem, **options: Any) -> Result:
    """The native solver's result, which has Ceres' cost. Images' poses are the products of the others, to rounding."""
    native, ceres = (solve(problem, solver=solver, **{**TIGHT, **options}) for solver in ("native", "ceres"))
    assert (native.termination, ceres.termination) == ("converged", "converged")
    np.testing.assert_allclose(native.initial_cost, ceres.initial_cost, rtol=1e-12)
    np.testing.assert_allclose(native.final_cost, ceres.final_cost, rtol=1e-9, atol=1e-18)
    assert native.final_cost < native.initial_cost
    for result in (native, ceres):
        after = solved(problem, result)
        composed = after.rigs.cam_from_world(result.rig_from_world, result.cam_from_world)
        np.testing.assert_allclose(result.cam_from_world, composed, atol=1e-14)
    return native


def with_rigs(problem: Problem, **changes: Any) -> Problem:
    return replace(problem, rigs=replace(problem.rigs, **changes))


def holding_sensors(problem: Problem) -> Problem:
    return with_rigs(problem, fixed_sensors=np.ones(problem.rigs.num_sensors, bool))


@pytest.mark.parametrize("linear_solver", ["dense_schur", "sparse_schur", "iterative_schur"])
def test_refined_sensors(make_rig_problem, perturb, linear_solver):
    problem = perturb(make_rig_problem(noise_px=0.5), 0.01)
    result = solve_both(problem, linear_solver=linear_solver)
    assert (result.sensor_from_rig != problem.rigs.sensor_from_rig).any(axis=(1, 2)).all()
    assert np.sqrt(np.mean(result.residuals**2)) < 0.5


@pytest.mark.parametrize("solver", ["native", "ceres"])
def test_returns_to_the_true_scene(make_rig_problem, perturb, solver):
    """Known baselines tell the scale, so that one frame held leaves one answer."""
    truth = holding_sensors(make_rig_problem())
    start = perturb(replace(truth, fixed_images=truth.image_frames == 0), 0.01)
    result = solve(start, solver=solver, **TIGHT)
    np.testing.assert_array_equal(result.sensor_from_rig, truth.rigs.sensor_from_rig)
    np.testing.assert_allclose(result.cam_from_world, truth.cam_from_world, atol=1e-7)
    np.testing.assert_allclose(result.points, truth.points, atol=1e-7)


@pytest.mark.parametrize("solver", ["native", "ceres"])
def test_finds_the_true_mount(make_rig_problem, perturb, solver):
    """Two frames held tell the scale."""
    truth = make_rig_problem()
    start = perturb(replace(truth, fixed_images=truth.image_frames <= 1), 0.01)
    result = solve(start, solver=solver, **TIGHT)
    np.testing.assert_allclose(result.sensor_from_rig, truth.rigs.sensor_from_rig, atol=1e-7)


@pytest.mark.parametrize("linear_solver", ["dense_schur", "iterative_schur"])
def test_both_solvers_agree_where_a_fifth_is_wrong(make_rig_problem, perturb, linear_solver):
    """Outliers among observations and positions, shared intrinsics, known poses on some sensors."""
    truth = make_rig_problem(noise_px=0.5, num_frames=8)
    random = np.random.default_rng(0)
    wild = random.random(truth.num_observations) < 0.2
    truth.observations[wild] += random.uniform(-30, 30, (int(wild.sum()), 2))
    images = np.arange(0, truth.num_images, 2)
    gps = centers(truth.cam_from_world)[images] + random.normal(0, 0.01, (len(images), 3))
    gps[::5] += 0.5
    known = [1, 5, 9]
    start = perturb(truth, 0.003)
    start.position_priors = Priors(images, gps, 0.01**2 * np.eye(3), loss="cauchy", loss_scale=2)
    start.pose_priors = Priors(known, truth.cam_from_world[known], np.diag([0.01] * 3 + [0.02] * 3) ** 2)
    start.params_priors = ParamsPriors([1], [[501, 509, 320, 240]], [[1, 1, np.inf, np.inf]])
    result = solve_both(start, linear_solver=linear_solver, loss="cauchy", loss_scale=1.0)
    errors = np.linalg.norm(centers(result.cam_from_world) - centers(truth.cam_from_world), axis=1)
    assert errors.max() < 0.02
    np.testing.assert_allclose(_reference.cost(solved(start, result), "cauchy"), result.final_cost, rtol=1e-10)


def test_a_frame_of_one_image_is_an_image(make_problem, perturb):
    """Rigs of a reference alone change nothing, to the last bit."""
    problem = perturb(make_problem(num_images=8, num_points=80, noise_px=1))
    alone = Rigs(np.arange(8), np.full(8, -1), np.empty((0, 3, 4)))
    plain, rigged = solve(problem), solve(replace(problem, rigs=alone))
    np.testing.assert_array_equal(rigged.cam_from_world, plain.cam_from_world)
    np.testing.assert_array_equal(rigged.rig_from_world, plain.cam_from_world)
    np.testing.assert_array_equal(rigged.points, plain.points)
    assert plain.rig_from_world.shape == plain.sensor_from_rig.shape == (0, 3, 4)


@pytest.mark.parametrize("refine", [False, True])
def test_reaches_pycolmaps_optimum(refine):
    pycolmap = pytest.importorskip("pycolmap")
    options = pycolmap.SyntheticDatasetOptions(num_rigs=2, num_cameras_per_rig=3, num_frames_per_rig=5, num_points3D=80)
    options.sensor_from_rig_translation_stddev = 0.2
    pycolmap.set_random_seed(3)
    model = pycolmap.synthesize_dataset(options)
    noise = pycolmap.SyntheticNoiseOptions(point2D_stddev=0.7, point3D_stddev=0.02)
    noise.rig_from_world_translation_stddev, noise.rig_from_world_rotation_stddev = 0.02, 0.2
    pycolmap.synthesize_noise(noise, model)
    problem = Problem.from_reconstruction(io.from_pycolmap(model))
    assert problem.rigs.num_frames == 10
    assert problem.rigs.num_sensors == 4
    result = solve_both(problem if refine else holding_sensors(problem))

    wanted = pycolmap.BundleAdjustmentOptions(refine_sensor_from_rig=refine, print_summary=False)
    ceres = wanted.ceres.solver_options
    ceres.function_tolerance, ceres.gradient_tolerance, ceres.parameter_tolerance = 1e-15, 1e-12, 1e-14
    ceres.max_num_iterations = 200
    config = pycolmap.BundleAdjustmentConfig()
    for image in model.images:
        config.add_image(image)
    if refine:  # else it would hold the scale that the rigs tell
        config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    pycolmap.create_default_bundle_adjuster(wanted, config, model).solve()
    theirs = Problem.from_reconstruction(io.from_pycolmap(model))
    assert theirs.num_observations == problem.num_observations
    np.testing.assert_allclose(result.final_cost, _reference.cost(theirs), rtol=1e-6)
    assert result.final_cost < 0.1 * result.initial_cost


def test_the_same_bits_for_every_number_of_threads(make_rig_problem, perturb):
    problem = perturb(make_rig_problem(noise_px=0.5, num_frames=12), 0.01)
    for linear_solver in ("sparse_schur", "iterative_schur"):
        results = [solve(problem, linear_solver=linear_solver, num_threads=threads) for threads in (1, 2, 5)]
        for result in results[1:]:
            np.testing.assert_array_equal(result.cam_from_world, results[0].cam_from_world)
            np.testing.assert_array_equal(result.sensor_from_rig, results[0].sensor_from_rig)


def test_arrays_of_the_caller_stay_as_they_are(make_rig_problem, perturb):
    """Read-only and strided ones too."""
    problem = perturb(make_rig_problem(noise_px=0.5), 0.01)
    wide = np.repeat(problem.rigs.sensor_from_rig, 2, axis=0)
    wide.flags.writeable = False
    frames = np.repeat(problem.rigs.image_frames, 2)
    strided = with_rigs(problem, sensor_from_rig=wide[::2], image_frames=frames[::2])
    before = wide.copy()
    result = solve(strided)
    np.testing.assert_array_equal(wide, before)
    np.testing.assert_array_equal(result.cam_from_world, solve(problem).cam_from_world)


def test_a_start_far_from_its_priors(make_rig_problem, perturb):
    """Moved onto them as a whole: with the size of the mount where it is refined, at its size where it is known."""
    truth = make_rig_problem(noise_px=0.5)
    gps = Priors(np.arange(truth.num_images), centers(truth.cam_from_world), 0.01**2 * np.eye(3))
    turn = rotation(np.array([0.5, 1.0, -2.0]))
    for scale, fixed in ((0.2, False), (1.0, True)):
        start = perturb(replace(with_rigs(truth, fixed_sensors=[fixed] * 2), position_priors=gps), 0.003)
        near = solve(start, **TIGHT)
        rigs = replace(start.rigs, sensor_from_rig=start.rigs.sensor_from_rig * [1, 1, 1, scale])
        away = Similarity(scale, turn, np.array([30.0, -20, 5]))
        poses, points = away.pose(start.cam_from_world), away.points(start.points)
        far = solve(replace(start, cam_from_world=poses, points=points, rigs=rigs), **TIGHT)
        assert "the start was moved as a whole onto its priors" in far.notes
        np.testing.assert_allclose(far.final_cost, near.final_cost, rtol=1e-8)
        np.testing.assert_allclose(far.sensor_from_rig, near.sensor_from_rig, atol=1e-5)
        if fixed:
            np.testing.assert_array_equal(far.sensor_from_rig, start.rigs.sensor_from_rig)


def test_images_of_a_frame_are_one_component(make_rig_problem):
    """Two rigid cameras that look at different things: no point in common, one component."""
    whole = make_rig_problem(num_frames=12, num_alone=0)
    on_rig = whole.rigs.image_sensors[whole.image_indices]
    mine = np.where(on_rig == 1, whole.point_indices >= 50, whole.point_indices < 50)
    fields = ("image_indices", "point_indices", "observations", "weights")
    apart = replace(whole, **{name: getattr(whole, name)[mine] for name in fields})
    note = "2 components share no point: solved together, each may drift"
    assert note not in solve(apart, max_iterations=1).notes
    assert note in solve(replace(apart, rigs=None), max_iterations=1).notes


def test_everything_fixed_but_a_sensor(make_rig_problem, perturb):
    """A mount is calibrated against known poses, points and intrinsics; with it fixed, too, nothing is left."""
    truth = make_rig_problem()
    held = {
        "fixed_images": np.ones(truth.num_images, bool),
        "fixed_points": np.ones(truth.num_points, bool),
        "fixed_params": [np.ones(len(camera.params), bool) for camera in truth.cameras],
    }
    result = solve_both(perturb(replace(truth, **held), 0.01))
    np.testing.assert_allclose(result.sensor_from_rig, truth.rigs.sensor_from_rig, atol=1e-9)
    with pytest.raises(ValueError, match="expected something free, got everything fixed"):
        holding_sensors(replace(truth, **held))
