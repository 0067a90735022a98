# SPDX-License-Identifier: Apache-2.0
"""The seven degrees of freedom that reprojection errors do not see: where the world is, how turned and how large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .problem import Problem

_POINTS_FOR_A_POSE = 3


def free_poses(problem: Problem, gauge: str) -> NDArray[np.bool_]:
    """Which degrees of freedom (w, v) of each pose ``x_cam = exp(w) R (X - C - v)`` may change, (I, 6).

    With ``gauge="fixed"`` as much is held as the problem itself leaves open: the first image, and of the image farthest
    from it the coordinate in which their centres differ most. Images of fewer than three points are passed over: such
    an image can move although a coordinate is held, and the scene's size with it. Priors on poses, positions or points
    place the scene, and nothing is held: what a single one or those on a line leave open stays to the damping, for a
    scene that they move elsewhere may not hang on a coordinate of where it was.
    """
    return free_poses_of_items(problem, gauge, np.zeros(problem.num_images, np.int32))


def free_poses_of_items(problem: Problem, gauge: str, items: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The same for each item, whose images are those with its number in ``items`` (I,)."""
    free = np.repeat(~problem.fixed_images[:, None], 6, axis=1)
    if gauge == "free":
        return free
    count = int(items.max()) + 1
    fixed_images = np.bincount(items, problem.fixed_images, count)
    held = problem.fixed_points[problem.point_indices]
    pairs = np.stack([items[problem.image_indices[held]], problem.point_indices[held]])
    fixed_points = np.bincount(np.unique(pairs, axis=1)[0], minlength=count)
    # Two images or three points hold everything; a point or two on their own leave rotations to the damping.
    enough = (fixed_images >= 2) | (fixed_points >= np.where(fixed_images > 0, 1, 3)) | _placed(problem, items, count)
    loose = ~problem.fixed_images & (np.bincount(problem.image_indices, minlength=len(items)) < _POINTS_FOR_A_POSE)
    first = _first_of_each(items, count, np.where(problem.fixed_images, -1.0, loose))
    anchored = first[~enough & (fixed_points == 0)]
    free[anchored] = False
    rotations, translations = problem.cam_from_world[:, :, :3], problem.cam_from_world[:, :, 3]
    centers = -np.einsum("iba,ib->ia", rotations, translations)
    baselines = np.abs(centers - centers[first[items]])
    second = _first_of_each(items, count, np.where(loose, 1.0, -np.linalg.norm(baselines, axis=1)))
    second = second[~enough & baselines[second].any(axis=1)]
    free[second, 3 + np.argmax(baselines[second], axis=1)] = False
    return free


def _first_of_each(items: NDArray[np.int32], count: int, keys: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each item the row with the smallest key, the first where several have it."""
    order = np.lexsort((np.arange(len(items)), keys, items))
    return order[np.searchsorted(items[order], np.arange(count))]


def _placed(problem: Problem, items: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Which items have priors that tell where they are."""
    placed = np.zeros(count, bool)
    for priors in (problem.pose_priors, problem.position_priors):
        if priors is not None:
            placed[items[priors.rows]] = True
    if problem.point_priors is not None:
        known = np.isin(problem.point_indices, problem.point_priors.rows)
        placed[items[problem.image_indices[known]]] = True
    return placed
