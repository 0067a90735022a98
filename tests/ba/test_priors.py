# SPDX-License-Identifier: Apache-2.0
"""Priors and covariances of observations: closed forms, scipy's optimum, one solver against the other."""

from __future__ import annotations

import operator
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
from scipy.spatial.transform import Rotation

from fastcv import Camera
from fastcv.ba import ParamsPriors, Priors, Problem, _reference, covariance, linearize, solve, solve_batch
from fastcv.ba.priors import prior_residuals
from fastcv.scene import projection_centers as centers

from .ingredients import moved_pose, random_covariances

# Convergence to the last digits, where a test compares with an exact answer.
TIGHT = {"function_tolerance": 1e-15, "parameter_tolerance": 1e-14, "max_iterations": 200}
SOLVERS = ["native", "ceres"]
KINDS = ["pose_priors", "position_priors", "point_priors", "params_priors", "covariances"]


def with_knowledge(problem: Problem, kinds: list[str], seed: int = 7) -> Problem:
    """The problem with noisy knowledge of some kinds, the values in no order and far enough off to matter."""
    random = np.random.default_rng(seed)
    images, points = random.permutation(problem.num_images)[:3], random.permutation(problem.num_points)[:8]
    twists = random.normal(0, [0.3, 0.3, 0.3, 0.1, 0.1, 0.1], (3, 6))
    poses = np.stack([moved_pose(problem.cam_from_world[i], t) for i, t in zip(images, twists, strict=True)])
    truth = centers(problem.cam_from_world)
    params = problem.cameras[0].params
    knowledge = {
        "pose_priors": Priors(images, poses, random_covariances(3, 6, 0.02, 1)),
        "position_priors": Priors(
            np.arange(problem.num_images)[::-1],
            truth[::-1] + random.normal(0, 0.02, truth.shape),
            random_covariances(len(truth), 3, 0.02, 2),
            loss="cauchy",
            loss_scale=2,
        ),
        "point_priors": Priors(
            points, problem.points[points] + random.normal(0, 0.01, (8, 3)), 0.01**2 * np.eye(3), loss="huber"
        ),
        "params_priors": ParamsPriors([0], [1.02 * params], [np.where(np.abs(params) > 1, 5, np.inf)]),
        "covariances": random_covariances(problem.num_observations, 2, 1.0, 3),
    }
    return replace(problem, **{kind: knowledge[kind] for kind in kinds})


def minimum_of_scipy(problem: Problem) -> scipy.optimize.OptimizeResult:
    """Over all poses, points and free intrinsics, from the residuals of the numpy reference. No losses."""
    free = ~problem.fixed_params[0]
    base = problem.cam_from_world

    def moved(x: np.ndarray) -> Problem:
        twists, params, points = np.split(x, [6 * len(base), 6 * len(base) + free.sum()])
        poses = np.stack([moved_pose(p, t) for p, t in zip(base, twists.reshape(-1, 6), strict=True)])
        values = problem.cameras[0].params.copy()
        values[free] = params
        camera = problem.cameras[0].with_params(values)
        return replace(problem, cam_from_world=poses, cameras=[camera], points=points.reshape(-1, 3))

    def residuals(x: np.ndarray) -> np.ndarray:
        at = moved(x)
        priors = prior_residuals(at, at.cam_from_world, at.cameras, at.points)
        return np.concatenate([_reference.residuals(at).ravel(), *(r.ravel() for r in priors.values())])

    start = np.concatenate([np.zeros(6 * len(base)), problem.cameras[0].params[free], problem.points.ravel()])
    best = scipy.optimize.least_squares(residuals, start, method="trf", x_scale="jac", xtol=1e-13, ftol=1e-13)
    best.problem = moved(best.x)
    return best


