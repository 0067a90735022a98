# SPDX-License-Identifier: Apache-2.0
"""Gradients of solutions and their central differences, for the tests of differentiable_solve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fastcv import Camera
from fastcv.ba import ParamsPriors, Priors, Problem, differentiable_solve
from fastcv.scene import projection_centers

from .ingredients import moved_pose, random_covariances

torch = pytest.importorskip("torch")
Tensor = torch.Tensor
Tensors = dict[str, "Tensor | list[Tensor]"]

# Sizes of steps for central differences: far below a standard deviation, far above the last digits of a solution.
STEPS = {
    "observations": 1e-3,
    "weights": 1e-3,
    "covariances": 1e-3,
    "params": 1e-4,
    "points": 1e-5,
    "position_priors.values": 1e-6,
    "point_priors.values": 1e-6,
    "pose_priors.values": 1e-6,
    "position_priors.covariances": 1e-8,
    "point_priors.covariances": 1e-8,
    "pose_priors.covariances": 1e-8,
    "params_priors.values": 1e-3,
    "params_priors.deviations": 1e-3,
}


def listed(value: Tensor | list[Tensor]) -> list[Tensor]:
    return value if isinstance(value, list) else [value]


def some_function(problem: Problem) -> Callable[..., Tensor]:
    """Of all of a solution, a little of it not linear."""
    random = np.random.default_rng(5)
    poses = torch.tensor(random.standard_normal((problem.num_images, 3, 4)))
    points = torch.tensor(random.standard_normal(problem.points.shape))
    params = [torch.tensor(random.standard_normal(len(c.params)) / c.params.clip(1)) for c in problem.cameras]

    sensors = torch.tensor(random.standard_normal((0 if problem.rigs is None else problem.rigs.num_sensors, 3, 4)))

    def function(solution) -> Tensor:
        cameras = sum((p * q).sum() for p, q in zip(params, solution.params, strict=True))
        on_rig = (sensors * solution.sensor_from_rig).sum() + cameras
        return (poses * solution.cam_from_world).sum() + (points * solution.points.sin()).sum() + on_rig

    return function


def gradients(problem: Problem, tensors: Tensors, **options) -> dict[str, list[Tensor]]:
    leaves = {name: [t.clone().requires_grad_() for t in listed(value)] for name, value in tensors.items()}
    given = {name: leaves[name] if isinstance(value, list) else leaves[name][0] for name, value in tensors.items()}
    some_function(problem)(differentiable_solve(problem, given, **options)).backward()
    return {name: [t.grad for t in values] for name, values in leaves.items()}


def difference(problem: Problem, tensors: Tensors, name: str, along: list[Tensor], **options) -> float:
    """Along a direction of one of the tensors, by solving twice."""
    function, ends = some_function(problem), []
    for sign in (1, -1):
        pairs = zip(listed(tensors[name]), along, strict=True)
        moved = [value + sign * STEPS[name] * direction for value, direction in pairs]
        given = {**tensors, name: moved if isinstance(tensors[name], list) else moved[0]}
        ends.append(float(function(differentiable_solve(problem, given, **options))))
    return (ends[0] - ends[1]) / (2 * STEPS[name])


def assert_gradients(problem: Problem, tensors: Tensors, tolerance: float, **options) -> None:
    random = np.random.default_rng(1)
    for name, ours in gradients(problem, tensors, **options).items():
        along = [torch.tensor(random.standard_normal(value.shape)) for value in listed(tensors[name])]
        if name.endswith("covariances"):
            along = [direction + direction.mT for direction in along]
        expected = difference(problem, tensors, name, along, **options)
        got = sum(float((gradient * direction).sum()) for gradient, direction in zip(ours, along, strict=True))
        assert abs(got - expected) < tolerance * abs(expected), (name, got, expected)


def measured(problem: Problem, *names: str) -> Tensors:
    """Fields of the problem as tensors."""
    tensors: Tensors = {}
    for name in names:
        value = problem
        for part in name.split("."):
            value = getattr(value, part)
        tensors[name] = [torch.tensor(v) for v in value] if isinstance(value, list) else torch.tensor(value)
    return tensors


def with_priors(problem: Problem) -> Problem:
    """Of every kind, off by some of their standard deviations, in no order, two on one image and one point."""
    random = np.random.default_rng(2)
    images, points = np.array([4, 1, 4]), np.array([7, 30, 3, 7])
    twists = random.normal(0, 0.02, (3, 6))
    poses = np.stack([moved_pose(problem.cam_from_world[i], t) for i, t in zip(images, twists, strict=True)])
    centers = projection_centers(problem.cam_from_world)
    params = problem.cameras[0].params
    return replace(
        problem,
        pose_priors=Priors(images, poses, random_covariances(3, 6, 0.02, 1), loss="soft_l1", loss_scale=3),
        position_priors=Priors(
            np.arange(problem.num_images)[::-1],
            centers[::-1] + random.normal(0, 0.03, centers.shape),
            random_covariances(problem.num_images, 3, 0.02, 2),
            loss="cauchy",
            loss_scale=2,
        ),
        point_priors=Priors(points, problem.points[points] + random.normal(0, 0.02, (4, 3)), 0.01**2 * np.eye(3)),
        params_priors=ParamsPriors([0], [1.01 * params], [[5, np.inf, 5, 0.01][: len(params)]]),
    )


PRIORS = [f"{kind}_priors.{field}" for kind in ("position", "point", "pose") for field in ("values", "covariances")]


def one_point(**options) -> Problem:
    """Two fixed images of a point, and a second one that is known but nowhere seen."""
    camera = Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    poses = np.stack([np.eye(3, 4)] * 2)
    poses[1, 0, 3] = -1
    fixed = {"fixed_images": [True, True], "fixed_params": [np.ones(4, bool)]}
    points, pixels = [[0, 0, 5.0], [1, 1, 1]], [[320.0, 240], [220, 240]]
    known = Priors([1, 1], [[1, 1, 1], [2, 2, 2]], [np.diag([1.0, 2, 3]), np.diag([3, 2.0, 1])], **options)
    return Problem([camera], [0, 0], poses, points, [0, 1], [0, 0], pixels, point_priors=known, **fixed)
