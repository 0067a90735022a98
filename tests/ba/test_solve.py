# SPDX-License-Identifier: Apache-2.0
"""Solving: known truths, scipy's optimum, what is fixed, losses, reports."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize

from fastcv import ba
from fastcv.ba import Problem, _reference, linearize, refine_pose
from fastcv.scene import CAMERA_MODELS, Camera
from fastcv.synthetic import make_tracks

# Convergence to the last digits, where a test compares with an exact answer.
TIGHT = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 200}


def gradient(problem: Problem) -> np.ndarray:
    """Largest component of the gradient of the free intrinsics, poses and points, without loss."""
    residuals, d_pose, d_params, d_point = linearize(problem)
    image = problem.image_indices
    camera = problem.image_cameras[image]
    total = [
        np.zeros((problem.num_images, 6)),
        np.zeros((len(problem.cameras), d_params.shape[2])),
        np.zeros((problem.num_points, 3)),
    ]
    for sums, rows, block in zip(
        total, (image, camera, problem.point_indices), (d_pose, d_params, d_point), strict=True
    ):
        np.add.at(sums, rows, np.einsum("krc,kr->kc", block, residuals))
    for row, mask in enumerate(problem.fixed_params):
        total[1][row, : len(mask)][mask] = 0
    return np.concatenate([sums.ravel() for sums in total])


@pytest.mark.parametrize("model", CAMERA_MODELS)
def test_returns_to_the_truth(solve, make_problem, perturb, model):
    truth = make_problem((model,), num_images=8, num_points=100)
    # Eight or more parameters are hardly told apart by a hundred points: there only the residuals are the truth's.
    result = solve(perturb(truth, 0.01), **TIGHT)
    assert result.initial_cost > 100
    assert result.final_cost < 1e-12 * result.initial_cost
    np.testing.assert_allclose(result.residuals, 0, atol=1e-4)


def test_returns_to_the_true_scene(solve, make_problem, perturb):
    """With two true images held there is one answer, in position and size."""
    truth = make_problem(("RADIAL",), num_images=8, num_points=100)
    truth = replace(truth, fixed_images=np.isin(np.arange(8), [0, 7]))
    result = solve(perturb(truth), **TIGHT)
    np.testing.assert_allclose(result.cam_from_world, truth.cam_from_world, atol=1e-7)
    np.testing.assert_allclose(result.points, truth.points, atol=1e-7)
    np.testing.assert_allclose(result.cameras[0].params, truth.cameras[0].params, rtol=1e-6)


def test_reaches_scipys_optimum(solve, make_problem, perturb):
    """Points and intrinsics under fixed poses: the minimum of scipy's Levenberg-Marquardt on the same residuals."""
    problem = make_problem(("SIMPLE_RADIAL",), num_images=4, num_points=20, noise_px=1)
    problem = perturb(replace(problem, fixed_images=np.ones(4, bool)))

    def residuals(x: np.ndarray) -> np.ndarray:
        params = np.array([x[0], 320, 240, x[1]])
        moved = replace(problem, cameras=[problem.cameras[0].with_params(params)], points=x[2:].reshape(-1, 3))
        return _reference.residuals(moved).ravel()

    start = np.concatenate([problem.cameras[0].params[[0, 3]], problem.points.ravel()])
    best = scipy.optimize.least_squares(residuals, start, method="lm", x_scale="jac", xtol=1e-12, ftol=1e-12)
    result = solve(problem, **TIGHT)
    np.testing.assert_allclose(result.final_cost, best.cost, rtol=1e-9)
    np.testing.assert_allclose(result.points, best.x[2:].reshape(-1, 3), atol=1e-5)
    np.testing.assert_allclose(result.cameras[0].params[[0, 3]], best.x[:2], rtol=1e-5)


@pytest.mark.parametrize("linear_solver", ["dense_schur", "sparse_schur", "iterative_schur"])
@pytest.mark.parametrize("gauge", ["two_cameras", "fixed_camera", "free"])
def test_every_linear_solver_and_gauge_finds_the_same_cost(solve, make_problem, perturb, linear_solver, gauge):
    problem = perturb(make_problem(num_images=8, num_points=100, noise_px=1), 0.01)
    result = solve(problem, linear_solver=linear_solver, gauge=gauge, **TIGHT)
    expected = ba.solve(problem, solver="ceres", **TIGHT)
    full = linear_solver == "sparse_schur" and result.solver == "native"  # whose factor is one dense block here
    assert result.linear_solver == ("dense_schur" if full else linear_solver)
    np.testing.assert_allclose(result.final_cost, expected.final_cost, rtol=1e-8)
    solved = replace(problem, cam_from_world=result.cam_from_world, cameras=result.cameras, points=result.points)
    assert np.abs(gradient(solved)).max() < 1e-5 * np.abs(gradient(problem)).max()


