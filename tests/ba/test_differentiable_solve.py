# SPDX-License-Identifier: Apache-2.0
"""Gradients of solutions against central differences of whole solves and closed forms."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fastcv.ba import Priors, covariance, differentiable_solve, linearize

from .gradients import (
    PRIORS,
    assert_gradients,
    gradients,
    measured,
    one_point,
    some_function,
    torch,
    with_priors,
)
from .ingredients import moved_pose, random_covariances


# Differences of solutions err by 1e-10 / step, and by the third derivatives, of 1e-6 with noise of a pixel.
@pytest.mark.parametrize(
    "models",
    [("PINHOLE",), ("OPENCV",), ("SIMPLE_RADIAL", "FOV"), ("BAL",) * 6],
    ids=["shared", "opencv", "two", "own"],
)
def test_observations_and_weights(make_problem, models):
    problem = make_problem(models, num_points=40, noise_px=1)
    problem.weights = np.random.default_rng(0).uniform(0.5, 2, problem.num_observations)
    assert_gradients(problem, measured(problem, "observations", "weights"), 1e-5)


@pytest.mark.parametrize("loss", ["huber", "soft_l1", "cauchy", "geman_mcclure"])
def test_robust_losses(make_problem, loss):
    problem = make_problem(num_points=40, noise_px=0.5)
    problem.observations[::40] += [3, -2]
    # The loss bends on the scale of a pixel, Huber's at once.
    tensors = measured(problem, "observations", "weights")
    assert_gradients(problem, tensors, 1e-4, loss=loss, loss_scale=2)


def test_covariances_of_observations(make_problem):
    problem = make_problem(num_points=40, noise_px=1)
    problem.covariances = random_covariances(problem.num_observations, 2, 1.5, 0)
    problem.weights = np.random.default_rng(0).uniform(0.5, 2, problem.num_observations)
    assert_gradients(problem, measured(problem, "observations", "weights", "covariances"), 1e-5)


def test_one_covariance_for_all(make_problem):
    problem = make_problem(num_points=40, noise_px=1)
    one = torch.tensor([[2.0, 0.3], [0.3, 1]], dtype=torch.float64)
    ours = gradients(problem, {"covariances": one})["covariances"][0]
    each = gradients(problem, {"covariances": one.repeat(problem.num_observations, 1, 1)})["covariances"][0]
    torch.testing.assert_close(ours, each.sum(dim=0), rtol=1e-9, atol=0)


@pytest.mark.parametrize("fixed", [False, True], ids=["free params", "fixed params"])
def test_priors(make_problem, fixed):
    problem = with_priors(make_problem(num_points=40, noise_px=1))
    problem.fixed_params = [np.full(4, fixed)]
    names = [*PRIORS, *([] if fixed else ["params_priors.values", "params_priors.deviations"])]
    names.remove("pose_priors.values")
    assert_gradients(problem, measured(problem, *names), 1e-4)


def test_poses_of_priors(make_problem):
    """Their gradient by twelve entries, along each way that a pose can move."""
    problem = with_priors(make_problem(num_points=40, noise_px=1))
    tensors = measured(problem, "pose_priors.values")
    gradient = gradients(problem, tensors)["pose_priors.values"][0].numpy()
    values, function, step = problem.pose_priors.values, some_function(problem), 1e-6
    for row in range(3):
        # Its part by R is along rotations: Rᵀ G has no symmetric part.
        symmetric = values[row, :, :3].T @ gradient[row, :, :3]
        assert np.abs(symmetric + symmetric.T).max() < 1e-12 * np.abs(symmetric).max()
        for k in range(6):
            ends = []
            twist = step * np.eye(6)[k]
            for way in (twist, -twist):
                moved = values.copy()
                moved[row] = moved_pose(values[row], way)
                solution = differentiable_solve(problem, {"pose_priors.values": torch.tensor(moved)})
                ends.append(float(function(solution)))
            derivative = (moved_pose(values[row], twist) - moved_pose(values[row], -twist)) / 2
            expected = (ends[0] - ends[1]) / 2
            assert np.sum(gradient[row] * derivative) == pytest.approx(expected, rel=1e-4, abs=1e-3 * step)


def test_what_is_fixed(make_problem):
    """A solution follows fixed images, points and parameters; where free ones start does not matter."""
    problem = make_problem(num_points=40, noise_px=1)
    problem.fixed_images[[1, 3]] = True
    problem.fixed_points[:5] = True
    problem.fixed_params = [np.array([True, False, True, False])]
    tensors = measured(problem, "points", "cam_from_world")
    tensors["params"] = [torch.tensor(problem.cameras[0].params.copy())]
    assert_gradients(problem, {name: tensors[name] for name in ("points", "params")}, 1e-4)
    ours = gradients(problem, tensors)
    assert not ours["points"][0][5:].any()
    assert not ours["params"][0][[1, 3]].any()
    by_pose = ours["cam_from_world"][0]
    assert not by_pose[[0, 2, 4, 5]].any()
    function, step = some_function(problem), 1e-6
    for k in range(6):
        ends = []
        for twist in (step * np.eye(6)[k], -step * np.eye(6)[k]):
            moved = problem.cam_from_world.copy()
            moved[3] = moved_pose(moved[3], twist)
            ends.append(float(function(differentiable_solve(problem, {"cam_from_world": torch.tensor(moved)}))))
        pose = problem.cam_from_world[3]
        derivative = (moved_pose(pose, step * np.eye(6)[k]) - moved_pose(pose, -step * np.eye(6)[k])) / 2
        expected = (ends[0] - ends[1]) / 2
        assert np.sum(by_pose[3].numpy() * derivative) == pytest.approx(expected, rel=1e-4, abs=1e-3 * step)


@pytest.mark.parametrize("fixed_sensors", [(False, False), (True, False), (True, True)], ids=str)
def test_rigs(make_rig_problem, fixed_sensors):
    """Images' poses bend with those of frames and sensors: leaving that out errs by percents."""
    problem = make_rig_problem(num_frames=3, num_points=30, noise_px=1)
    problem.rigs.fixed_sensors[:] = fixed_sensors
    centers = -np.einsum("iba,ib->ia", problem.cam_from_world[:, :, :3], problem.cam_from_world[:, :, 3])
    gps = centers + np.random.default_rng(0).normal(0, 0.05, centers.shape)
    problem.position_priors = Priors(np.arange(len(gps)), gps, 0.05**2 * np.eye(3))
    tensors = measured(problem, "observations", "position_priors.values")
    assert_gradients(problem, tensors, 1e-5)
    loose, tight = (differentiable_solve(problem, tensors, function_tolerance=t) for t in (1e-3, 1e-14))
    torch.testing.assert_close(loose.sensor_from_rig, tight.sensor_from_rig, rtol=0, atol=1e-10)
    assert loose.result.final_cost == pytest.approx(tight.result.final_cost, rel=1e-13)
    with pytest.raises(ValueError, match="cam_from_world: expected a problem without rigs, got one with 3 frames"):
        differentiable_solve(problem, measured(problem, "cam_from_world"))


