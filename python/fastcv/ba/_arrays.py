# SPDX-License-Identifier: Apache-2.0
"""The arrays of a problem as native code reads them (cpp/ba/problem.h); what a solve changes is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera

if TYPE_CHECKING:
    from .problem import Problem


class ProblemArrays(NamedTuple):
    """C cameras with S parameters together, I images, N points, K observations; named as in the C++ struct."""

    camera_models: NDArray[np.int32]  # (C,)
    param_offsets: NDArray[np.int64]  # (C + 1,)
    params: NDArray[np.float64]  # (S,)
    params_free: NDArray[np.bool_]  # (S,)
    image_cameras: NDArray[np.int32]  # (I,)
    cam_from_world: NDArray[np.float64]  # (I, 12)
    pose_free: NDArray[np.bool_]  # (I, 6)
    points: NDArray[np.float64]  # (N, 3)
    points_free: NDArray[np.bool_]  # (N,)
    image_indices: NDArray[np.int32]  # (K,)
    point_indices: NDArray[np.int32]  # (K,)
    observations: NDArray[np.float64]  # (K, 2)
    weights: NDArray[np.float64]  # (K,)

    @classmethod
    def from_problem(cls, problem: Problem, pose_free: NDArray[np.bool_] | None = None) -> ProblemArrays:
        """Flatten a problem; ``pose_free`` (I, 6) says what of a pose may change, by default all of a free image."""
        params = [camera.params for camera in problem.cameras]
        if pose_free is None:
            pose_free = np.repeat(~problem.fixed_images[:, None], 6, axis=1)
        return cls(
            camera_models=np.array([camera.model_id for camera in problem.cameras], np.int32),
            param_offsets=np.cumsum([0, *map(len, params)], dtype=np.int64),
            params=np.concatenate(params),
            params_free=~np.concatenate(problem.fixed_params),
            image_cameras=problem.image_cameras,
            cam_from_world=problem.cam_from_world.reshape(-1, 12).copy(),
            pose_free=pose_free,
            points=problem.points.copy(),
            points_free=~problem.fixed_points,
            image_indices=problem.image_indices,
            point_indices=problem.point_indices,
            observations=problem.observations,
            weights=problem.weights,
        )

    def cameras(self, templates: Sequence[Camera]) -> list[Camera]:
        """The cameras with their present parameters."""
        params = np.split(self.params, self.param_offsets[1:-1])
        return [camera.with_params(values) for camera, values in zip(templates, params, strict=True)]
