# SPDX-License-Identifier: Apache-2.0
"""Many small bundle adjustments in one call."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import check
from .._backend import backend
from ..scene import Camera
from ._arrays import ProblemArrays
from ._gauge import free_poses_of_items
from ._values import count_rows
from .priors import ParamsPriors, Priors
from .problem import Problem
from .solve import check_depths, native_options, residuals_in_pixels


@dataclass(frozen=True)
class BatchResult:
    """What a solve of B items found.

    Parameters
    ----------
    cam_from_world : (I, 3, 4) float64 array
    cameras : list of Camera
    points : (N, 3) float64 array
    residuals : (K, 2) float64 array
        Projection minus observation in pixels, without weights, covariances and loss.
    initial_costs, final_costs : (B,) float64 array
        1/2 sum rho(|weight residual|²) of each item, px², and the costs of its priors. NaN for an item that the time
        limit left out.
    iterations : (B,) int32 array
        Steps tried.
    terminations : (B,) array of str
        As ``Result.termination``.
    seconds : float
        Time taken, with checks and set-up.
    """

    cam_from_world: NDArray[np.float64]
    cameras: list[Camera]
    points: NDArray[np.float64]
    residuals: NDArray[np.float64]
    initial_costs: NDArray[np.float64]
    final_costs: NDArray[np.float64]
    iterations: NDArray[np.int32]
    terminations: NDArray[np.str_]
    seconds: float


def solve_batch(
    problem: Problem,
    image_items: ArrayLike,
    *,
    loss: str = "none",
    loss_scale: float = 1.0,
    gauge: str = "two_cameras",
    max_iterations: int = 50,
    function_tolerance: float = 1e-6,
    gradient_tolerance: float = 1e-10,
    parameter_tolerance: float = 1e-8,
    time_limit: float = math.inf,
    num_threads: int = 0,
) -> BatchResult:
    """Adjust the items of a problem, each on its own, as ``solve`` would: several at a time, without a call for each.

    Local adjustments, pairs of images, poses under known points: thousands of problems, laid out as one.

    Parameters
    ----------
    problem : Problem
        All items together. Is not changed.
    image_items : (I,) array of int
        The item of each image, from 0 on. An item has its images, their observations, and the points and cameras that
        these use. What is free in it belongs to no other item; fixed points and cameras may be shared.
    loss, loss_scale, gauge, max_iterations, function_tolerance, gradient_tolerance, parameter_tolerance
        As for ``solve``, for each item.
    time_limit : float
        Seconds for all items together; those that it leaves out keep their state.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    BatchResult

    Raises
    ------
    TypeError, ValueError
        As for ``solve``; a free point or camera in two items, one with a prior in two or none; an item without
        observations; rigs.
    KeyboardInterrupt
        Ctrl-C. Nothing is returned.

    Examples
    --------
    Each image's pose under known points, all at once:

    >>> import numpy as np
    >>> from dataclasses import replace
    >>> from fastcv.ba import Problem, solve_batch
    >>> from fastcv.synthetic import make_tracks
    >>> truth = Problem.from_reconstruction(make_tracks("ring", num_images=8, num_points=100).reconstruction)
    >>> masks = [np.ones(len(camera.params), bool) for camera in truth.cameras]
    >>> start = replace(truth, fixed_points=np.ones(truth.num_points, bool), fixed_params=masks)
    >>> start.cam_from_world = truth.cam_from_world + np.eye(3, 4, 3) * 0.01
    >>> result = solve_batch(start, np.arange(8))
    >>> bool(np.abs(result.cam_from_world - truth.cam_from_world).max() < 1e-6)
    True
    """
    start = time.perf_counter()
    native = backend("cpu").ba
    options = native_options(
        native,
        gauge=gauge,
        linear_solver="auto",
        loss=loss,
        loss_scale=loss_scale,
        max_iterations=max_iterations,
        function_tolerance=function_tolerance,
        gradient_tolerance=gradient_tolerance,
        parameter_tolerance=parameter_tolerance,
        time_limit=time_limit,
        num_threads=num_threads,
    )
    problem.check()
    if problem.rigs is not None:
        raise ValueError("problem.rigs: expected None, for items of a batch have no rigs, got Rigs")
    items = _check_items(problem, image_items)
    count = int(items.max()) + 1
    arrays = ProblemArrays.from_problem(problem, free_poses_of_items(problem, gauge, items))
    check_depths(problem, arrays)
    costs = np.full((2, count), np.nan)
    numbers = np.zeros((2, count), np.int32)
    native.solve_batch(arrays, items, options, costs[0], costs[1], numbers[0], numbers[1])
    names = np.array([native.Termination(code).name for code in range(len(native.Termination))])
    return BatchResult(
        cam_from_world=arrays.cam_from_world.reshape(-1, 3, 4),
        cameras=arrays.cameras(problem.cameras),
        points=arrays.points,
        residuals=residuals_in_pixels(arrays),
        initial_costs=costs[0],
        final_costs=costs[1],
        iterations=numbers[0],
        terminations=names[numbers[1]],
        seconds=time.perf_counter() - start,
    )


def _check_items(problem: Problem, image_items: ArrayLike) -> NDArray[np.int32]:
    items = np.asarray(image_items)
    if items.dtype.kind not in "iu":
        raise TypeError(f"image_items: expected integers, got {items.dtype}")
    check("image_items", items, (problem.num_images,))
    if items.min() < 0 or items.max() >= 2**31 - 1:
        raise ValueError(f"image_items: expected 0 or more, got {items.min()} to {items.max()}")
    items = np.ascontiguousarray(items, np.int32)
    empty = np.flatnonzero(np.bincount(items, count_rows(problem.image_indices, problem.num_images)) == 0)
    if len(empty):
        raise ValueError(f"image_items: expected observations in every item, got none in item {empty[0]}")
    free_cameras = np.array([not mask.all() for mask in problem.fixed_params])
    rows, images = problem.point_indices, problem.image_indices
    _check_owner("points", rows, images, items, ~problem.fixed_points, problem.point_priors)
    rows, images = problem.image_cameras, np.arange(problem.num_images, dtype=np.int32)
    _check_owner("cameras", rows, images, items, free_cameras, problem.params_priors)
    return items


def _check_owner(
    name: str,
    rows: NDArray[np.int32],
    images: NDArray[np.int32],
    items: NDArray[np.int32],
    free: NDArray[np.bool_],
    priors: Priors | ParamsPriors | None,
) -> None:
    """Raise where the images of more than one item use a free row, or not of exactly one a row with a prior."""
    low = np.full(len(free), np.iinfo(np.int32).max, np.int32)
    high = np.full(len(free), -1, np.int32)
    backend("cpu").ba.item_ranges(rows, images, items, low, high)
    shared = np.flatnonzero(free & (low < high))
    if len(shared):
        row = shared[0]
        raise ValueError(
            f"{name}[{row}]: expected one item to use it, or it to be fixed, got items {low[row]} and {high[row]}"
        )
    known = np.zeros(len(free), bool)
    if priors is not None:
        known[priors.rows] = True
    unowned = np.flatnonzero(known & (low != high))
    if len(unowned):
        row = unowned[0]
        got = f"items {low[row]} and {high[row]}" if low[row] < high[row] else "none"
        raise ValueError(f"{name}[{row}]: expected one item to use it, for it has a prior, got {got}")