def street_with_gross_errors(seed: int) -> Problem:
    """The truth of a street with a camera for each image: long, many points of little parallax, 1 % wild pixels."""
    tracks = make_tracks("street", num_images=30, num_points=1500, noise_px=0.5, seed=seed)
    truth = Problem.from_reconstruction(tracks.reconstruction)
    random = np.random.default_rng(seed)
    wild = random.random(truth.num_observations) < 0.01
    truth.observations[wild] += random.uniform(-20, 20, (wild.sum(), 2))
    f, cx, cy = truth.cameras[0].params
    cameras = [Camera("RADIAL", 1024, 768, [f, cx, cy, 0, 0]) for _ in range(truth.num_images)]
    return replace(truth, cameras=cameras, image_cameras=np.arange(truth.num_images), fixed_params=None)


@pytest.mark.parametrize(("seed", "size"), [(2, 0.02), (5, 0.04)])
def test_rough_start_of_a_street_ends_at_its_optimum(perturb, seed, size):
    """Undamped first steps by conjugate gradients would overshoot and end 2e-2 and 4e-3 above. The reference starts at
    the truth, in the right valley, with exact steps."""
    truth = street_with_gross_errors(seed)
    shifts = np.random.default_rng(seed + 100).normal(0, 0.4, truth.points.shape)
    start = replace(perturb(truth, size, seed), points=truth.points + shifts)
    result = ba.solve(start, linear_solver="iterative_schur")
    optimum = ba.solve(truth, linear_solver="dense_schur").final_cost
    assert result.initial_cost > 100 * optimum
    np.testing.assert_allclose(result.final_cost, optimum, rtol=1e-4)


def test_costs_are_those_of_the_residuals(solve, make_problem, perturb):
    problem = perturb(make_problem(("OPENCV", "FOV"), noise_px=1))
    weights = np.random.default_rng(3).uniform(0.5, 2, problem.num_observations)
    problem = replace(problem, weights=weights)
    for loss in ("none", "huber", "soft_l1", "cauchy"):
        result = solve(problem, loss=loss, loss_scale=1.5, max_iterations=5)
        solved = replace(problem, cam_from_world=result.cam_from_world, cameras=result.cameras, points=result.points)
        np.testing.assert_allclose(result.initial_cost, _reference.cost(problem, loss, 1.5), rtol=1e-10, err_msg=loss)
        np.testing.assert_allclose(result.final_cost, _reference.cost(solved, loss, 1.5), rtol=1e-10, err_msg=loss)
        np.testing.assert_allclose(result.residuals * weights[:, None], _reference.residuals(solved), atol=1e-9)


def test_fixed_things_keep_every_bit(solve, make_problem, perturb):
    problem = make_problem(("OPENCV", "RADIAL"), num_images=8, num_points=80, noise_px=1)
    masks = [np.arange(8) >= 4, np.array([True, True, True, False, False])]
    problem = perturb(
        replace(
            problem,
            fixed_images=np.isin(np.arange(8), [2, 5]),
            fixed_points=np.arange(80) % 7 == 0,
            fixed_params=masks,
        )
    )
    result = solve(problem)
    assert result.final_cost < 0.1 * result.initial_cost
    np.testing.assert_array_equal(result.cam_from_world[[2, 5]], problem.cam_from_world[[2, 5]])
    np.testing.assert_array_equal(result.points[::7], problem.points[::7])
    for before, after, mask in zip(problem.cameras, result.cameras, masks, strict=True):
        np.testing.assert_array_equal(after.params[mask], before.params[mask])
        assert (after.params[~mask] != before.params[~mask]).all()
    free = ~problem.fixed_images
    assert (result.cam_from_world[free] != problem.cam_from_world[free]).any(axis=(1, 2)).all()
    assert (result.points[~problem.fixed_points] != problem.points[~problem.fixed_points]).any(axis=1).all()


