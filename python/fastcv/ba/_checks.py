# SPDX-License-Identifier: Apache-2.0
"""Checks of a problem: each message names the observation, image, point or camera at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import check
from ..scene import Camera

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
    "fixed_points": (np.bool_, ("N",)),
    "weights": (np.float64, ("K",)),
}
# How far R Rᵀ may be from the identity: poses that went through six printed digits pass, a scaled rotation does not.
_ROTATION_TOLERANCE = 1e-5


def check_problem(problem: Problem) -> None:
    """Convert every field to its dtype and raise TypeError or ValueError for the first thing that is wrong."""
    dims: dict[str, int] = {}
    for name, (dtype, shape) in _FIELDS.items():
        array = _as_dtype(name, getattr(problem, name), dtype)
        check(name, array, shape, dims=dims)
        setattr(problem, name, array)
    for name in ("cameras", "cam_from_world", "points", "observations"):
        if len(getattr(problem, name)) == 0:
            raise ValueError(f"{name}: expected at least one, got none")
    for name in ("cam_from_world", "points", "observations", "weights"):
        _first(name, ~np.isfinite(getattr(problem, name)), "finite values", getattr(problem, name))
    _first("weights", problem.weights <= 0, "positive values", problem.weights)
    _check_cameras(problem)
    _check_rotations(problem.cam_from_world)
    _check_observations(problem)


def _as_dtype(name: str, values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """The values as a C-contiguous array of this dtype. Floats are not cut to integers, nor numbers to bool."""
    array = np.asarray(values)
    if array.size and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise TypeError(f"{name}: expected dtype {np.dtype(dtype)}, got {array.dtype}")
    if array.size and dtype is np.int32 and not -(2**31) <= array.min() <= array.max() < 2**31:
        raise ValueError(f"{name}: expected values in [-2^31, 2^31), got {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype)


def _first(name: str, wrong: NDArray[np.bool_], expected: str, got: NDArray[Any], note: str = "") -> None:
    """Raise for the first row of ``wrong`` that has a True."""
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    if len(rows):
        row = rows[0]
        raise ValueError(f"{name}[{row}]: expected {expected}, got {got[row].tolist()}{note}")


def _check_cameras(problem: Problem) -> None:
    for row, camera in enumerate(problem.cameras):
        if not isinstance(camera, Camera):
            raise TypeError(f"cameras[{row}]: expected a Camera, got {type(camera).__name__}")
    if len(problem.fixed_params) != len(problem.cameras):
        raise ValueError(f"fixed_params: expected {len(problem.cameras)} masks, got {len(problem.fixed_params)}")
    problem.fixed_params = [_as_dtype(f"fixed_params[{c}]", m, np.bool_) for c, m in enumerate(problem.fixed_params)]
    for row, (camera, mask) in enumerate(zip(problem.cameras, problem.fixed_params, strict=True)):
        check(f"fixed_params[{row}]", mask, (len(camera.params),))
        if camera.is_spherical and not mask.all():
            raise ValueError(f"fixed_params[{row}]: expected both of {camera.model} fixed, got {mask.tolist()}")
    _check_indices("image_cameras", problem.image_cameras, len(problem.cameras))


def _check_indices(name: str, indices: NDArray[np.int32], count: int) -> None:
    _first(name, (indices < 0) | (indices >= count), f"a row below {count}", indices)


def _check_rotations(cam_from_world: NDArray[np.float64]) -> None:
    rotations = cam_from_world[:, :, :3]
    skew = np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    wrong = (skew > _ROTATION_TOLERANCE) | (np.linalg.det(rotations) < 0)
    _first("cam_from_world", wrong, "a rotation in its first three columns", rotations)


def _check_observations(problem: Problem) -> None:
    images, points = problem.image_indices, problem.point_indices
    _check_indices("image_indices", images, problem.num_images)
    _check_indices("point_indices", points, problem.num_points)
    pairs = points.astype(np.int64) * problem.num_images + images
    order = np.argsort(pairs, kind="stable")
    again = np.flatnonzero(np.diff(pairs[order]) == 0)
    if len(again):
        first, second = order[again[0]], order[again[0] + 1]
        raise ValueError(
            f"observations[{second}]: expected each point once in an image, got point {points[second]} "
            f"in image {images[second]}, which is observations[{first}] too"
        )
    counts = np.bincount(images, minlength=problem.num_images)
    _first("fixed_images", ~problem.fixed_images & (counts == 0), "a fixed image where nothing is observed", counts)
    counts = np.bincount(points, minlength=problem.num_points)
    lonely = ~problem.fixed_points & (counts < 2)
    _first("points", lonely, "observations in two images or more, or a fixed point", counts, " observations")
    if problem.fixed_images.all() and problem.fixed_points.all() and all(mask.all() for mask in problem.fixed_params):
        raise ValueError("fixed_images, fixed_points, fixed_params: expected something free, got everything fixed")