def test_gauss_newton_would_be_wrong(make_problem):
    """With noise of a pixel the second derivatives of projections matter."""
    problem = make_problem(("PINHOLE",), num_points=40, noise_px=1)
    problem.fixed_images[:2] = True
    solution = differentiable_solve(problem, measured(problem, "observations"))
    moved = solution.result
    solved = replace(problem, cam_from_world=moved.cam_from_world, cameras=moved.cameras, points=moved.points)
    residuals, by_pose, by_params, by_point = linearize(solved)
    count, images, focal = problem.num_observations, problem.num_images - 2, 2
    jacobian = np.zeros((count, 2, 6 * images + focal + 3 * problem.num_points))
    for k, (image, point) in enumerate(zip(problem.image_indices, problem.point_indices, strict=True)):
        if image >= 2:
            jacobian[k, :, 6 * (image - 2) : 6 * (image - 1)] = by_pose[k]
        jacobian[k, :, 6 * images : 6 * images + focal] = by_params[k, :, :focal]
        first = 6 * images + focal + 3 * point
        jacobian[k, :, first : first + 3] = by_point[k]
    jacobian = jacobian.reshape(2 * count, -1)
    assert np.abs(jacobian.T @ residuals.ravel()).max() < 1e-8  # of 1e3 and more: the solve went to its end

    pixels, weights = torch.tensor(problem.observations, requires_grad=True), np.linspace(1, 2, 3 * problem.num_points)
    points = differentiable_solve(problem, {"observations": pixels}).points
    (points.flatten() * torch.tensor(weights)).sum().backward()
    by_solution = np.concatenate([np.zeros(6 * images + focal), weights])
    gauss_newton = (jacobian @ np.linalg.solve(jacobian.T @ jacobian, by_solution)).reshape(-1, 2)

    along, step = np.random.default_rng(0).standard_normal((count, 2)), 1e-3
    ends = [
        differentiable_solve(problem, {"observations": torch.tensor(problem.observations + sign * step * along)})
        for sign in (1, -1)
    ]
    expected = np.sum((ends[0].points - ends[1].points).numpy().ravel() * weights) / (2 * step)
    assert abs(np.sum(pixels.grad.numpy() * along) - expected) < 1e-6 * abs(expected)
    assert abs(np.sum(gauss_newton * along) - expected) > 5e-4 * abs(expected)


