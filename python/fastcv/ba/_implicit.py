# SPDX-License-Identifier: Apache-2.0
"""A solution that knows how it moves with what the problem was told: the numpy side of ``differentiable_solve``."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._backend import backend
from ._arrays import DataGradient, ProblemArrays
from ._gauge import free_poses
from .problem import Problem
from .solve import Result, solve, where_it_stands

Array = NDArray[np.float64]


class Minimum:
    """The solution of a problem, to the last digits where the solve converged.

    Parameters
    ----------
    problem : Problem
        Must not change afterwards.
    loss, loss_scale, gauge, num_threads, **options
        As for ``solve``.
    """

    def __init__(
        self, problem: Problem, *, loss: str, loss_scale: float, gauge: str, num_threads: int, **options: Any
    ) -> None:
        native = backend("cpu").ba
        self._context, self._num_threads = (getattr(native.Loss, loss), loss_scale), num_threads
        result = solve(problem, loss=loss, loss_scale=loss_scale, gauge=gauge, num_threads=num_threads, **options)
        solved = replace(
            problem,
            cam_from_world=result.cam_from_world,
            cameras=result.cameras,
            points=result.points,
            rigs=problem.rigs and replace(problem.rigs, sensor_from_rig=result.sensor_from_rig),
        )
        self.arrays = ProblemArrays.from_problem(solved, free_poses(problem, gauge))
        if result.termination == "converged":
            cost = native.approach_minimum(self.arrays, *self._context, num_threads)
            # A copy, for what becomes of the result is its owner's business.
            result = replace(
                result, **where_it_stands(problem, deepcopy(self.arrays), loss, loss_scale), final_cost=cost
            )
        self.result: Result = result

    def gradient(self, cam_from_world: Array, params: Array, points: Array, sensor_from_rig: Array) -> dict[str, Array]:
        """Derivatives of a function by the fields of the problem's arrays, from those by the solution.

        Parameters
        ----------
        cam_from_world : (I, 12) array
        params : (S,) array
        points : (N, 3) array
        sensor_from_rig : (S, 12) array

        Raises
        ------
        ValueError
            The solution is no isolated minimum.
        """
        arrays, poses = self.arrays, self.arrays.cam_from_world
        by_pose, by_params, by_points = by_twist(poses, cam_from_world), params.copy(), points.copy()
        by_sensor, by_data = by_twist(arrays.rigs.sensor_from_rig, sensor_from_rig), DataGradient.zeros(arrays)
        backend("cpu").ba.implicit_gradient(
            arrays, *self._context, by_pose, by_params, by_points, by_sensor, by_data, self._num_threads
        )
        gradients = {"cam_from_world": by_entries(poses, by_pose), "params": by_params, "points": by_points}
        for name, gradient in by_data._asdict().items():
            if isinstance(gradient, np.ndarray):
                gradients[name] = gradient
            else:
                gradients |= {f"{name}.{field}": values for field, values in gradient._asdict().items()}
        gradients["pose_priors.values"] = by_entries(arrays.pose_priors.values, by_data.pose_priors.values)
        return gradients


def by_twist(cam_from_world: Array, gradient: Array) -> Array:
    """Derivatives by the (w, v) that move poses, from those by their twelve entries."""
    pose, g = cam_from_world.reshape(-1, 3, 4), gradient.reshape(-1, 3, 4)
    turn = np.cross(pose, g, axis=1).sum(axis=2)
    return np.hstack([turn, -np.einsum("iba,ib->ia", pose[:, :, :3], g[:, :, 3])])


def by_entries(cam_from_world: Array, gradient: Array) -> Array:
    """The way back: of all derivatives by the entries that agree along (w, v), those with R's part along rotations."""
    pose = cam_from_world.reshape(-1, 3, 4)
    rotations, translations = pose[:, :, :3], pose[:, :, 3]
    by_translation = -np.einsum("iab,ib->ia", rotations, gradient[:, 3:])
    turn = gradient[:, :3] - np.cross(translations, by_translation)
    by_rotation = 0.5 * np.cross(turn[:, :, None], rotations, axis=1)
    return np.concatenate([by_rotation, by_translation[:, :, None]], axis=2).reshape(-1, 12)
