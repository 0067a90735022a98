# SPDX-License-Identifier: Apache-2.0
"""Real problems: the costs and optima that Ceres 2.1 reports for the files as they are."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.ba import Problem, solve
from fastcv.io import read_bal

# Initial cost and optimum, from the README beside the files: Ceres with automatic differentiation.
REFERENCES = [
    ("problem-49-7776-pre", 850912.460681, 13344.318400),
    ("problem-16-22106-pre", 4185659.518250, 18033.903511),
]


@pytest.mark.parametrize(("name", "initial", "optimum"), REFERENCES)
@pytest.mark.parametrize("gauge", ["two_cameras", "fixed_camera", "free"])
def test_reaches_the_reference_optimum(data_dir, name, initial, optimum, gauge):
    problem = Problem.from_bal(read_bal(data_dir / "bal" / f"{name}.txt.xz"))
    result = solve(problem, gauge=gauge)
    np.testing.assert_allclose(result.initial_cost, initial, rtol=1e-9)
    np.testing.assert_allclose(result.final_cost, optimum, rtol=1e-5)
    assert result.termination == "converged"
    # The reported cost is that of the reported state.
    np.testing.assert_allclose(0.5 * np.sum(result.residuals**2), result.final_cost, rtol=1e-12)


@pytest.mark.slow
def test_reaches_the_reference_optimum_with_long_tracks(data_dir):
    problem = Problem.from_bal(read_bal(data_dir / "bal" / "colmap-177-softm.txt.xz"))
    result = solve(problem, function_tolerance=1e-7)  # a flat valley: 1e-6 ends 8e-6 above the optimum
    np.testing.assert_allclose(result.initial_cost, 33628989.660799, rtol=1e-9)
    np.testing.assert_allclose(result.final_cost, 201926.780195, rtol=1e-5)
    assert result.linear_solver == "dense_schur"


def test_cameras_hold_all_observations(data_dir):
    bal = read_bal(data_dir / "bal" / "problem-16-22106-pre.txt.xz")
    problem = Problem.from_bal(bal)
    camera = problem.cameras[0]
    assert {(c.model, c.width, c.height) for c in problem.cameras} == {("BAL", camera.width, camera.height)}
    assert 0 <= camera.width / 2 - np.abs(bal.observations[:, 0]).max() < 1
    assert not any(mask.any() for mask in problem.fixed_params)
