# SPDX-License-Identifier: Apache-2.0
"""What differentiable_solve refuses: wrong tensors, and solutions that have no gradient."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.ba import Problem, differentiable_solve
from fastcv.errors import DeviceError

from .gradients import Tensors, measured, one_point, torch, with_priors

INTEGERS, ELSEWHERE = torch.ones(9, dtype=torch.int64), torch.ones(9, device="meta")


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ({}, ValueError, "tensors: expected at least one, got none"),
        ({"pixels": torch.zeros(3)}, ValueError, "tensors: expected names among observations, .*, got 'pixels'"),
        ({"observations": np.zeros((3, 2))}, TypeError, "observations: expected a tensor, got ndarray"),
        ({"observations": torch.zeros(3, 2)}, ValueError, r"observations: expected shape \(K, 2\) with K = .*\(3, 2\)"),
        ({"weights": INTEGERS}, TypeError, "weights: expected dtype float32 or float64, got int64"),
        ({"weights": ELSEWHERE}, DeviceError, "weights: expected a tensor on cpu or cuda, got one on meta"),
        ({"params": torch.ones(4)}, TypeError, "params: expected a sequence of tensors, got Tensor"),
        ({"params": [torch.ones(4)] * 2}, ValueError, "params: expected 1 tensors, got 2"),
        ({"params": []}, ValueError, "tensors: expected at least one, got none"),
        ({"points": [torch.ones(4, 3)]}, TypeError, "points: expected a tensor, got list"),
        ({"pose_priors.values": torch.ones(1, 3, 4)}, ValueError, "values: expected a problem with pose_priors"),
    ],
)
def test_wrong_tensors(make_problem, tensors, error, message):
    with pytest.raises(error, match=message):
        differentiable_solve(make_problem(num_points=10), tensors)


def test_wrong_values_have_their_names(make_problem):
    problem = with_priors(make_problem(num_points=40))
    pixels = torch.tensor(problem.observations)
    pixels[5, 1] = torch.nan
    with pytest.raises(ValueError, match=r"observations\[5\]: expected finite values"):
        differentiable_solve(problem, {"observations": pixels})
    with pytest.raises(ValueError, match=r"position_priors\.covariances\[0\]: expected a positive definite matrix"):
        differentiable_solve(problem, {"position_priors.covariances": -torch.eye(3)})
    with pytest.raises(ValueError, match=r"params_priors\.values\[0\]: expected shape \(4,\), got \(3,\)"):
        differentiable_solve(problem, {"params_priors.values": [torch.ones(3)]})


def backward(problem: Problem, tensors: Tensors, **options) -> None:
    leaves = {name: value.clone().requires_grad_() for name, value in tensors.items()}
    differentiable_solve(problem, leaves, **options).points.sum().backward()


def test_undetermined(make_problem):
    problem = make_problem(num_points=40, noise_px=1)
    with pytest.raises(ValueError, match="expected observations that determine everything that is free"):
        backward(problem, measured(problem, "observations"), gauge="free")


def test_not_converged(make_problem, perturb):
    problem = perturb(make_problem(num_points=40, noise_px=1))
    given = measured(problem, "observations")
    assert differentiable_solve(problem, given, max_iterations=1).result.termination == "max_iterations"
    with pytest.raises(ValueError, match=r"within 0\.001.* standard deviations of its minimum.*did the solve converge"):
        backward(problem, given, max_iterations=1)


def test_saddle():
    """Halfway between two priors that exclude each other the gradient is zero, and the cost at its largest."""
    problem = one_point(loss="geman_mcclure", loss_scale=0.1)
    problem.points[1] = 1.5
    problem.point_priors.covariances[:] = np.eye(3)
    given = measured(problem, "point_priors.values")
    np.testing.assert_array_equal(differentiable_solve(problem, given).points[1], [1.5, 1.5, 1.5])
    with pytest.raises(ValueError, match=r"expected a minimum, got a .* not positive definite"):
        backward(problem, given)
