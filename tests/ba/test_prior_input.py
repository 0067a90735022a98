# SPDX-License-Identifier: Apache-2.0
"""What is wrong about priors and covariances of observations has its name in the message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv.ba import ParamsPriors, Priors, solve_batch


def test_prior_of_a_camera_in_two_items(make_problem):
    """Fixed cameras may be shared, but a prior's cost belongs to one item."""
    problem = replace(make_problem(), fixed_params=[np.ones(4, bool)], fixed_points=np.ones(60, bool))
    assert solve_batch(problem, np.arange(6)).final_costs.max() < 1e-6
    with pytest.raises(ValueError, match=r"^cameras\[0\]: expected one item to use it, for it has a prior, got items"):
        solve_batch(replace(problem, params_priors=LENS), np.arange(6))


GPS = Priors([0, 5], np.zeros((2, 3)), np.eye(3))
POSE = Priors([0], np.eye(3, 4)[None], np.eye(6))
LENS = ParamsPriors([0], [[500, 320, 240, 0]], [[5, 5, 5, np.inf]])
SINGULAR = np.array([np.eye(3), [[1, 2, 0], [2, 1, 0], [0, 0, 1]]])


@pytest.mark.parametrize(
    ("name", "priors", "changes", "message"),
    [
        ("position_priors", GPS, {"rows": [0, 6]}, r"rows\[1\]: expected a row below 6, got 6"),
        ("position_priors", GPS, {"rows": [0, -1]}, r"rows\[1\]: expected a row below 6, got -1"),
        ("point_priors", GPS, {"rows": [60, 1]}, r"rows\[0\]: expected a row below 60, got 60"),
        ("position_priors", GPS, {"values": [[0, 0, 0], [0, np.nan, 0]]}, r"values\[1\]: expected finite values"),
        ("position_priors", GPS, {"values": np.zeros((3, 3))}, r"values: expected shape \(2, 3\), got \(3, 3\)"),
        ("position_priors", GPS, {"covariances": SINGULAR}, r"covariances\[1\]: expected a positive definite matrix"),
        ("position_priors", GPS, {"covariances": np.full((3, 3), np.inf)}, r"covariances\[0\]: expected finite values"),
        ("position_priors", GPS, {"loss": "l1"}, "loss: expected one of none, huber"),
        ("position_priors", GPS, {"loss_scale": 0}, "loss_scale: expected a positive number, got 0"),
        ("pose_priors", POSE, {"values": 2 * np.eye(3, 4)[None]}, r"values\[0\]: expected a rotation"),
        ("pose_priors", POSE, {"covariances": np.eye(3)}, r"covariances: expected shape \(1, 6, 6\), got \(3, 3\)"),
        ("params_priors", LENS, {"rows": [1]}, r"rows\[0\]: expected a row below 1, got 1"),
        ("params_priors", LENS, {"values": [[500]]}, r"values\[0\]: expected shape \(4,\), got \(1,\)"),
        ("params_priors", LENS, {"values": [[np.nan] * 4]}, r"values\[0\]: expected finite values"),
        ("params_priors", LENS, {"deviations": [[5, 0, 1, 1]]}, r"deviations\[0\]: expected positive values"),
        ("params_priors", LENS, {"deviations": []}, "deviations: expected 1 vectors, got 0"),
    ],
)
def test_names_the_prior_that_is_wrong(make_problem, name, priors, changes, message):
    with pytest.raises(ValueError, match=rf"^{name}\.{message}"):
        replace(make_problem(), **{name: replace(priors, **changes)})


@pytest.mark.parametrize(
    ("covariances", "message"),
    [
        (np.eye(3), r": expected shape \(\d+, 2, 2\), got \(3, 3\)"),
        ([[1, 2], [2, 1]], r"\[0\]: expected a positive definite matrix, got \[\[1.0, 2.0\]"),
        ([[1, 0.5], [0, 1]], r"\[0\]: expected a symmetric matrix, got"),
    ],
)
def test_names_the_covariance_that_is_wrong(make_problem, covariances, message):
    with pytest.raises(ValueError, match=f"^covariances{message}"):
        replace(make_problem(), covariances=covariances)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position_priors": np.zeros((6, 3))}, "position_priors: expected Priors or None, got ndarray"),
        ({"params_priors": GPS}, "params_priors: expected ParamsPriors or None, got Priors"),
        ({"point_priors": replace(GPS, rows=[0.0, 1.0])}, "point_priors.rows: expected dtype int32, got float64"),
    ],
)
def test_types(make_problem, changes, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        replace(make_problem(), **changes)


def test_camera_without_image(make_problem):
    problem = make_problem(("SIMPLE_RADIAL", "FOV"))
    with pytest.raises(ValueError, match=r"^params_priors.rows\[0\]: expected a camera that took an image, got 1"):
        replace(problem, image_cameras=np.zeros(6, int), params_priors=replace(LENS, rows=[1]))