@pytest.mark.parametrize("solver", SOLVERS)
def test_reaches_scipys_optimum(make_problem, perturb, solver):
    """Everything free and every kind of knowledge; poses known wrongly by some 0.5 rad pull hard."""
    problem = perturb(make_problem(num_images=4, num_points=15, noise_px=1), 0.01)
    problem = with_knowledge(problem, KINDS)
    for priors in (problem.position_priors, problem.point_priors):
        priors.loss = "none"
    best, result = minimum_of_scipy(problem), solve(problem, solver=solver, **TIGHT)
    np.testing.assert_allclose(result.final_cost, best.cost, rtol=1e-9)
    np.testing.assert_allclose(result.points, best.problem.points, atol=1e-5)
    np.testing.assert_allclose(result.cam_from_world, best.problem.cam_from_world, atol=1e-5)
    np.testing.assert_allclose(result.cameras[0].params, best.problem.cameras[0].params, rtol=1e-5)


def test_covariances_of_the_solution_know_the_priors(make_problem):
    """The inverse of JᵀJ, with J by scipy's forward differences on the residuals of the reference: good to 1e-4."""
    problem = with_knowledge(make_problem(num_images=4, num_points=15, noise_px=1), KINDS)
    for priors in (problem.position_priors, problem.point_priors):
        priors.loss = "none"
    result = solve(problem, **TIGHT)
    solved = replace(problem, cam_from_world=result.cam_from_world, cameras=result.cameras, points=result.points)
    jacobian, got = minimum_of_scipy(solved).jac, covariance(solved)
    expected = np.linalg.inv(jacobian.T @ jacobian)
    lens = got.params[0][np.ix_([0, 3], [0, 3])]
    for block, rows in ((got.poses[2], slice(12, 18)), (lens, slice(24, 26)), (got.points[14], slice(-3, None))):
        wanted = expected[rows, rows]
        np.testing.assert_allclose(block, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_costs_are_those_of_the_reference(make_problem, perturb, solver, kind):
    """At the start and after a few steps, with a loss for the observations and the priors' own. What is known of fixed
    images, points and parameters is a constant part of it."""
    problem = with_knowledge(perturb(make_problem(("OPENCV", "FOV"), noise_px=1)), [kind])
    problem = replace(problem, fixed_images=np.arange(6) % 3 == 1, fixed_points=np.arange(60) % 2 == 0)
    result = solve(problem, solver=solver, loss="cauchy", loss_scale=1.5, max_iterations=3)
    solved = replace(problem, cam_from_world=result.cam_from_world, cameras=result.cameras, points=result.points)
    plain = replace(solved, covariances=None, position_priors=None)
    assert result.final_cost < result.initial_cost
    np.testing.assert_allclose(result.initial_cost, _reference.cost(problem, "cauchy", 1.5), rtol=1e-10)
    np.testing.assert_allclose(result.final_cost, _reference.cost(solved, "cauchy", 1.5), rtol=1e-10)
    np.testing.assert_allclose(result.residuals, _reference.residuals(plain), atol=1e-9)


@pytest.mark.parametrize("linear_solver", ["dense_schur", "sparse_schur", "iterative_schur"])
def test_both_solvers_agree_where_a_fifth_is_wrong(make_problem, perturb, linear_solver):
    """20 % of the observations and two of ten GPS positions are gross errors; cameras are shared."""
    truth = make_problem(("SIMPLE_RADIAL", "OPENCV"), num_images=10, num_points=150, noise_px=0.5)
    random = np.random.default_rng(5)
    observations, gps = truth.observations.copy(), centers(truth.cam_from_world) + random.normal(0, 0.01, (10, 3))
    wild = random.random(truth.num_observations) < 0.2
    observations[wild] += random.uniform(-50, 50, (wild.sum(), 2))
    gps[[3, 6]] += [1, -2, 1]
    problem = replace(
        perturb(truth, 0.003),  # losses that let go have many minima: this near, both find the same one
        observations=observations,
        covariances=random_covariances(truth.num_observations, 2, 0.5, 3),
        position_priors=Priors(np.arange(10), gps, 0.01**2 * np.eye(3), loss="cauchy", loss_scale=2),
        params_priors=ParamsPriors([1], [truth.cameras[1].params], [np.full(8, 1e-2)]),
    )
    native = solve(problem, loss="cauchy", linear_solver=linear_solver, **TIGHT)
    ceres = solve(problem, loss="cauchy", solver="ceres", **TIGHT)
    np.testing.assert_allclose(native.final_cost, ceres.final_cost, rtol=1e-9)
    np.testing.assert_allclose(native.cam_from_world, ceres.cam_from_world, atol=1e-5)
    np.testing.assert_allclose(native.points, ceres.points, atol=1e-4)
    # The scene stands where GPS says, within its noise, and the wrong positions did not pull.
    found = centers(native.cam_from_world)
    np.testing.assert_allclose(found, centers(truth.cam_from_world), atol=0.03)


def test_both_solvers_agree_on_cameras_of_their_own(make_problem, perturb):
    """A focal length known for each of six cameras: its prior belongs to the block of the one image."""
    truth = make_problem(("SIMPLE_RADIAL", "FOV") * 3, noise_px=1)
    problem = replace(
        perturb(truth),
        params_priors=ParamsPriors(
            np.arange(6),
            [camera.params + 5 for camera in truth.cameras],
            [np.where(np.arange(len(camera.params)) == 0, 1, np.inf) for camera in truth.cameras],
        ),
    )
    native, ceres = (solve(problem, solver=solver, **TIGHT) for solver in SOLVERS)
    np.testing.assert_allclose(native.final_cost, ceres.final_cost, rtol=1e-9)
    for first, second, true in zip(native.cameras, ceres.cameras, truth.cameras, strict=True):
        np.testing.assert_allclose(first.params, second.params, rtol=1e-5)
        assert 1 < first.params[0] - true.params[0] < 7


def one_image(**changes: object) -> Problem:
    """An image that sees one fixed point: the least that a problem can be."""
    pose = np.column_stack([np.eye(3), [0.2, -0.1, 0]])
    fields = {
        "cameras": [Camera("PINHOLE", 640, 480, [500, 510, 320, 240])],
        "image_cameras": [0],
        "cam_from_world": pose[None],
        "points": [[0, 0, 5.0]],
        "image_indices": [0],
        "point_indices": [0],
        "observations": [[320, 240]],
        "fixed_points": [True],
        "fixed_params": [np.ones(4, bool)],
    }
    return Problem(**{**fields, **changes})


@pytest.mark.parametrize("solver", SOLVERS)
def test_position_of_one_image(solver):
    """It goes where its prior says and turns towards the point: nothing is left of the cost."""
    position = np.array([0.5, 0.3, -0.2])
    problem = one_image(position_priors=Priors([0], position[None], np.diag([0.01, 0.02, 0.04])))
    result = solve(problem, solver=solver, **TIGHT)
    assert result.initial_cost > 1
    assert result.final_cost < 1e-20
    np.testing.assert_allclose(centers(result.cam_from_world)[0], position, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_positions_of_one_image(solver):
    """The mean weighted by the inverse covariances; what is left is half the squared Mahalanobis distance."""
    values, covariances = np.array([[0.5, 0.3, -0.2], [-0.1, 0.2, 0.4]]), random_covariances(2, 3, 0.1, 4)
    problem = one_image(position_priors=Priors([0, 0], values, covariances))
    result = solve(problem, solver=solver, **TIGHT)
    first, second = np.linalg.inv(covariances)
    mean = np.linalg.solve(first + second, first @ values[0] + second @ values[1])
    apart = values[0] - values[1]
    np.testing.assert_allclose(centers(result.cam_from_world)[0], mean, atol=1e-9)
    np.testing.assert_allclose(result.final_cost, 0.5 * apart @ np.linalg.solve(covariances.sum(axis=0), apart))


@pytest.mark.parametrize("solver", SOLVERS)
def test_pose_that_nothing_else_determines(solver):
    """A second image that observes nothing takes its prior's pose, from a start almost half a turn away."""
    start = moved_pose(np.eye(3, 4), np.array([1.0, 2, -1.5, 1, 2, 3]))
    known = moved_pose(np.eye(3, 4), np.array([-0.2, 0.1, 0.1, -1, 0, 1]))
    problem = one_image(
        image_cameras=[0, 0],
        cam_from_world=np.stack([np.eye(3, 4), start]),
        fixed_images=[True, False],
        pose_priors=Priors([1], known[None], random_covariances(1, 6, 0.1, 6)),
    )
    result = solve(problem, solver=solver, **TIGHT)
    np.testing.assert_allclose(result.cam_from_world[1], known, atol=1e-9)
    assert result.final_cost < 1e-18


@pytest.mark.parametrize("solver", SOLVERS)
def test_control_point_seen_once(make_problem, perturb, solver):
    """With true images held, the point is where its prior and the one line of sight say."""
    truth = make_problem(("PINHOLE",), num_images=3, num_points=20)
    keep = (truth.point_indices != 4) | (truth.image_indices == 1)
    columns = ("image_indices", "point_indices", "observations", "weights")
    problem = perturb(
        replace(
            truth,
            **{name: getattr(truth, name)[keep] for name in columns},
            fixed_images=np.ones(3, bool),
            fixed_params=[np.ones(4, bool)],
            point_priors=Priors([4], truth.points[[4]], np.eye(3)),
        )
    )
    result = solve(problem, solver=solver, **TIGHT)
    np.testing.assert_allclose(result.points, truth.points, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_prior_of_a_shared_camera_counts_once(make_problem, solver):
    """The cost at the truth is that of one prior: a focal length 10 px off at a deviation of 5 px."""
    truth = make_problem(("SIMPLE_PINHOLE",), num_images=6)
    value, deviation = truth.cameras[0].params + [10, 3, 0], [5, 1, np.inf]
    problem = replace(truth, params_priors=ParamsPriors([0], [value], [deviation]))
    result = solve(problem, solver=solver, **TIGHT)
    # 4/2 for the focal length, which gives in a little, and 9/2 for the principal point, which is fixed.
    np.testing.assert_allclose(result.initial_cost, 2 + 4.5, rtol=1e-9)
    assert 4.5 < result.final_cost < result.initial_cost
    np.testing.assert_array_equal(result.cameras[0].params[1:], truth.cameras[0].params[1:])
    assert 0 < result.cameras[0].params[0] - truth.cameras[0].params[0] < 10


@pytest.mark.parametrize("solver", SOLVERS)
def test_isotropic_covariances_are_weights(make_problem, perturb, solver):
    problem = perturb(make_problem(noise_px=1))
    deviations = np.random.default_rng(0).uniform(0.5, 2, problem.num_observations)
    weighted = solve(replace(problem, weights=1 / deviations), solver=solver, loss="huber", **TIGHT)
    whitened = replace(problem, covariances=deviations[:, None, None] ** 2 * np.eye(2))
    np.testing.assert_allclose(
        solve(whitened, solver=solver, loss="huber", **TIGHT).final_cost, weighted.final_cost, rtol=1e-10
    )


def test_derivatives_with_covariances(make_problem, perturb):
    problem = with_knowledge(perturb(make_problem(("OPENCV", "FOV", "BAL"))), ["covariances"])
    problem.weights *= 1.5
    # Tolerances: the truncation error of central differences.
    for got, expected in zip(linearize(problem), _reference.linearize(problem), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("linear_solver", ["dense_schur", "iterative_schur"])
def test_the_same_bits_for_every_number_of_threads(make_problem, perturb, linear_solver):
    problem = with_knowledge(perturb(make_problem(num_images=10, num_points=400, noise_px=1)), KINDS)
    first, second = (solve(problem, linear_solver=linear_solver, num_threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.cam_from_world, second.cam_from_world)


def test_priors_place_the_scene(make_problem):
    """A scene at another place, turned and of another size comes to its GPS positions: no image is held."""
    truth = make_problem(num_images=8, num_points=100, noise_px=0)
    turn, size, shift = Rotation.from_rotvec([0.2, -0.3, 0.4]).as_matrix(), 1.7, np.array([3.0, -2, 5])
    moved = centers(truth.cam_from_world) @ (size * turn.T) + shift
    gps = Priors(np.arange(8), moved, 0.05**2 * np.eye(3))
    result = solve(replace(truth, position_priors=gps), **TIGHT)
    np.testing.assert_allclose(centers(result.cam_from_world), moved, atol=1e-6)
    np.testing.assert_allclose(result.points, truth.points @ (size * turn.T) + shift, atol=1e-6)


def test_priors_of_intrinsics_do_not_place_the_scene(make_problem, perturb):
    problem = perturb(with_knowledge(make_problem(noise_px=1), ["params_priors"]))
    result = solve(problem)
    np.testing.assert_array_equal(result.cam_from_world[0], problem.cam_from_world[0])


def test_no_prior_is_none(make_problem, perturb):
    """Empty ones change no bit."""
    problem = perturb(make_problem(noise_px=1))
    empty = replace(
        problem,
        pose_priors=Priors([], np.empty((0, 3, 4)), np.empty((0, 6, 6))),
        position_priors=Priors([], np.empty((0, 3)), np.eye(3)),
        params_priors=ParamsPriors([], [], []),
    )
    np.testing.assert_array_equal(solve(empty).points, solve(problem).points)


def joined(parts: list[Problem]) -> Problem:
    """Several problems laid out as one, with its priors in another order."""

    def rows(name: str, counts: list[int]) -> np.ndarray:
        starts = np.cumsum([0, *counts[:-1]])
        return np.concatenate([operator.attrgetter(name)(p) + start for p, start in zip(parts, starts, strict=True)])

    def values(name: str) -> np.ndarray:
        return np.concatenate([operator.attrgetter(name)(part) for part in parts])

    def priors(name: str, counts: list[int]) -> Priors:
        merged = rows(f"{name}.rows", counts), values(f"{name}.values"), values(f"{name}.covariances")
        first = getattr(parts[0], name)
        return Priors(*(array[::-1] for array in merged), first.loss, first.loss_scale)

    images, points = [part.num_images for part in parts], [part.num_points for part in parts]
    cameras = [len(part.cameras) for part in parts]
    return Problem(
        cameras=[camera for part in parts for camera in part.cameras],
        image_cameras=rows("image_cameras", cameras),
        cam_from_world=values("cam_from_world"),
        points=values("points"),
        image_indices=rows("image_indices", images),
        point_indices=rows("point_indices", points),
        observations=values("observations"),
        covariances=values("covariances"),
        pose_priors=priors("pose_priors", images),
        position_priors=priors("position_priors", images),
        point_priors=priors("point_priors", points),
        params_priors=ParamsPriors(
            rows("params_priors.rows", cameras), values("params_priors.values"), values("params_priors.deviations")
        ),
    )


def test_items_of_a_batch_keep_their_knowledge(make_problem, perturb):
    parts = [with_knowledge(perturb(make_problem(num_images=n, noise_px=1, seed=n)), KINDS, n) for n in (5, 4, 6)]
    batch = solve_batch(joined(parts), np.repeat(np.arange(3), [5, 4, 6]), loss="huber")
    alone = [solve(part, loss="huber") for part in parts]
    # Priors on the same row would add up in another order; here nothing does, so that every bit is the same.
    np.testing.assert_array_equal(batch.points, np.concatenate([result.points for result in alone]))
    np.testing.assert_array_equal(batch.cam_from_world, np.concatenate([result.cam_from_world for result in alone]))
    np.testing.assert_array_equal(batch.final_costs, [result.final_cost for result in alone])
