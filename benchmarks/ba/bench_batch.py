# SPDX-License-Identifier: Apache-2.0
"""Thousands of small adjustments in one call of ``solve_batch`` against a Python loop over Ceres.

An item has 10 images on an arc around 1000 points, each seen by 4 neighbouring images, with noise of 1 px and
calibrated lenses. The loop, which would take minutes, is measured on the first items and counts in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from benchmarks._harness import Contest, Timing, case, timed

import fastcv
from fastcv import ba
from fastcv._backend import ceres
from fastcv.camera import project, rotation_from_angle_axis

IMAGES, POINTS, VIEWS = 10, 1000, 4
CAMERA = fastcv.Camera("SIMPLE_RADIAL", 1000, 800, np.array([800, 500, 400, 0.01]))
DISTINCT, MEASURED = 100, 100  # items; of those that the loop solves


@case
def batch_10000(contest: Contest) -> None:
    """Ceres with one thread: more only slow it down on problems of this size."""
    count = 200 if contest.quick else 10_000
    items = Items(count)
    contest.rounds = 1 if contest.quick else 2
    contest.note(items=count, images=IMAGES, points=POINTS, observations=POINTS * VIEWS, peer_measured_on=MEASURED)
    contest.ours(partial(batch, items))
    contest.peer("ceres, in a loop", ceres().version(), partial(loop, items), check=same_costs)


@dataclass
class Items:
    """Flat arrays of all items."""

    count: int

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        distinct, copies = min(DISTINCT, self.count), -(-self.count // DISTINCT)
        poses = arc()
        points = rng.uniform(-1.5, 1.5, (distinct, POINTS, 3))
        seen = rng.integers(0, IMAGES - VIEWS + 1, (distinct, POINTS, 1)) + np.arange(VIEWS)
        in_camera = np.einsum("npvij,npj->npvi", poses[seen][..., :3], points) + poses[seen][..., 3]
        pixels = project(in_camera.reshape(-1, 3), CAMERA) + rng.normal(0, 1, (in_camera.size // 3, 2))
        turns = rotation_from_angle_axis(rng.normal(0, 0.005, (distinct * IMAGES, 3)))
        start = turns @ np.tile(poses, (distinct, 1, 1))
        start[:, :, 3] += rng.normal(0, 0.02, (len(start), 3))

        first = np.arange(self.count)[:, None]
        self.cam_from_world = np.tile(start, (copies, 1, 1))
        self.points = np.tile((points + rng.normal(0, 0.03, points.shape)).reshape(-1, 3), (copies, 1))
        self.observations = np.tile(pixels, (copies, 1))
        seen = np.tile(seen.reshape(distinct, -1), (copies, 1))
        self.image_indices = (seen + IMAGES * first).ravel().astype(np.int32)
        self.point_indices = np.repeat(np.arange(self.count * POINTS, dtype=np.int32), VIEWS)

    def problem(self, begin: int, end: int) -> ba.Problem:
        """Some of the items as one problem."""
        images, points = slice(IMAGES * begin, IMAGES * end), slice(POINTS * begin, POINTS * end)
        observations = slice(points.start * VIEWS, points.stop * VIEWS)
        return ba.Problem(
            cameras=[CAMERA],
            image_cameras=np.zeros(IMAGES * (end - begin), np.int32),
            cam_from_world=self.cam_from_world[images],
            points=self.points[points],
            image_indices=from_first(self.image_indices[observations], images.start),
            point_indices=from_first(self.point_indices[observations], points.start),
            observations=self.observations[observations],
            fixed_params=[np.ones(len(CAMERA.params), bool)],
        )


def from_first(rows: np.ndarray, first: int) -> np.ndarray:
    """Rows counted from the first; no copy of those that are, which nobody with a whole problem would make."""
    return rows - first if first else rows


def arc() -> np.ndarray:
    """cam_from_world of images at distance 6 from the origin, which they look at, over 70 degrees."""
    angles = np.linspace(0, 1.2, IMAGES)
    centers = np.stack([6 * np.sin(angles), 0.3 * np.sin(3 * angles), -6 * np.cos(angles)], 1)
    z = -centers / np.linalg.norm(centers, axis=1, keepdims=True)
    x = np.cross([0, 1, 0], z)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    rotations = np.stack([x, np.cross(z, x), z], 1)
    return np.concatenate([rotations, -rotations @ centers[:, :, None]], axis=2)


def batch(items: Items) -> np.ndarray:
    problem = items.problem(0, items.count)
    return ba.solve_batch(problem, np.repeat(np.arange(items.count), IMAGES), num_threads=2).final_costs


def loop(items: Items) -> Timing:
    def solve() -> list[float]:
        return [ba.solve(items.problem(i, i + 1), solver="ceres").final_cost for i in range(MEASURED)]

    timing = timed(solve)
    return Timing(timing.seconds * items.count / MEASURED, timing.result)


def same_costs(ours: np.ndarray, theirs: list[float]) -> tuple[str, bool]:
    above = float(np.max(ours[:MEASURED] / theirs - 1))
    return f"final costs at most {above:+.1e} from Ceres'", above < 1e-6
