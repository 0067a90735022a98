# SPDX-License-Identifier: Apache-2.0
"""What is known of poses, positions, points and intrinsics besides the images: values with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..camera import angle_axis_from_rotation
from ..scene import Camera, projection_centers

if TYPE_CHECKING:
    from .problem import Problem


@dataclass(eq=False)
class Priors:
    """Measured poses, projection centres or points, each with a covariance.

    A prior adds 1/2 rho(errorᵀ covariance⁻¹ error) to the cost. M priors, in any order; several may have the same row.
    A start far from three or more of them is moved there as a whole first, where nothing is held in place.

    Parameters
    ----------
    rows : (M,) int32 array
        The images, or points, that they are about.
    values : (M, 3) or (M, 3, 4) float64 array
        Projection centres or points in the world frame, or poses ``cam_from_world``.
    covariances : (M, 3, 3) or (M, 6, 6) float64 array
        A single matrix serves all. For positions and points in world units squared. For poses by the rotation vector w
        (camera frame, radians) and the shift v of the projection centre (world frame) that lead from the prior's pose
        R, C to the image's: ``x_cam = exp(w) R (X - C - v)``.
    loss : str
        rho, as in ``solve``: a robust one where some values may be wrong.
    loss_scale : float
        The error, in standard deviations, from which a value counts as an outlier.

    Examples
    --------
    Positions by GPS, good to 2 m and to 5 m in height, some of them wrong:

    >>> import numpy as np
    >>> from fastcv.ba import Priors
    >>> positions = np.array([[0.0, 0, 0], [10, 0, 1], [10, 10, 0]])
    >>> gps = Priors([0, 1, 2], positions, np.diag([2, 2, 5]) ** 2, loss="cauchy", loss_scale=2)
    """

    rows: NDArray[np.int32]
    values: NDArray[np.float64]
    covariances: NDArray[np.float64]
    loss: str = "none"
    loss_scale: float = 1.0


@dataclass(eq=False)
class ParamsPriors:
    """Known intrinsics of some cameras, each parameter with its standard deviation.

    A prior adds 1/2 ((parameter - value) / deviation)² to the cost, once however many images share the camera.

    Parameters
    ----------
    rows : (M,) int32 array
        The cameras that they are about.
    values : sequence of (P,) arrays
        Parameters in the order of ``Camera.params``.
    deviations : sequence of (P,) arrays
        Their standard deviations; inf where nothing is known.

    Examples
    --------
    >>> from fastcv.ba import ParamsPriors
    >>> focal_length = ParamsPriors([0], [[500, 320, 240, 0]], [[10, np.inf, np.inf, np.inf]])
    """

    rows: NDArray[np.int32]
    values: Sequence[NDArray[np.float64]]
    deviations: Sequence[NDArray[np.float64]]


def prior_residuals(
    problem: Problem, cam_from_world: NDArray[np.float64], cameras: Sequence[Camera], points: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Of each field of the problem with priors the whitened errors there, (M, D): errorᵀ covariance⁻¹ error is the
    square of their length."""
    rotations = cam_from_world[:, :, :3]
    centers = projection_centers(cam_from_world)
    errors = {}
    if (prior := problem.pose_priors) is not None:
        known = prior.values[:, :, :3]
        turns = angle_axis_from_rotation(rotations[prior.rows] @ known.transpose(0, 2, 1))
        shifts = centers[prior.rows] - projection_centers(prior.values)
        errors["pose_priors"] = np.hstack([turns, shifts])
    if (prior := problem.position_priors) is not None:
        errors["position_priors"] = centers[prior.rows] - prior.values
    if (prior := problem.point_priors) is not None:
        errors["point_priors"] = points[prior.rows] - prior.values
    residuals = {}
    for name, error in errors.items():
        factors = np.linalg.cholesky(getattr(problem, name).covariances)
        residuals[name] = np.linalg.solve(factors, error[:, :, None])[:, :, 0]
    if (params := problem.params_priors) is not None:
        rows = zip(params.rows, params.values, params.deviations, strict=True)
        scaled = [(cameras[row].params - value) / deviation for row, value, deviation in rows]
        residuals["params_priors"] = np.concatenate([*scaled, np.empty(0)])[:, None]
    return residuals
