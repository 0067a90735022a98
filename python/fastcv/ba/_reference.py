# SPDX-License-Identifier: Apache-2.0
"""Residuals, cost and derivatives of a problem in numpy: slow, readable, the oracle of the native code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import camera
from .linearize import Linearization
from .priors import prior_residuals
from .problem import Problem

Array = NDArray[np.float64]


def residuals(problem: Problem) -> Array:
    """weight * L⁻¹ (projection - observation), (K, 2), with L the Cholesky factor of the observation's covariance."""
    return _residuals(problem, problem.cam_from_world, [c.params for c in problem.cameras], problem.points)


def cost(problem: Problem, loss: str = "none", loss_scale: float = 1.0) -> float:
    """1/2 sum rho(|residual|²), px², and the costs of the priors."""
    total = _robust_cost(residuals(problem), loss, loss_scale)
    at = problem.cam_from_world, problem.cameras, problem.points
    for name, terms in prior_residuals(problem, *at).items():
        priors = getattr(problem, name)
        total += _robust_cost(terms, getattr(priors, "loss", "none"), getattr(priors, "loss_scale", 1.0))
    return total


def moved(problem: Problem, poses: Array, params: Array, points: Array) -> Problem:
    """The problem after a step: (w, v) of ``x_cam = exp(w) R (X - C - v)`` (I, 6), of all parameters (S,), (N, 3)."""
    turns = camera.rotation_from_angle_axis(np.ascontiguousarray(poses[:, :3]))
    shifted = problem.cam_from_world.copy()
    shifted[:, :, 3] -= np.einsum("iab,ib->ia", shifted[:, :, :3], poses[:, 3:])
    steps = np.split(params, np.cumsum([len(c.params) for c in problem.cameras])[:-1])
    return replace(
        problem,
        cam_from_world=turns @ shifted,
        cameras=[c.with_params(c.params + step) for c, step in zip(problem.cameras, steps, strict=True)],
        points=problem.points + points,
    )


def hessian_product(
    problem: Problem, x: Sequence[Array], loss: str = "none", loss_scale: float = 1.0, step: float = 1e-4
) -> list[Array]:
    """The Hessian of the cost, by (w, v), parameters and points, times x = (poses, params, points).

    By second differences along x and each unit vector y: ((x + y) - (x - y) - (y - x) + (-x - y)) / 4.
    """
    sizes = [part.size for part in x]
    flat = step * np.concatenate([part.ravel() for part in x])

    def cost_at(y: Array) -> float:
        parts = [part.reshape(like.shape) for part, like in zip(np.split(y, np.cumsum(sizes)[:-1]), x, strict=True)]
        return cost(moved(problem, *parts), loss, loss_scale)

    def second_difference(y: Array) -> float:
        return (cost_at(flat + y) - cost_at(flat - y) - cost_at(y - flat) + cost_at(-flat - y)) / (4 * step**2)

    product = np.array([second_difference(step * unit) for unit in np.eye(len(flat))])
    return [part.reshape(like.shape) for part, like in zip(np.split(product, np.cumsum(sizes)[:-1]), x, strict=True)]


def _robust_cost(residuals: Array, loss: str, loss_scale: float) -> float:
    """Source of rho: Triggs et al. 1999, section 3.3, scaled so that rho(s) ~ s at 0."""
    squared, a2 = np.sum(residuals**2, axis=1), loss_scale**2
    rho = {
        "none": squared,
        "huber": np.where(squared <= a2, squared, 2 * loss_scale * np.sqrt(squared) - a2),
        "soft_l1": 2 * a2 * (np.sqrt(1 + squared / a2) - 1),
        "cauchy": a2 * np.log1p(squared / a2),
    }[loss]
    return 0.5 * float(rho.sum())


def linearize(problem: Problem, step: float = 1e-5) -> Linearization:
    """Residuals and their derivatives by central differences, with a step relative to the size of each unknown.

    An observation depends on one pose, one camera and one point, so that one unknown of each may move at a time.
    """
    poses, points = problem.cam_from_world, problem.points
    params = [c.params for c in problem.cameras]
    num_params = max(len(p) for p in params)
    shift = step * np.linalg.norm(poses[:, :, 3], axis=1).clip(1)
    move = step * np.linalg.norm(points, axis=1).clip(1)
    bend = [step * np.abs(p).clip(1) for p in params]

    def along(unknown: str, column: int) -> Array:
        ends = []
        for sign in (1, -1):
            p, c, x = poses, params, points
            if unknown == "pose":
                p = _moved(poses, column, sign * (step if column < 3 else shift))
            elif unknown == "params":
                c = [v + sign * b * (np.arange(len(v)) == column) for v, b in zip(params, bend, strict=True)]
            else:
                x = points + sign * move[:, None] * np.eye(3)[column]
            ends.append(_residuals(problem, p, c, x))
        images = problem.image_indices
        cameras = problem.image_cameras[images]
        if unknown == "pose":
            size = np.full(len(images), step) if column < 3 else shift[images]
        elif unknown == "params":
            size = np.array([(*b, *np.ones(num_params))[column] for b in bend])[cameras]
        else:
            size = move[problem.point_indices]
        return (ends[0] - ends[1]) / (2 * size[:, None])

    columns = {"pose": 6, "params": num_params, "point": 3}
    blocks = [np.stack([along(name, c) for c in range(count)], axis=2) for name, count in columns.items()]
    return Linearization(residuals(problem), *blocks)


def _residuals(problem: Problem, cam_from_world: Array, params: Sequence[Array], points: Array) -> Array:
    poses = cam_from_world[problem.image_indices]
    x = np.einsum("kij,kj->ki", poses[:, :, :3], points[problem.point_indices]) + poses[:, :, 3]
    residuals = np.empty((len(x), 2))
    for row, (template, values) in enumerate(zip(problem.cameras, params, strict=True)):
        mine = problem.image_cameras[problem.image_indices] == row
        if not template.is_spherical:
            x[mine] *= np.where(x[mine, 2:] < 0, -1, 1)  # behind it: the opposite point, on the same line of sight
        residuals[mine] = camera.project(x[mine], template.with_params(values)) - problem.observations[mine]
        if template.is_spherical:
            residuals[mine, 0] -= values[0] * np.round(residuals[mine, 0] / values[0])  # the shorter way round
    if problem.covariances is not None:
        residuals = np.linalg.solve(np.linalg.cholesky(problem.covariances), residuals[:, :, None])[:, :, 0]
    return problem.weights[:, None] * residuals


def _moved(cam_from_world: Array, column: int, size: float | Array) -> Array:
    """x_cam = exp(w) R (X - C - v), with one component of (w, v) set."""
    moved = cam_from_world.copy()
    if column >= 3:
        moved[:, :, 3] -= moved[:, :, column - 3] * np.reshape(size, (-1, 1))
        return moved
    i, j = (column + 1) % 3, (column + 2) % 3  # a right-handed turn about axis `column` takes i to j
    turn = np.eye(3)
    turn[i, i] = turn[j, j] = np.cos(size)
    turn[j, i], turn[i, j] = np.sin(size), -np.sin(size)
    moved = turn @ moved
    return moved
