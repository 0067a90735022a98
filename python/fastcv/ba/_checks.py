# SPDX-License-Identifier: Apache-2.0
"""Checks of a problem: each message names the observation, image, point or camera at fault."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import check
from .._backend import backend
from ..scene import Camera
from ._gauge import fixed_frames
from ._values import (
    as_dtype,
    check_finite,
    check_indices,
    check_rotations,
    count_rows,
    raise_first,
    raise_first_where,
)
from .priors import ParamsPriors, Priors
from .rigs import Rigs

if TYPE_CHECKING:
    from .problem import Problem

_FIELDS: dict[str, tuple[Any, tuple[int | str, ...]]] = {
    "image_cameras": (np.int32, ("I",)),
    "cam_from_world": (np.float64, ("I", 3, 4)),
    "points": (np.float64, ("N", 3)),
    "image_indices": (np.int32, ("K",)),
    "point_indices": (np.int32, ("K",)),
    "observations": (np.float64, ("K", 2)),
    "fixed_images": (np.bool_, ("I",)),
    "fixed_rotations": (np.bool_, ("I",)),
    "fixed_centers": (np.bool_, ("I",)),
    "fixed_points": (np.bool_, ("N",)),
    "weights": (np.float64, ("K",)),
}
# The shape of a value, and its degrees of freedom.
_PRIORS: dict[str, tuple[tuple[int, ...], int]] = {
    "pose_priors": ((3, 4), 6),
    "position_priors": ((3,), 3),
    "point_priors": ((3,), 3),
}
LOSSES = ("none", "huber", "soft_l1", "cauchy", "geman_mcclure", "tukey")


def check_problem(problem: Problem) -> None:
    """Convert every field to its dtype and raise TypeError or ValueError for the first thing that is wrong."""
    dims: dict[str, int] = {}
    for name, (dtype, shape) in _FIELDS.items():
        array = as_dtype(name, getattr(problem, name), dtype)
        check(name, array, shape, dims=dims)
        setattr(problem, name, array)
    for name in ("cameras", "cam_from_world", "points", "observations"):
        if len(getattr(problem, name)) == 0:
            raise ValueError(f"{name}: expected at least one, got none")
    for name in ("cam_from_world", "points", "observations", "weights"):
        check_finite(name, getattr(problem, name))
    raise_first_where("weights", problem.weights, lambda part: part <= 0, "positive values")
    if problem.covariances is not None:
        problem.covariances = _covariances("covariances", problem.covariances, problem.num_observations, 2)
    _check_cameras(problem)
    check_rotations("cam_from_world", problem.cam_from_world)
    for name in _PRIORS:
        _check_priors(problem, name)
    _check_params_priors(problem)
    if problem.rigs is not None:
        if not isinstance(problem.rigs, Rigs):
            raise TypeError(f"rigs: expected Rigs or None, got {type(problem.rigs).__name__}")
        problem.rigs.check(problem.cam_from_world)
    _check_observations(problem)


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}, got {value!r}")


def check_positive(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: expected a positive number, got {value}")
    return value


def _check_cameras(problem: Problem) -> None:
    for row, camera in enumerate(problem.cameras):
        if not isinstance(camera, Camera):
            raise TypeError(f"cameras[{row}]: expected a Camera, got {type(camera).__name__}")
    if len(problem.fixed_params) != len(problem.cameras):
        raise ValueError(f"fixed_params: expected {len(problem.cameras)} masks, got {len(problem.fixed_params)}")
    problem.fixed_params = [as_dtype(f"fixed_params[{c}]", m, np.bool_) for c, m in enumerate(problem.fixed_params)]
    for row, (camera, mask) in enumerate(zip(problem.cameras, problem.fixed_params, strict=True)):
        check(f"fixed_params[{row}]", mask, (len(camera.params),))
        if camera.is_spherical and not mask.all():
            raise ValueError(f"fixed_params[{row}]: expected both of {camera.model} fixed, got {mask.tolist()}")
    check_indices("image_cameras", problem.image_cameras, len(problem.cameras))


def _covariances(name: str, values: ArrayLike, count: int, size: int) -> NDArray[np.float64]:
    """The covariances as (count, size, size); a single one serves all."""
    covariances = as_dtype(name, values, np.float64)
    if covariances.shape == (size, size):
        covariances = np.tile(covariances, (count, 1, 1))
    check(name, covariances, (count, size, size))
    check_finite(name, covariances)
    skew = np.abs(covariances - covariances.transpose(0, 2, 1))
    raise_first(
        name, skew > 1e-9 * np.abs(covariances).max(axis=(1, 2), keepdims=True), "a symmetric matrix", covariances
    )
    try:
        np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        wrong = np.array([not _is_positive_definite(covariance) for covariance in covariances])
        raise_first(name, wrong, "a positive definite matrix", covariances)
    return covariances


def _is_positive_definite(matrix: NDArray[np.float64]) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _rows(name: str, rows: ArrayLike, count: int) -> NDArray[np.int32]:
    checked = as_dtype(name, rows, np.int32)
    check(name, checked, ("M",))
    check_indices(name, checked, count)
    return checked


def _check_priors(problem: Problem, name: str) -> None:
    priors, (shape, size) = getattr(problem, name), _PRIORS[name]
    if priors is None:
        return
    if not isinstance(priors, Priors):
        raise TypeError(f"{name}: expected Priors or None, got {type(priors).__name__}")
    count = problem.num_points if name == "point_priors" else problem.num_images
    priors.rows = _rows(f"{name}.rows", priors.rows, count)
    priors.values = as_dtype(f"{name}.values", priors.values, np.float64)
    check(f"{name}.values", priors.values, (len(priors.rows), *shape))
    check_finite(f"{name}.values", priors.values)
    if name == "pose_priors":
        check_rotations(f"{name}.values", priors.values)
    priors.covariances = _covariances(f"{name}.covariances", priors.covariances, len(priors.rows), size)
    check_choice(f"{name}.loss", priors.loss, LOSSES)
    check_positive(f"{name}.loss_scale", priors.loss_scale)


def _check_params_priors(problem: Problem) -> None:
    name, priors = "params_priors", problem.params_priors
    if priors is None:
        return
    if not isinstance(priors, ParamsPriors):
        raise TypeError(f"{name}: expected ParamsPriors or None, got {type(priors).__name__}")
    priors.rows = _rows(f"{name}.rows", priors.rows, len(problem.cameras))
    users = np.bincount(problem.image_cameras, minlength=len(problem.cameras))
    raise_first(f"{name}.rows", users[priors.rows] == 0, "a camera that took an image", priors.rows)
    for field in ("values", "deviations"):
        vectors = getattr(priors, field)
        if len(vectors) != len(priors.rows):
            raise ValueError(f"{name}.{field}: expected {len(priors.rows)} vectors, got {len(vectors)}")
        vectors = [as_dtype(f"{name}.{field}[{i}]", vector, np.float64) for i, vector in enumerate(vectors)]
        for i, (camera, vector) in enumerate(zip(priors.rows, vectors, strict=True)):
            check(f"{name}.{field}[{i}]", vector, (len(problem.cameras[camera].params),))
            right = np.isfinite(vector) if field == "values" else vector > 0
            if not right.all():
                expected = "finite values" if field == "values" else "positive values"
                raise ValueError(f"{name}.{field}[{i}]: expected {expected}, got {vector.tolist()}")
        setattr(priors, field, vectors)


def _check_observations(problem: Problem) -> None:
    images, points = problem.image_indices, problem.point_indices
    check_indices("image_indices", images, problem.num_images)
    check_indices("point_indices", points, problem.num_points)
    first, second = backend("cpu").ba.first_repetition(images, points, problem.num_points)
    if first >= 0:
        raise ValueError(
            f"observations[{second}]: expected each point once in an image, got point {points[second]} "
            f"in image {images[second]}, which is observations[{first}] too"
        )
    counts = count_rows(images, problem.num_images)
    frames = problem.image_frames
    known = fixed_frames(problem)[frames].all(axis=1) | (counts > 0)
    if problem.pose_priors is not None:
        known[problem.pose_priors.rows] = True
    unseen = np.bincount(frames, known)[frames] == 0  # one image of a frame is enough
    raise_first("fixed_images", unseen, "a fixed image where nothing is observed", counts)
    counts = count_rows(points, problem.num_points)
    lonely = ~problem.fixed_points & (counts < 2)
    if problem.point_priors is not None:
        lonely[problem.point_priors.rows] = False
    raise_first("points", lonely, "observations in two images or more, or a fixed point", counts, " observations")
    used = np.unique(problem.image_cameras)
    still = fixed_frames(problem).all() and (problem.rigs is None or problem.rigs.fixed_sensors.all())
    if still and problem.fixed_points.all() and all(problem.fixed_params[c].all() for c in used):
        raise ValueError("fixed_images, fixed_points, fixed_params: expected something free, got everything fixed")