def test_shared_intrinsics_stay_one(solve, make_problem, perturb):
    """Four images, two cameras: the problem with shared rows finds one focal length each, near the truth."""
    truth = make_problem(("SIMPLE_RADIAL", "PINHOLE"), num_images=8, num_points=150, noise_px=0.5)
    result = solve(perturb(truth))
    assert len(result.cameras) == 2
    # 0.5 px of noise over some 500 observations a camera leave a focal length uncertain by about a pixel.
    np.testing.assert_allclose(result.cameras[0].params[0], 500, atol=5)
    np.testing.assert_allclose(result.cameras[1].params[:2], [500, 510], atol=5)
    assert np.sqrt(np.mean(result.residuals**2)) < 0.5


@pytest.mark.parametrize("loss", ["huber", "cauchy", "soft_l1"])
def test_robust_losses_withstand_a_fifth_of_outliers(solve, loss):
    """Observations at random places: the plain sum of squares is led astray, a robust one is not."""
    truth, outliers = make_tracks("ring", num_images=10, num_points=300, noise_px=0.3, outlier_ratio=0.2)
    problem = Problem.from_reconstruction(truth)
    wrong = np.concatenate([outliers[i][truth.images[i].point3D_ids >= 0] for i in sorted(truth.images)])
    assert 0.17 < wrong.mean() < 0.23
    robust = solve(replace(problem, fixed_images=np.arange(10) < 2), loss=loss)
    plain = solve(replace(problem, fixed_images=np.arange(10) < 2))
    error, plain_error = (
        np.median(np.linalg.norm(result.points - problem.points, axis=1)) for result in (robust, plain)
    )
    assert error < 0.1 * plain_error
    # 0.3 px at 4 units distance and f = 973 px is 0.0012 units. Huber and soft-L1 still feel the outliers, 1 in 5 of
    # three observations a point; Cauchy's influence falls off.
    assert error < {"huber": 0.1, "soft_l1": 0.2, "cauchy": 0.005}[loss]


def test_weights_are_inverse_standard_deviations(solve, make_problem):
    """A point seen from two directions with weights a and b: doubling both changes nothing but the cost."""
    problem = make_problem(num_images=8, num_points=100, noise_px=1)
    doubled = solve(replace(problem, weights=np.full(problem.num_observations, 2.0)), **TIGHT)
    plain = solve(problem, **TIGHT)
    np.testing.assert_allclose(doubled.final_cost, 4 * plain.final_cost, rtol=1e-9)
    np.testing.assert_allclose(doubled.points, plain.points, atol=1e-6)


def test_a_weight_of_zero_nearly_removes_an_observation(solve, make_problem):
    problem = make_problem(num_images=8, num_points=100, noise_px=1)
    bad = problem.observations.copy()
    bad[::10] += 100
    weights = np.where(np.arange(problem.num_observations) % 10 == 0, 1e-6, 1.0)
    result = solve(replace(problem, observations=bad, weights=weights))
    assert np.sqrt(np.mean(result.residuals[weights == 1] ** 2)) < 1


def test_reports_iterations(solve, make_problem, perturb):
    seen = []
    result = solve(perturb(make_problem(noise_px=1)), callback=seen.append)
    assert seen == result.iterations
    assert [iteration.iteration for iteration in seen] == list(range(len(seen)))
    accepted = [iteration.cost for iteration in seen if iteration.accepted]
    assert accepted == sorted(accepted, reverse=True)
    assert (accepted[0], accepted[-1]) == (result.initial_cost, result.final_cost)
    assert result.termination == "converged"
    assert result.linear_solver == "dense_schur"
    assert all(iteration.linear_iterations == 1 for iteration in seen[1:])


def test_callback_stops(solve, make_problem, perturb):
    problem = perturb(make_problem(noise_px=1))
    result = solve(problem, callback=lambda iteration: iteration.iteration < 2)
    assert (result.termination, len(result.iterations)) == ("stopped", 3)
    assert result.final_cost == result.iterations[2].cost
    # The state is that of the second iteration.
    assert solve(problem, max_iterations=2).points.tolist() == result.points.tolist()


def test_exception_in_callback_reaches_the_caller(solve, make_problem):
    def fail(iteration: object) -> None:
        raise LookupError(f"at {iteration.iteration}")

    with pytest.raises(LookupError, match="at 0"):
        solve(make_problem(), callback=fail)


def test_terminations(solve, make_problem, perturb):
    problem = perturb(make_problem(noise_px=1))
    assert solve(problem, max_iterations=1).termination == "max_iterations"
    none = solve(problem, max_iterations=0)
    assert (none.termination, len(none.iterations)) == ("max_iterations", 1)
    np.testing.assert_array_equal(none.points, problem.points)
    late = solve(problem, time_limit=1e-9)
    assert (late.termination, late.final_cost <= late.initial_cost) == ("time_limit", True)


