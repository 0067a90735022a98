# SPDX-License-Identifier: Apache-2.0
"""The native solver: Ceres' optimum on every kind of problem, the same bits for every number of threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fastcv.ba import Problem, Result, solve
from fastcv.synthetic import make_tracks

from .ingredients import with_an_image_turned_round

# Convergence to the last digits.
TIGHT: dict[str, Any] = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 300}
LOSSES = ("none", "huber", "soft_l1", "cauchy", "geman_mcclure", "tukey")
LINEAR_SOLVERS = ("dense_schur", "sparse_schur", "iterative_schur")
FOUR_FIFTHS = 0.8  # of the points in view, where a test does not say more


def assert_agrees_with_ceres(problem: Problem, **options: Any) -> Result:
    """Costs at the optimum are flat: 1e-8 would do, and both come to 1e-12. Residuals move by the root of that."""
    native, ceres = (solve(problem, solver=solver, **{**TIGHT, **options}) for solver in ("native", "ceres"))
    assert (native.solver, ceres.solver) == ("native", "ceres")
    assert (native.termination, ceres.termination) == ("converged", "converged")
    np.testing.assert_allclose(native.initial_cost, ceres.initial_cost, rtol=1e-12)
    np.testing.assert_allclose(native.final_cost, ceres.final_cost, rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(native.residuals, ceres.residuals, atol=1e-3)
    assert native.final_cost < native.initial_cost
    return native


def band(num_images: int, num_points: int, width: int, seed: int = 0) -> np.ndarray:
    """Who sees what in a street: each point lies in view of about ``width`` consecutive images."""
    place = np.linspace(0, num_images, num_points)
    visible = np.abs(np.arange(num_images)[:, None] + 0.5 - place) < width / 2
    visible &= np.random.default_rng(seed).random(visible.shape) < FOUR_FIFTHS
    visible[:, visible.sum(axis=0) < 2] = False
    for point in np.flatnonzero(~visible.any(axis=0)):
        first = min(int(place[point]), num_images - 2)
        visible[first : first + 2, point] = True
    return visible


def own(model: str, count: int) -> tuple[str, ...]:
    """A camera for each image."""
    return (model,) * count


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(make_problem, perturb, loss):
    problem = make_problem(num_images=8, num_points=100, noise_px=1)
    random = np.random.default_rng(0)
    wild = random.random(problem.num_observations) < 0.05
    problem.observations[wild] += random.uniform(-30, 30, (int(wild.sum()), 2))
    result = assert_agrees_with_ceres(perturb(problem, 0.002), loss=loss, loss_scale=5.0)
    assert (np.linalg.norm(result.residuals, axis=1) > 5).sum() > 10


@pytest.mark.parametrize("loss", LOSSES[1:])
def test_losses_of_the_kept_and_the_dropped(make_problem, loss):
    """Ten times farther than the scale or ten times nearer: what is left of the cost, in closed form."""
    problem = make_problem(("PINHOLE",), num_images=2, num_points=40)
    a, far = 2.0, np.arange(problem.num_observations) % 4 == 0
    problem = replace(problem, fixed_points=np.ones(40, bool), fixed_params=[np.ones(4, bool)])
    problem.observations[far, 0] += 20
    x = (20 / a) ** 2
    rho = {
        "huber": a**2 * (2 * np.sqrt(x) - 1),
        "soft_l1": 2 * a**2 * (np.sqrt(1 + x) - 1),
        "cauchy": a**2 * np.log(1 + x),
        "geman_mcclure": 400 / (1 + x),
        "tukey": a**2 / 3,
    }[loss]
    np.testing.assert_allclose(
        solve(problem, loss=loss, loss_scale=a, max_iterations=0).initial_cost, 0.5 * far.sum() * rho, rtol=1e-9
    )


def test_shared_intrinsics(make_problem, perturb):
    models = ("SIMPLE_RADIAL", "PINHOLE")
    assert_agrees_with_ceres(perturb(make_problem(models, num_images=9, num_points=100, noise_px=1), 0.01))


@pytest.mark.parametrize("gauge", ["two_cameras", "fixed_camera", "free"])
def test_gauges(make_problem, perturb, gauge):
    problem = perturb(make_problem(num_images=8, num_points=100, noise_px=1), 0.01)
    assert_agrees_with_ceres(problem, gauge=gauge)


def test_fixed_parts(make_problem, perturb):
    problem = make_problem(("OPENCV", "RADIAL"), num_images=9, num_points=100, noise_px=1)
    masks = [np.arange(8) >= 4, np.array([True, True, True, False, False])]
    fixed = {"fixed_images": np.arange(9) % 4 == 1, "fixed_points": np.arange(100) % 7 == 0}
    assert_agrees_with_ceres(perturb(replace(problem, **fixed, fixed_params=masks), 0.01))


@pytest.mark.parametrize("part", ["poses", "points", "intrinsics"])
def test_one_part_alone(make_problem, perturb, part):
    problem = make_problem(num_images=6, num_points=50, noise_px=1)
    fixed: dict[str, Any] = {
        "fixed_images": np.full(6, part != "poses"),
        "fixed_points": np.full(50, part != "points"),
    }
    if part != "intrinsics":
        fixed["fixed_params"] = [np.ones(4, bool)]
    assert_agrees_with_ceres(perturb(replace(problem, **fixed), 0.01))


def test_mixed_camera_models(make_problem, perturb):
    models = ("EQUIRECTANGULAR", "PINHOLE", "OPENCV_FISHEYE", "BAL", "FULL_OPENCV", "SIMPLE_FISHEYE")
    assert_agrees_with_ceres(perturb(make_problem(models, num_images=14, num_points=150, noise_px=1), 0.003))


@pytest.mark.parametrize("num_free", range(17))
def test_every_number_of_free_intrinsics(make_problem, perturb, num_free):
    """6 to 22 columns for an image, focal lengths first and the principal point last: all kernels of the solver."""
    order = [0, 1, *range(4, 16), 2, 3]
    mask = ~np.isin(np.arange(16), order[:num_free])
    truth = make_problem(("RAD_TAN_THIN_PRISM_FISHEYE",), num_images=8, num_points=150, noise_px=1)
    assert_agrees_with_ceres(perturb(replace(truth, fixed_params=[mask]), 0.002))


def test_weights(make_problem, perturb):
    problem = make_problem(num_images=8, num_points=100, noise_px=1)
    weights = np.random.default_rng(0).uniform(0.1, 5, problem.num_observations)
    assert_agrees_with_ceres(perturb(replace(problem, weights=weights), 0.01))


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
def test_units_of_the_scene_do_not_matter(make_problem, perturb, size):
    problem = perturb(make_problem(num_images=6, num_points=60, noise_px=1), 0.01)
    poses = problem.cam_from_world.copy()
    poses[:, :, 3] *= size
    expected = solve(problem, **TIGHT).final_cost
    result = solve(replace(problem, cam_from_world=poses, points=size * problem.points), **TIGHT)
    np.testing.assert_allclose(result.final_cost, expected, rtol=1e-9)


def test_points_behind_cameras(make_problem, perturb):
    problem = with_an_image_turned_round(make_problem(("PINHOLE",), num_images=6, num_points=80))
    result = assert_agrees_with_ceres(perturb(problem, 0.01))
    assert np.sqrt(np.mean(result.residuals**2)) < 1


@pytest.mark.parametrize("num_points", [1, 2, 3, 40])
def test_one_image(make_problem, perturb, num_points):
    """Fewer than three points leave a pose open; it still finds residuals of zero."""
    pair = make_problem(num_images=2, num_points=num_points, noise_px=1)
    mine = pair.image_indices == 0
    problem = Problem(
        pair.cameras,
        [0],
        pair.cam_from_world[:1],
        pair.points,
        pair.image_indices[mine],
        pair.point_indices[mine],
        pair.observations[mine],
        fixed_points=np.ones(num_points, bool),
        fixed_params=[np.ones(4, bool)],
    )
    result = assert_agrees_with_ceres(perturb(problem, 0.01))
    assert (result.final_cost < 1e-20) == (num_points <= 3)


@pytest.mark.parametrize("models", [("SIMPLE_RADIAL",), own("SIMPLE_RADIAL", 12)], ids=["shared", "own"])
def test_disconnected_components(make_problem, perturb, models):
    """Two scenes that share no point. Only one of them is held: the other may drift, its residuals may not."""
    visible = np.random.default_rng(0).random((12, 200)) < FOUR_FIFTHS
    visible[[0, 1]] = visible[[6, 7]] = True
    visible[:6, 100:] = visible[6:, :100] = False
    problem = make_problem(models, num_images=12, num_points=200, noise_px=1, visible=visible)
    result = assert_agrees_with_ceres(perturb(problem, 0.005))
    assert result.linear_solver == "sparse_schur"


def test_images_with_very_different_numbers_of_observations(make_problem, perturb):
    random = np.random.default_rng(0)
    visible = np.zeros((12, 2000), bool)
    visible[:2] = True
    visible[2:, :40] = random.random((10, 40)) < 0.5
    visible[3] |= random.random(2000) < 0.5
    problem = make_problem(num_images=12, num_points=2000, noise_px=1, visible=visible)
    assert_agrees_with_ceres(perturb(problem, 0.005))


@pytest.mark.parametrize("linear_solver", ["auto", *LINEAR_SOLVERS])
def test_tracks_longer_than_a_chunk(make_problem, perturb, linear_solver):
    """Points seen by each of 1100 images, of which most are fixed: more than the 1024 observations of a chunk."""
    visible = np.ones((1100, 6), bool)
    visible[:, 4:] = np.random.default_rng(0).random((1100, 2)) < 0.3
    problem = make_problem(num_images=1100, num_points=6, noise_px=1, visible=visible)
    problem = replace(problem, fixed_images=np.arange(1100) % 50 != 7)
    assert_agrees_with_ceres(perturb(problem, 0.003), linear_solver=linear_solver)


@pytest.mark.slow
@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_thousands_of_images_with_two_observations(make_problem, perturb, linear_solver):
    """Two observations leave a pose open: under known intrinsics, such images change nothing for the others.

    The image farthest from the first is one of them. Were a coordinate of it held, as the gauge would have it, hundreds
    of iterations would not do.
    """
    core, more, num_points = 12, 2500, 300
    visible = np.zeros((core + more, num_points), bool)
    visible[:core] = np.random.default_rng(0).random((core, num_points)) < FOUR_FIFTHS
    visible[:2] = True
    first = np.arange(more) * (num_points - 1) // more
    visible[core + np.arange(more), first] = visible[core + np.arange(more), first + 1] = True
    problem = make_problem(("PINHOLE",), num_images=core + more, num_points=num_points, noise_px=1, visible=visible)
    problem = replace(problem, fixed_params=[np.ones(4, bool)])
    mine = problem.image_indices < core
    alone = replace(
        problem,
        image_cameras=problem.image_cameras[:core],
        cam_from_world=problem.cam_from_world[:core],
        **{name: getattr(problem, name)[:core] for name in ("fixed_images", "fixed_rotations", "fixed_centers")},
        **{
            name: getattr(problem, name)[mine] for name in ("image_indices", "point_indices", "observations", "weights")
        },
    )
    expected = solve(alone, solver="ceres", **TIGHT).final_cost
    result = solve(perturb(problem, 0.003), linear_solver=linear_solver, **TIGHT)
    np.testing.assert_allclose(result.final_cost, expected, rtol=1e-8)


@pytest.mark.parametrize("linear_solver", LINEAR_SOLVERS)
def test_every_linear_solver_in_a_street_with_loop_closures(make_problem, perturb, linear_solver):
    visible = band(90, 1200, 6)
    visible[[3, 45, 80], :20] = visible[[20, 88], 600:610] = True
    models = own("RADIAL", 90)
    problem = perturb(make_problem(models, num_images=90, num_points=1200, noise_px=1, visible=visible), 0.002)
    result = solve(problem, linear_solver=linear_solver, **TIGHT)
    assert result.linear_solver == ("iterative_schur" if linear_solver == "iterative_schur" else "sparse_schur")
    direct = {iteration.linear_iterations for iteration in result.iterations[1:]} == {1}
    assert direct == (linear_solver != "iterative_schur")
    expected = solve(problem, solver="ceres", linear_solver="sparse_schur", **TIGHT)
    np.testing.assert_allclose(result.final_cost, expected.final_cost, rtol=1e-8)


@pytest.mark.slow
def test_few_conjugate_gradients_on_a_long_street():
    truth, _ = make_tracks("street", num_images=200, num_points=8000, noise_px=0.5)
    problem = Problem.from_reconstruction(truth)
    problem.points += np.random.default_rng(0).normal(0, 0.02, problem.points.shape)
    result = solve(problem, linear_solver="iterative_schur", function_tolerance=1e-10)
    # Without the coarse space 395.
    assert max(iteration.linear_iterations for iteration in result.iterations) <= 20
    expected = solve(problem, linear_solver="sparse_schur", function_tolerance=1e-10)
    np.testing.assert_allclose(result.final_cost, expected.final_cost, rtol=1e-7)


@pytest.mark.slow
def test_conjugate_gradients_where_the_factor_costs_more(make_problem, perturb):
    """Weakly tied together, with a wide band."""
    visible = band(900, 450, 60)
    problem = perturb(make_problem(num_images=900, num_points=450, noise_px=1, visible=visible), 0.003)
    result = solve(problem, **TIGHT)
    assert result.linear_solver == "iterative_schur"
    assert max(iteration.linear_iterations for iteration in result.iterations) <= 60
    expected = solve(problem, linear_solver="sparse_schur", **TIGHT)
    np.testing.assert_allclose(result.final_cost, expected.final_cost, rtol=1e-10)


def bits(result: Result) -> list[Any]:
    iterations = [replace(iteration, seconds=0.0) for iteration in result.iterations]
    arrays = [result.cam_from_world, result.points, result.residuals, *(camera.params for camera in result.cameras)]
    return [iterations, result.linear_solver, *(array.tobytes() for array in arrays)]


@pytest.fixture(scope="module")
def dense_scene(make_problem, perturb) -> Problem:
    """Large enough that every loop of the solver splits: chunks, sums over chunks, rows, tiles of the factor."""
    visible = np.random.default_rng(0).random((200, 400)) < 0.5
    visible[:2] = True
    models = own("SIMPLE_RADIAL", 200)
    problem = perturb(make_problem(models, num_images=200, num_points=400, noise_px=1, visible=visible), 0.01)
    assert problem.num_observations > 2**15
    return problem


@pytest.fixture(scope="module")
def street(make_problem, perturb) -> Problem:
    visible = band(300, 4000, 12)
    visible[[10, 150, 290], :20] = True
    models = ("RADIAL", "OPENCV", "PINHOLE")
    return perturb(make_problem(models, num_images=300, num_points=4000, noise_px=1, visible=visible), 0.002)


@pytest.mark.parametrize("scene", [pytest.param("dense_scene", marks=pytest.mark.slow), "street"])
@pytest.mark.parametrize("linear_solver", ["auto", "sparse_schur", "iterative_schur"])
def test_same_bits_for_every_number_of_threads(request, scene, linear_solver):
    problem = request.getfixturevalue(scene)
    options: dict[str, Any] = {"linear_solver": linear_solver, "loss": "huber", "max_iterations": 3}
    one = bits(solve(problem, num_threads=1, **options))
    for num_threads in (2, 3, 8):
        assert bits(solve(problem, num_threads=num_threads, **options)) == one


def test_same_bits_for_observations_in_any_order(make_problem, perturb):
    """The solver sorts them itself; residuals come back in the caller's order."""
    problem = perturb(make_problem(num_images=20, num_points=300, noise_px=1), 0.01)
    order = np.random.default_rng(0).permutation(problem.num_observations)
    names = ("image_indices", "point_indices", "observations", "weights")
    shuffled = replace(problem, **{name: getattr(problem, name)[order] for name in names})
    for linear_solver in LINEAR_SOLVERS:
        expected, got = (solve(p, linear_solver=linear_solver) for p in (problem, shuffled))
        assert bits(replace(got, residuals=expected.residuals)) == bits(expected)
        np.testing.assert_array_equal(got.residuals, expected.residuals[order])