def test_depth_from_disparity():
    pixels = torch.tensor([[320.0, 240], [220, 240]], dtype=torch.float64, requires_grad=True)
    differentiable_solve(one_point(), {"observations": pixels}).points[0, 2].backward()
    expected = torch.zeros(2, 2, dtype=torch.float64)
    expected[:, 0] = torch.tensor([-5, 5.0]).double() * 5 / 500  # of 500 px / disparity
    torch.testing.assert_close(pixels.grad, expected, rtol=0, atol=1e-12)


def test_mean_of_two_priors():
    """x = (A⁻¹ + B⁻¹)⁻¹ (A⁻¹ a + B⁻¹ b), which torch differentiates itself."""
    problem = one_point()
    values = torch.tensor([[1, 1, 1], [2.0, 2, 2]], dtype=torch.float64, requires_grad=True)
    covariances = torch.tensor(random_covariances(2, 3, 1, 0), requires_grad=True)
    weights = torch.tensor([1.0, 2, 3], dtype=torch.float64)
    given = {"point_priors.values": values, "point_priors.covariances": covariances}
    mean = differentiable_solve(problem, given).points[1]
    ours = torch.autograd.grad(mean @ weights, (values, covariances))
    inverses = torch.linalg.inv(covariances)
    expected = torch.linalg.solve(inverses.sum(dim=0), (inverses @ values[:, :, None]).sum(dim=0))[:, 0]
    torch.testing.assert_close(mean, expected, rtol=0, atol=1e-12)
    by_values, by_covariances = torch.autograd.grad(expected @ weights, (values, covariances))
    torch.testing.assert_close(ours[0], by_values, rtol=0, atol=1e-12)
    symmetric = (by_covariances + by_covariances.mT) / 2  # of the entries of a symmetric matrix
    torch.testing.assert_close((ours[1] + ours[1].mT) / 2, symmetric, rtol=0, atol=1e-12)


