# SPDX-License-Identifier: Apache-2.0
"""What several tests of bundle adjustment are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from fastcv.ba import Problem


def random_covariances(count: int, size: int, deviation: float, seed: int) -> np.ndarray:
    """Symmetric positive definite, with axes between half and twice the deviation, turned at random."""
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.standard_normal((count, size, size)))
    return np.einsum("mij,mj,mkj->mik", axes, (deviation * random.uniform(0.5, 2, (count, size))) ** 2, axes)


def moved_pose(pose: np.ndarray, twist: np.ndarray) -> np.ndarray:
    """x_cam = exp(w) R (X - C - v)."""
    turned = Rotation.from_rotvec(twist[:3]).as_matrix() @ pose[:, :3]
    center = -pose[:, :3].T @ pose[:, 3] + twist[3:]
    return np.column_stack([turned, -turned @ center])


def with_an_image_turned_round(truth: Problem) -> Problem:
    """Image 2 of a PINHOLE problem sees every point behind it, mirrored; noise of a pixel everywhere."""
    poses, observations = truth.cam_from_world.copy(), truth.observations.copy()
    poses[2, :, 3] = [0.1, 0.2, -4]
    mine = truth.image_indices == 2
    x = truth.points[truth.point_indices[mine]] @ poses[2, :, :3].T + poses[2, :, 3]
    assert (x[:, 2] < 0).all()
    f = truth.cameras[0].params
    observations[mine] = f[:2] * x[:, :2] / x[:, 2:] + f[2:]
    observations += np.random.default_rng(0).standard_normal(observations.shape)
    return replace(truth, cam_from_world=poses, observations=observations)