def test_tries_again_where_a_system_is_not_positive_definite(make_problem, perturb):
    """A third of the points as good as at infinity: roundings decide about their blocks until the damping is back."""
    problem = make_problem(("PINHOLE",), num_images=5, num_points=60)
    points = problem.points * np.where(np.arange(60) < 20, 1e7, 1)[:, None]
    poses = problem.cam_from_world[problem.image_indices]
    x = np.einsum("kij,kj->ki", poses[:, :, :3], points[problem.point_indices]) + poses[:, :, 3]
    noise = np.random.default_rng(0).standard_normal((len(x), 2))
    problem = replace(problem, points=points, observations=500 * x[:, :2] / x[:, 2:] + [320, 240] + noise)
    result = solve(perturb(problem, 0.01), gauge="free", function_tolerance=1e-12, max_iterations=40)
    failed = [k for k, iteration in enumerate(result.iterations) if k > 0 and iteration.linear_iterations == 0]
    assert failed
    first = result.iterations[failed[0]]
    assert (first.accepted, first.cost, first.step_norm) == (False, np.inf, 0)
    assert first.trust_region_radius < result.iterations[failed[0] - 1].trust_region_radius
    assert any(iteration.accepted for iteration in result.iterations[failed[0] :])
    assert result.final_cost < result.iterations[failed[0] - 1].cost


