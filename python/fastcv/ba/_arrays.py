# SPDX-License-Identifier: Apache-2.0
"""The arrays of a problem as native code reads them (cpp/ba/problem.h); what a solve changes is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera
from .priors import ParamsPriors, Priors

if TYPE_CHECKING:
    from ._gauge import Free
    from .problem import Problem


class PriorArrays(NamedTuple):
    """M priors on poses, positions or points with D degrees of freedom, sorted by row."""

    rows: NDArray[np.int32]  # (M,)
    values: NDArray[np.float64]  # (M, 12 or 3)
    whitening: NDArray[np.float64]  # (M, D, D), the inverse of the covariance's Cholesky factor
    loss: str
    loss_scale: float

    @classmethod
    def from_priors(cls, priors: Priors | None) -> PriorArrays:
        if priors is None:
            return cls(np.empty(0, np.int32), np.empty((0, 0)), np.empty((0, 0, 0)), "none", 1)
        order = np.argsort(priors.rows, kind="stable")
        whitening = np.linalg.inv(np.linalg.cholesky(priors.covariances[order]))
        values = priors.values[order].reshape(len(order), priors.values[0].size if len(order) else 0)
        return cls(priors.rows[order], values, whitening, priors.loss, priors.loss_scale)


class ParamsPriorArrays(NamedTuple):
    """Priors on single parameters, each found through the first image of its camera."""

    images: NDArray[np.int32]  # (M,)
    indices: NDArray[np.int32]  # (M,) of the camera's parameters
    values: NDArray[np.float64]  # (M,)
    weights: NDArray[np.float64]  # (M,) 1 / standard deviation

    @classmethod
    def from_priors(cls, priors: ParamsPriors | None, image_cameras: NDArray[np.int32]) -> ParamsPriorArrays:
        if priors is None or len(priors.rows) == 0:
            return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0), np.empty(0))
        cameras, first_images = np.unique(image_cameras, return_index=True)
        images = first_images[np.searchsorted(cameras, priors.rows)]
        sizes = [len(values) for values in priors.values]
        weights = 1 / np.concatenate(priors.deviations)
        known = weights > 0
        return cls(
            np.repeat(images, sizes)[known].astype(np.int32),
            np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])[known],
            np.concatenate(priors.values)[known],
            weights[known],
        )


class RigArrays(NamedTuple):
    """F frames, of which images that are in no rig have one each, and S sensors; all empty without rigs."""

    image_frames: NDArray[np.int32]  # (I,)
    image_sensors: NDArray[np.int32]  # (I,)
    rig_from_world: NDArray[np.float64]  # (F, 12)
    sensor_from_rig: NDArray[np.float64]  # (S, 12)
    sensor_free: NDArray[np.bool_]  # (S, 6)

    @classmethod
    def from_problem(cls, problem: Problem, sensor_free: NDArray[np.bool_]) -> RigArrays:
        rigs = problem.rigs
        if rigs is None:
            none, no_poses = np.empty(0, np.int32), np.empty((0, 12))
            return cls(none, none, no_poses, no_poses, np.empty((0, 6), bool))
        alone = problem.cam_from_world[rigs.image_frames < 0]
        poses = np.concatenate([rigs.rig_from_world(problem.cam_from_world), alone])
        return cls(
            image_frames=problem.image_frames,
            image_sensors=rigs.image_sensors,
            rig_from_world=poses.reshape(-1, 12),
            sensor_from_rig=rigs.sensor_from_rig.reshape(-1, 12).copy(),
            sensor_free=sensor_free,
        )


class ProblemArrays(NamedTuple):
    """C cameras with S parameters together, I images, N points, K observations; named as in the C++ struct."""

    camera_models: NDArray[np.int32]  # (C,)
    param_offsets: NDArray[np.int64]  # (C + 1,)
    params: NDArray[np.float64]  # (S,)
    params_free: NDArray[np.bool_]  # (S,)
    image_cameras: NDArray[np.int32]  # (I,)
    cam_from_world: NDArray[np.float64]  # (I, 12)
    pose_free: NDArray[np.bool_]  # (F, 6), of the frames: without rigs, of the images
    points: NDArray[np.float64]  # (N, 3)
    points_free: NDArray[np.bool_]  # (N,)
    image_indices: NDArray[np.int32]  # (K,)
    point_indices: NDArray[np.int32]  # (K,)
    observations: NDArray[np.float64]  # (K, 2)
    weights: NDArray[np.float64]  # (K,)
    whitening: NDArray[np.float64]  # (K, 3) or (0, 3), lower triangles of the inverse Cholesky factors of covariances
    pose_priors: PriorArrays
    position_priors: PriorArrays
    point_priors: PriorArrays
    params_priors: ParamsPriorArrays
    rigs: RigArrays

    @classmethod
    def from_problem(cls, problem: Problem, free: Free) -> ProblemArrays:
        """Flatten a problem; ``free`` says what of the poses may change."""
        params = [camera.params for camera in problem.cameras]
        rigs = RigArrays.from_problem(problem, free.sensors)
        poses = problem.cam_from_world.copy()
        if problem.rigs is not None:  # those that follow from the frames, to the last digit
            poses = problem.rigs.cam_from_world(rigs.rig_from_world.reshape(-1, 3, 4), poses)
        return cls(
            camera_models=np.array([camera.model_id for camera in problem.cameras], np.int32),
            param_offsets=np.cumsum([0, *map(len, params)], dtype=np.int64),
            params=np.concatenate(params),
            params_free=~np.concatenate(problem.fixed_params),
            image_cameras=problem.image_cameras,
            cam_from_world=poses.reshape(-1, 12),
            pose_free=free.poses,
            points=problem.points.copy(),
            points_free=~problem.fixed_points,
            image_indices=problem.image_indices,
            point_indices=problem.point_indices,
            observations=problem.observations,
            weights=problem.weights,
            whitening=_whitening(problem.covariances),
            pose_priors=PriorArrays.from_priors(problem.pose_priors),
            position_priors=PriorArrays.from_priors(problem.position_priors),
            point_priors=PriorArrays.from_priors(problem.point_priors),
            params_priors=ParamsPriorArrays.from_priors(problem.params_priors, problem.image_cameras),
            rigs=rigs,
        )

    def cameras(self, templates: Sequence[Camera]) -> list[Camera]:
        """The cameras with their present parameters."""
        params = np.split(self.params, self.param_offsets[1:-1])
        return [camera.with_params(values) for camera, values in zip(templates, params, strict=True)]


def _whitening(covariances: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if covariances is None:
        return np.empty((0, 3))
    factors = np.linalg.cholesky(covariances)
    first, below, second = factors[:, 0, 0], factors[:, 1, 0], factors[:, 1, 1]
    return np.column_stack([1 / first, -below / (first * second), 1 / second])


class PriorsGradient(NamedTuple):
    """By the fields of ``PriorArrays``; by poses along (w, v)."""

    values: NDArray[np.float64]  # (M, 6 or 3)
    whitening: NDArray[np.float64]  # (M, D, D)

    @classmethod
    def zeros(cls, priors: PriorArrays, size: int) -> PriorsGradient:
        count = len(priors.rows)
        return cls(np.zeros((count, size)), np.zeros((count, size, size)))


class ParamsPriorsGradient(NamedTuple):
    """By the fields of ``ParamsPriorArrays``."""

    values: NDArray[np.float64]  # (M,)
    weights: NDArray[np.float64]  # (M,)


class DataGradient(NamedTuple):
    """Derivatives by what a problem was told, the fields of ``ProblemArrays`` (cpp/ba/exact_hessian.h)."""

    observations: NDArray[np.float64]  # (K, 2)
    weights: NDArray[np.float64]  # (K,)
    whitening: NDArray[np.float64]  # (K, 3) or (0, 3)
    pose_priors: PriorsGradient
    position_priors: PriorsGradient
    point_priors: PriorsGradient
    params_priors: ParamsPriorsGradient

    @classmethod
    def zeros(cls, arrays: ProblemArrays) -> DataGradient:
        return cls(
            observations=np.zeros_like(arrays.observations),
            weights=np.zeros_like(arrays.weights),
            whitening=np.zeros_like(arrays.whitening),
            pose_priors=PriorsGradient.zeros(arrays.pose_priors, 6),
            position_priors=PriorsGradient.zeros(arrays.position_priors, 3),
            point_priors=PriorsGradient.zeros(arrays.point_priors, 3),
            params_priors=ParamsPriorsGradient(
                np.zeros_like(arrays.params_priors.values), np.zeros_like(arrays.params_priors.weights)
            ),
        )
