# SPDX-License-Identifier: Apache-2.0
"""The first two images of a model: many matches AND a wide baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from .. import geometry
from .adjust import adjust_all
from .model import Model
from .options import Options
from .plane import plane_poses
from .tracks import create_points, filter_points
from .two_view import TwoViewGeometry, median_parallax

Pairs = Mapping[tuple[int, int], TwoViewGeometry]

# A pair's matches count in full from this triangulation angle on (COLMAP's first choice), and in proportion below.
FULL_ANGLE = np.deg2rad(16.0)
# Below this no pair is tried, whatever its matches.
MIN_ANGLE = np.deg2rad(2.0)
# A baseline along the viewing direction leaves the depth of the image centre open (COLMAP's init_max_forward_motion).
MAX_FORWARD = 0.95


def rank_pairs(pairs: Pairs, options: Options) -> Iterator[tuple[int, int]]:
    """Pairs (of image ids) that may begin a model, best first; planes, whose pose is ambiguous, come last."""

    def score(key: tuple[int, int]) -> tuple[bool, float, tuple[int, int]]:
        pair = pairs[key]
        return pair.kind == "planar", -len(pair.matches) * min(pair.triangulation_angle / FULL_ANGLE, 1.0), key

    good = [
        key
        for key, pair in pairs.items()
        if pair.kind in ("calibrated", "uncalibrated", "planar")
        and len(pair.matches) >= options.min_initial_inliers
        and pair.triangulation_angle >= MIN_ANGLE
    ]
    yield from sorted(good, key=score)


def initial_poses(
    model: Model, key: tuple[int, int], pair: TwoViewGeometry, options: Options, seed: int
) -> list[NDArray[np.float64]]:
    """Poses of the second image relative to the first that deserve a try: one, or a plane's two.

    They are estimated anew, for the focal lengths may have become better than when the pair was verified.
    """
    graph, limit = model.graph, options.max_reprojection_error
    images = [image - 1 for image in key]
    points_a, points_b = (graph.xy[graph.offsets[image] + pair.matches[:, k]] for k, image in enumerate(images))
    camera_a, camera_b = (model.cameras[int(model.camera_ids[image])] for image in images)
    if pair.kind == "planar":
        poses = plane_poses(points_a, points_b, camera_a, camera_b, limit, seed)
    else:
        found = geometry.estimate_relative_pose(points_a, points_b, camera_a, camera_b, threshold=limit, seed=seed)
        if found.num_inliers < options.min_initial_inliers:
            return []
        points_a, points_b = points_a[found.inliers], points_b[found.inliers]
        poses = [found.cam2_from_cam1]
    return [
        pose
        for pose in poses
        if median_parallax(points_a, points_b, camera_a, camera_b, pose) >= MIN_ANGLE and abs(pose[2, 3]) <= MAX_FORWARD
    ]


def initialize(model: Model, key: tuple[int, int], cam2_from_cam1: NDArray[np.float64], options: Options) -> bool:
    """Begin the empty model with a pair; False where it does not hold up."""
    first, second = key[0] - 1, key[1] - 1
    model.cam_from_world[first] = np.eye(3, 4)
    model.cam_from_world[second] = cam2_from_cam1
    model.registered[[first, second]] = True
    if create_points(model, first, options) >= options.min_initial_inliers:
        adjust_all(model, options)
        filter_points(model, options)
    return model.num_points() >= options.min_initial_inliers