def test_derivatives_beyond_single_precision(make_problem, perturb):
    """Jacobians end at 1e38: a failure that says so, not a solve that finds nothing to do."""
    problem = perturb(make_problem(noise_px=1), 0.01)
    result = solve(replace(problem, weights=np.full(problem.num_observations, 1e40)))
    assert (result.termination, result.iterations) == ("failed", [])
    assert result.message == "the cost at the start or its derivatives are not finite"
    np.testing.assert_array_equal(result.points, problem.points)
    large = solve(replace(problem, weights=np.full(problem.num_observations, 1e20)))
    np.testing.assert_allclose(large.final_cost, 1e40 * solve(problem).final_cost, rtol=1e-6)


def test_reduced_gradient_of_zero(make_problem, perturb):
    """The one free parameter of a camera sees wild observations only, which Tukey's loss drops: points move still."""
    problem = make_problem(("PINHOLE", "SIMPLE_PINHOLE"), num_images=8, num_points=60, noise_px=1)
    problem.observations[problem.image_cameras[problem.image_indices] == 1] += 1000
    masks = [np.ones(4, bool), np.array([False, True, True])]
    problem = perturb(replace(problem, fixed_images=np.ones(8, bool), fixed_params=masks), 0.002)
    options = {**TIGHT, "loss": "tukey", "loss_scale": 50.0}
    costs = [solve(problem, linear_solver=name, **options).final_cost for name in ("dense_schur", "iterative_schur")]
    np.testing.assert_allclose(costs[1], costs[0], rtol=1e-12)
