# SPDX-License-Identifier: Apache-2.0
"""How uncertain a solution is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ._arrays import ProblemArrays
from ._checks import LOSSES, check_choice, check_positive
from ._gauge import GAUGES, free_poses
from .problem import Problem
from .solve import check_depths, check_not_negative


@dataclass(frozen=True)
class Covariance:
    """Covariances of what a problem leaves free; 0 for what is fixed.

    Parameters
    ----------
    poses : (I, 6, 6) float64 array
        By (w, v) of ``x_cam = exp(w) R (X - C - v)``: three angles in radians about the camera's axes, then the shift
        of the projection centre in the world frame, in scene units. In a rig, of the pose that follows from those of
        the frame and the sensor.
    params : list of (P, P) float64 array
        By the parameters of each camera.
    points : (N, 3, 3) float64 array
        World frame, scene units squared.
    sensors : (S, 6, 6) float64 array
        By (w, v) of ``x_cam = exp(w) R (x_rig - c - v)``, for the sensors of the problem's rigs.
    """

    poses: NDArray[np.float64]
    params: list[NDArray[np.float64]]
    points: NDArray[np.float64]
    sensors: NDArray[np.float64]


def covariance(
    problem: Problem, *, loss: str = "none", loss_scale: float = 1.0, gauge: str = "two_cameras", num_threads: int = 0
) -> Covariance:
    """The covariances of poses, intrinsics, points and sensors at a solution.

    The blocks on the diagonal of the inverse of Jᵀ J, priors included, with everything else marginalised and not held.
    They are those of the estimate where ``Problem.weights`` are the inverse standard deviations of the observations, or
    ``Problem.covariances`` say them; where these are only relative and there are no priors, multiply by 2 cost / (2 K -
    number of unknowns).

    Parameters
    ----------
    problem : Problem
        At its solution: ``replace(problem, cam_from_world=result.cam_from_world, ...)``.
    loss, loss_scale
        Those of the solve; an observation counts with rho' of its loss.
    gauge : str
        As for ``solve``. Covariances are relative to what is held. With ``"free"`` fixed images and points, or priors,
        must hold the scene.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    Covariance

    Raises
    ------
    TypeError, ValueError
        As for ``solve``; or the observations leave something undetermined.

    References
    ----------
    Triggs, McLauchlan, Hartley, Fitzgibbon: Bundle Adjustment, A Modern Synthesis, 1999, section 8.1.

    Examples
    --------
    >>> from fastcv.ba import Problem, covariance
    >>> from fastcv.synthetic import make_tracks
    >>> problem = Problem.from_reconstruction(make_tracks("ring", num_images=8, num_points=100).reconstruction)
    >>> sigma = covariance(problem).points.diagonal(axis1=1, axis2=2) ** 0.5
    >>> sigma.shape == problem.points.shape and bool((sigma > 0).all())
    True
    """
    native = backend("cpu").ba
    check_choice("loss", loss, LOSSES)
    check_choice("gauge", gauge, GAUGES)
    check_positive("loss_scale", loss_scale)
    check_not_negative("num_threads", num_threads)
    problem.check()
    arrays = ProblemArrays.from_problem(problem, free_poses(problem, gauge))
    check_depths(problem, arrays)
    sizes = [len(camera.params) for camera in problem.cameras]
    params = np.zeros(sum(size**2 for size in sizes))
    result = Covariance(
        poses=np.zeros((problem.num_images, 6, 6)),
        params=[],
        points=np.zeros((problem.num_points, 3, 3)),
        sensors=np.zeros((len(arrays.rigs.sensor_free), 6, 6)),
    )
    poses, points, sensors = result.poses.reshape(-1, 36), result.points.reshape(-1, 9), result.sensors.reshape(-1, 36)
    native.covariance(arrays, getattr(native.Loss, loss), loss_scale, poses, params, points, sensors, num_threads)
    ends = np.cumsum([size**2 for size in sizes])
    result.params.extend(part.reshape(n, n) for part, n in zip(np.split(params, ends[:-1]), sizes, strict=True))
    return result
