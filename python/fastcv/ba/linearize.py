# SPDX-License-Identifier: Apache-2.0
"""Residuals and Jacobian blocks of a problem: what a solver of one's own starts from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ._arrays import ProblemArrays
from ._gauge import free_poses
from .problem import Problem


class Linearization(NamedTuple):
    """Residuals and their derivatives, for K observations; fixed unknowns are not left out, and priors are not in it.

    Parameters
    ----------
    residuals : (K, 2) float64 array
        weight * (projection - observation); with covariances times L⁻¹, where covariance = L Lᵀ.
    d_pose : (K, 2, 6) float64 array
        By the rotation vector w and the shift v of the projection centre C in ``x_cam = exp(w) R (X - C - v)``, at
        w = v = 0; of an image in a rig by its own pose, too.
    d_params : (K, 2, P) float64 array
        By the camera's parameters; P is the largest number of them, columns beyond a camera's own are 0.
    d_point : (K, 2, 3) float64 array
        By the point.
    """

    residuals: NDArray[np.float64]
    d_pose: NDArray[np.float64]
    d_params: NDArray[np.float64]
    d_point: NDArray[np.float64]


def linearize(problem: Problem, *, num_threads: int = 0) -> Linearization:
    """Residuals of a problem and their analytic derivatives.

    Parameters
    ----------
    problem : Problem
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    Linearization
        NaN where a point lies on the camera's plane.

    Examples
    --------
    >>> from fastcv.ba import Problem, linearize
    >>> from fastcv.synthetic import make_tracks
    >>> problem = Problem.from_reconstruction(make_tracks("ring", num_images=8, num_points=100).reconstruction)
    >>> linearize(problem).d_pose.shape == (problem.num_observations, 2, 6)
    True
    """
    if num_threads < 0:
        raise ValueError(f"num_threads: expected 0 (default) or more, got {num_threads}")
    problem.check()
    count = problem.num_observations
    num_params = max(len(camera.params) for camera in problem.cameras)
    shapes = ((count, 2), (count, 2, 6), (count, 2, num_params), (count, 2, 3))
    result = Linearization(*(np.empty(shape) for shape in shapes))
    backend("cpu").ba.linearize(ProblemArrays.from_problem(problem, free_poses(problem, "free")), *result, num_threads)
    return result