def test_uncertainty_follows_from_gradients(make_problem):
    """Of observations with a variance of 1, J Jᵀ is the solution's covariance; almost that of ``covariance``."""
    problem = make_problem(("PINHOLE",), num_points=40, noise_px=1e-3)
    pixels = torch.tensor(problem.observations, requires_grad=True)
    solution = differentiable_solve(problem, {"observations": pixels})
    rows = [torch.autograd.grad(solution.points[3, c], pixels, retain_graph=True)[0].flatten() for c in range(3)]
    jacobian, moved = torch.stack(rows).numpy(), solution.result
    solved = replace(problem, cam_from_world=moved.cam_from_world, cameras=moved.cameras, points=moved.points)
    expected = covariance(solved).points[3]
    np.testing.assert_allclose(jacobian @ jacobian.T, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_newton_ends_what_a_loose_solve_begins(make_problem, perturb):
    problem = perturb(make_problem(num_points=40, noise_px=1))
    given = measured(problem, "observations")
    loose, tight = (differentiable_solve(problem, given, function_tolerance=t) for t in (1e-3, 1e-14))
    assert len(loose.result.iterations) < len(tight.result.iterations)
    torch.testing.assert_close(loose.points, tight.points, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(loose.points, loose.result.points)
    np.testing.assert_array_equal(loose.cam_from_world, loose.result.cam_from_world)
    np.testing.assert_array_equal(loose.params[0], loose.result.cameras[0].params)
    assert loose.result.final_cost == pytest.approx(tight.result.final_cost, rel=1e-14)
    assert loose.result.final_cost == pytest.approx(0.5 * np.sum(loose.result.residuals**2), rel=1e-14)


def test_noise_free(make_problem, perturb):
    problem = perturb(make_problem(num_points=40))
    assert_gradients(problem, measured(problem, "observations"), 1e-5)


def test_no_number_of_threads_changes_it(make_problem):
    problem = make_problem(num_images=8, num_points=600, noise_px=1)  # four chunks
    names = ("observations", "weights")
    one, many = (gradients(problem, measured(problem, *names), num_threads=n) for n in (1, 5))
    for name in names:
        assert torch.equal(one[name][0], many[name][0])


def test_what_comes_after_does_not_matter(make_problem):
    problem = with_priors(make_problem(num_points=40, noise_px=1))
    before, given = gradients(problem, measured(problem, "observations")), measured(problem, "observations")
    pixels = given["observations"].requires_grad_()
    solution = differentiable_solve(problem, given)
    value = some_function(problem)(solution)
    solution.result.points[:] += 1
    solution.result.cam_from_world[:] += 1
    with torch.no_grad():
        pixels += 100
    problem.weights *= 5
    problem.points += 1
    problem.position_priors.values += 1
    value.backward()
    assert torch.equal(pixels.grad, before["observations"][0])


def test_float32(make_problem):
    problem = make_problem(num_points=40, noise_px=1)
    pixels = torch.tensor(problem.observations, dtype=torch.float32, requires_grad=True)
    solution = differentiable_solve(problem, {"observations": pixels})
    assert solution.points.dtype == torch.float64
    some_function(problem)(solution).backward()
    expected = gradients(problem, {"observations": pixels.detach().double()})["observations"][0]
    assert torch.equal(pixels.grad, expected.float())


def test_devices(make_problem, device):
    problem = with_priors(make_problem(num_points=40, noise_px=1))
    names = ("observations", "position_priors.values")
    host = {name: value.requires_grad_() for name, value in measured(problem, *names).items()}
    leaves = {name: value.detach().to(device.name).clone().requires_grad_() for name, value in host.items()}
    solution = differentiable_solve(problem, leaves)
    assert {t.device.type for t in (solution.cam_from_world, *solution.params, solution.points)} == {device.name}
    solution.points.square().sum().backward()
    differentiable_solve(problem, host).points.square().sum().backward()
    for name in names:
        assert leaves[name].grad.device.type == device.name
        assert torch.equal(leaves[name].grad.cpu(), host[name].grad)


def test_fastcv_imports_no_torch():
    code = "import sys, fastcv.ba; assert fastcv.ba.differentiable_solve and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