def test_is_reproducible(solve, make_problem, perturb):
    problem = perturb(make_problem(("SIMPLE_RADIAL", "OPENCV"), num_images=10, num_points=200, noise_px=1))
    for linear_solver in ("dense_schur", "sparse_schur", "iterative_schur"):
        first, second = (solve(problem, linear_solver=linear_solver) for _ in range(2))
        np.testing.assert_array_equal(first.points, second.points)
        np.testing.assert_array_equal(first.cam_from_world, second.cam_from_world)
        assert first.final_cost == second.final_cost


def test_only_poses_or_only_points(solve, make_problem, perturb):
    truth = make_problem(("PINHOLE",), num_images=5, num_points=60)
    intrinsics = [np.ones(4, bool)]
    poses = perturb(replace(truth, fixed_points=np.ones(60, bool), fixed_params=intrinsics))
    result = solve(poses, **TIGHT)
    np.testing.assert_allclose(result.cam_from_world, truth.cam_from_world, atol=1e-9)
    points = perturb(replace(truth, fixed_images=np.ones(5, bool), fixed_params=intrinsics))
    result = solve(points, **TIGHT)
    np.testing.assert_allclose(result.points, truth.points, atol=1e-9)


def test_many_poses_alone(make_problem, perturb):
    """More than a hundred unknowns and nothing to eliminate: a sparse factorisation."""
    truth = make_problem(("PINHOLE",), num_images=40, num_points=30)
    poses = perturb(replace(truth, fixed_points=np.ones(30, bool), fixed_params=[np.ones(4, bool)]))
    result = ba.solve(poses, solver="ceres", **TIGHT)
    assert result.linear_solver == "sparse_normal_cholesky"
    np.testing.assert_allclose(result.cam_from_world, truth.cam_from_world, atol=1e-9)


def test_starts_behind_and_comes_back(solve, make_problem):
    """One point starts behind all cameras' common centre: it is seen, mirrored, and still has a finite cost."""
    truth = make_problem(("PINHOLE",), num_images=6, num_points=60)
    problem = replace(truth, fixed_images=np.ones(6, bool), fixed_params=[np.ones(4, bool)])
    points = truth.points.copy()
    points[5, 2] -= 8
    depths = truth.cam_from_world[:, 2, :3] @ points[5] + truth.cam_from_world[:, 2, 3]
    assert (depths < 0).any()
    result = solve(replace(problem, points=points))
    assert np.isfinite(result.initial_cost)
    assert result.final_cost < result.initial_cost


@pytest.mark.parametrize("place", [[1, 1, 0], [0, 0, 0], [1, 1, 1e-14]], ids=["on its plane", "at its centre", "near"])
def test_point_without_an_image(solve, make_problem, place):
    problem = make_problem(("PINHOLE",))
    problem.points[7] = place
    problem.cam_from_world[2] = np.eye(3, 4)
    k = np.flatnonzero((problem.image_indices == 2) & (problem.point_indices == 7))[0]
    message = rf"observations\[{k}\]: expected a projection of point 7 in image 2 within 1e\+15 pixels, got \[.*plane"
    with pytest.raises(ValueError, match=message):
        solve(problem)


def test_point_as_near_to_the_plane_as_it_may_be(solve, make_problem):
    """An image 1e12 pixels away: a robust loss leaves it alone and finds the rest."""
    problem = make_problem(("PINHOLE",), num_images=8, num_points=80)
    problem = replace(problem, fixed_images=np.ones(8, bool), fixed_params=[np.ones(4, bool)])
    problem.cam_from_world[2] = np.column_stack([np.eye(3), [0, 0, 4]])
    mine = problem.image_indices == 2
    x = problem.points[problem.point_indices[mine]] + [0, 0, 4]
    problem.observations[mine] = [500, 510] * x[:, :2] / x[:, 2:] + [320, 240]
    start = problem.points + 0.01
    start[7] = [1, 1, -4 + 1e-9]
    result = solve(replace(problem, points=start), loss="geman_mcclure", max_iterations=200)
    others = np.arange(80) != 7
    np.testing.assert_allclose(result.points[others], problem.points[others], atol=1e-3)
    assert np.isfinite(result.points).all()


