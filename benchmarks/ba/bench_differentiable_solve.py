# SPDX-License-Identifier: Apache-2.0
"""The gradient of a solution by all its observations, against the solve that found it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from benchmarks._harness import Contest, case, data_dir

import fastcv
from fastcv import ba, io

STEP = 1e-2  # of pixels, for the central difference that checks the gradient
LEAST_PARALLAX = 0.01  # radians


@case
def gradient_problem_49(contest: Contest) -> None:
    """Points with next to no parallax are left out: they run away to infinity, where nothing has a gradient."""
    import torch

    problem = with_parallax(ba.Problem.from_bal(io.read_bal(data_dir() / "bal" / "problem-49-7776-pre.txt.xz")))
    random = np.random.default_rng(0)
    weights = torch.tensor(random.standard_normal(problem.points.shape))
    along = random.standard_normal(problem.observations.shape)

    def function(pixels: torch.Tensor) -> torch.Tensor:
        return (ba.differentiable_solve(problem, {"observations": pixels}, num_threads=2).points * weights).sum()

    pixels = torch.tensor(problem.observations, requires_grad=True)
    ends = [float(function(pixels.detach() + sign * STEP * torch.tensor(along))) for sign in (1, -1)]
    expected, value = (ends[0] - ends[1]) / (2 * STEP), function(pixels)

    def backward() -> np.ndarray:
        return torch.autograd.grad(value, pixels, retain_graph=True)[0].numpy()

    def agrees(gradient: np.ndarray, _result: ba.Result) -> tuple[str, bool]:
        error = abs(float(np.sum(gradient * along)) / expected - 1)
        return f"a central difference of two solves agrees to {error:.1e}", error < 1e-3

    contest.note(images=problem.num_images, points=problem.num_points, observations=problem.num_observations)
    contest.ours(backward)
    for tolerance in (1e-6, 1e-10):
        solve = partial(ba.solve, problem, function_tolerance=tolerance, max_iterations=200, num_threads=2)
        contest.peer(f"solve to {tolerance:.0e}", fastcv.__version__, solve, check=agrees)


def with_parallax(problem: ba.Problem) -> ba.Problem:
    """Without points whose rays, once solved, are parallel but for ``LEAST_PARALLAX``."""
    at = ba.solve(problem, function_tolerance=1e-10, max_iterations=200)
    centers = -np.einsum("iba,ib->ia", at.cam_from_world[:, :, :3], at.cam_from_world[:, :, 3])
    rays = at.points[problem.point_indices] - centers[problem.image_indices]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    sums = np.stack([np.bincount(problem.point_indices, ray, problem.num_points) for ray in rays.T], axis=1)
    means = sums / np.bincount(problem.point_indices, minlength=problem.num_points)[:, None]
    kept = np.linalg.norm(np.cross(rays, means[problem.point_indices]), axis=1) > LEAST_PARALLAX
    wide = np.bincount(problem.point_indices, kept, problem.num_points) > 0
    mine = wide[problem.point_indices]
    return replace(
        problem,
        points=problem.points[wide],
        fixed_points=problem.fixed_points[wide],
        point_indices=(np.cumsum(wide) - 1)[problem.point_indices[mine]],
        image_indices=problem.image_indices[mine],
        observations=problem.observations[mine],
        weights=problem.weights[mine],
    )
