# SPDX-License-Identifier: Apache-2.0
"""The seven degrees of freedom that reprojection errors do not see: where the world is, how turned and how large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .problem import Problem


def free_poses(problem: Problem, gauge: str) -> NDArray[np.bool_]:
    """Which degrees of freedom (w, v) of each pose ``x_cam = exp(w) R (X - C - v)`` may change, (I, 6).

    With ``gauge="fixed"`` as much is held as the problem itself leaves open: the first image, and of the image farthest
    from it the coordinate in which their centres differ most.
    """
    free = np.repeat(~problem.fixed_images[:, None], 6, axis=1)
    fixed_images, fixed_points = problem.fixed_images.sum(), problem.fixed_points.sum()
    # Two images or three points hold everything; a point or two on their own leave rotations to the damping.
    if gauge == "free" or fixed_images >= 2 or fixed_points >= (1 if fixed_images else 3):
        return free
    first = int(np.argmax(problem.fixed_images))
    if fixed_points == 0:
        free[first] = False
    rotations, translations = problem.cam_from_world[:, :, :3], problem.cam_from_world[:, :, 3]
    centers = -np.einsum("iba,ib->ia", rotations, translations)
    second = int(np.argmax(np.linalg.norm(centers - centers[first], axis=1)))
    baseline = np.abs(centers[second] - centers[first])
    if baseline.any():
        free[second, 3 + int(np.argmax(baseline))] = False
    return free