def test_camera_without_images(solve, make_problem, perturb):
    """It keeps its parameters, which are free by default; alone, they are nothing to solve for."""
    problem = perturb(make_problem(noise_px=1))
    spare = Camera("OPENCV", 640, 480, [500, 500, 320, 240, 0.1, 0, 0, 0])
    result = solve(replace(problem, cameras=[*problem.cameras, spare], fixed_params=None))
    np.testing.assert_array_equal(result.cameras[1].params, spare.params)
    np.testing.assert_allclose(result.final_cost, solve(problem).final_cost, rtol=1e-9)


def test_intrinsics_that_nothing_determines(solve, make_problem):
    """An image of two points with all of FULL_OPENCV free: it fits them, and the numbers stay numbers."""
    problem = make_problem(("SIMPLE_RADIAL", "FULL_OPENCV"), num_images=2, num_points=80, noise_px=1)
    third = make_problem(("SIMPLE_RADIAL",), num_images=3, num_points=80).cam_from_world[2]
    result = solve(
        Problem(
            cameras=problem.cameras,
            image_cameras=[0, 0, 1],
            cam_from_world=[*problem.cam_from_world, third],
            points=problem.points,
            image_indices=[*problem.image_indices, 2, 2],
            point_indices=[*problem.point_indices, 3, 4],
            observations=[*problem.observations, [300, 200], [350, 260]],
            fixed_params=[np.zeros(4, bool), np.zeros(12, bool)],
        ),
        max_iterations=200,
    )
    assert np.isfinite(result.cameras[1].params).all()
    np.testing.assert_allclose(result.residuals[-2:], 0, atol=1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "l1"}, "loss: expected one of none, huber, soft_l1, cauchy, geman_mcclure, tukey, got 'l1'"),
        ({"gauge": "inner"}, "gauge: expected one of two_cameras, fixed_camera, free"),
        ({"linear_solver": "qr"}, "linear_solver: expected one of auto, dense_schur"),
        ({"loss_scale": 0}, "loss_scale: expected a positive number, got 0"),
        ({"max_iterations": -1}, "max_iterations: expected 0 or more, got -1"),
        ({"function_tolerance": float("nan")}, "function_tolerance: expected 0 or more, got nan"),
        ({"num_threads": -2}, "num_threads: expected 0 or more, got -2"),
    ],
)
def test_bad_options(solve, make_problem, options, message):
    with pytest.raises(ValueError, match=message):
        solve(make_problem(), **options)


def test_refine_pose(solver, make_problem):
    truth = make_problem(("OPENCV",), num_images=2, num_points=50)
    mine = truth.image_indices == 0
    points, pixels = truth.points[truth.point_indices[mine]], truth.observations[mine]
    start = truth.cam_from_world[0].copy()
    start[:, 3] += 0.05
    result = refine_pose(start, points, pixels, truth.cameras[0], solver=solver, **TIGHT)
    np.testing.assert_allclose(result.cam_from_world[0], truth.cam_from_world[0], atol=1e-9)
    np.testing.assert_array_equal(result.cameras[0].params, truth.cameras[0].params)


def test_refine_pose_and_focal_length(solver, make_problem):
    truth = make_problem(("SIMPLE_PINHOLE",), num_images=2, num_points=50)
    mine = truth.image_indices == 0
    points, pixels = truth.points[truth.point_indices[mine]], truth.observations[mine]
    guess = truth.cameras[0].with_params([450, 320, 240])
    result = refine_pose(
        truth.cam_from_world[0], points, pixels, guess, fixed_params=[False, True, True], solver=solver, **TIGHT
    )
    np.testing.assert_allclose(result.cameras[0].params, [500, 320, 240], rtol=1e-8)


REASONS = {"native": r"steps with a factor cost \d+ % of those with", "ceres": r"\d+ unknowns of images and cameras"}


def test_says_why_a_linear_solver_was_chosen(make_problem, solver):
    assert re.match(REASONS[solver], ba.solve(make_problem(), solver=solver).reason)
    assert ba.solve(make_problem(), solver=solver, linear_solver="iterative_schur").reason == "asked for"


@pytest.mark.parametrize("linear_solver", ["dense_schur", "sparse_schur", "iterative_schur"])
def test_says_what_ran_and_where_the_time_went(make_problem, perturb, solver, linear_solver):
    result = ba.solve(perturb(make_problem()), solver=solver, linear_solver=linear_solver)
    phases = result.phase_seconds
    assert list(phases) == ["setup", "linearize", "linear_solve", "take_step", "refine_points"]
    assert min(phases.values()) >= 0
    assert phases["linearize"] > 0
    assert phases["linear_solve"] > 0
    assert sum(phases.values()) <= result.seconds
