# SPDX-License-Identifier: Apache-2.0
"""geometry.triangulate and sampson_scores against OpenCV and numpy."""

from __future__ import annotations

import cv2
import numpy as np
from benchmarks._harness import Contest, agree_to, case

from fastcv import geometry


@case
def triangulate_two_views(contest: Contest) -> None:
    count = 100_000 if contest.quick else 1_000_000
    rng = np.random.default_rng(0)
    poses = np.stack([np.eye(3, 4), np.hstack([cv2.Rodrigues(np.array([0.0, 0.1, 0.02]))[0], [[-1.0], [0.1], [0.0]]])])
    points = rng.uniform([-2, -2, 4], [2, 2, 8], (count, 3))
    seen = np.einsum("iab,nb->nia", poses[:, :, :3], points) + poses[:, :, 3]
    normalized = seen[:, :, :2] / seen[:, :, 2:]
    flat, first, second = normalized.reshape(-1, 2), normalized[:, 0].T.copy(), normalized[:, 1].T.copy()
    images, offsets = np.tile(np.arange(2, dtype=np.int32), count), np.arange(count + 1) * 2

    def opencv() -> np.ndarray:
        found = cv2.triangulatePoints(poses[0], poses[1], first, second)
        return (found[:3] / found[3]).T

    contest.note(points=count)
    contest.bound(read_write_bytes=count * (2 * 16 + 2 * 4 + 8 + 24))
    contest.ours(lambda: geometry.triangulate(flat, images, offsets, poses))
    # Without noise both give the point: rays meet at 0.1 rad and more, so rounding grows about tenfold.
    contest.peer("opencv", cv2.__version__, opencv, check=agree_to(1e-9))


@case
def sampson_scores(contest: Contest) -> None:
    models_count, count = (100, 2000) if contest.quick else (1000, 2000)
    rng = np.random.default_rng(0)
    points1, points2 = rng.normal(size=(2, count, 2)).astype(np.float32)
    models = rng.normal(size=(models_count, 3, 3)).astype(np.float32)

    def numpy() -> np.ndarray:
        x1, x2 = (np.concatenate([p, np.ones((count, 1), np.float32)], axis=1) for p in (points1, points2))
        line2, line1 = x1 @ models.transpose(0, 2, 1), x2 @ models
        squared = (x2 * line2).sum(-1) ** 2 / ((line2[..., :2] ** 2).sum(-1) + (line1[..., :2] ** 2).sum(-1))
        gains = np.maximum(0, 1 - squared / np.float32(0.25))
        return gains.sum(axis=1, dtype=np.float64)

    contest.note(models=models_count, correspondences=count)
    contest.ours(lambda: geometry.sampson_scores(points1, points2, models, threshold=0.5)[:, 0])
    # Scores near 1000 in float32 with sixteen running sums.
    contest.peer("numpy", np.__version__, numpy, check=agree_to(1e-2))
