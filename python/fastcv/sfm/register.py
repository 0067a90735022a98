# SPDX-License-Identifier: Apache-2.0
"""Resection: the pose of one more image from the points that it sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import geometry
from ..scene import Camera
from .adjust import adjust_pose
from .graph import Ints
from .model import Model
from .options import Options
from .tracks import observe

# Cells along one side of the image, level by level, of the visibility pyramid.
PYRAMID_CELLS = (2, 4, 8, 16, 32, 64)
# The points come from few views yet: a new image may miss them by more than it will in the end.
ERROR_FACTOR = 2.0
# Guesses tried for a focal length of which nothing is known, over the guess itself.
FOCAL_GUESSES = np.geomspace(0.25, 4.0, 17)


def visibility(model: Model) -> tuple[Ints, Ints]:
    """For each image how many points it could see, and how well they are spread over it; 0 for registered images.

    The spread is the score of Schönberger and Frahm 2016, section 4.2: occupied cells of ever finer grids, each grid
    weighted by the number of its cells, so that it favours many points and an even spread.
    """
    graph = model.graph
    visible = np.zeros(len(graph.xy), bool)
    visible[graph.sources[(model.point_of[graph.targets] >= 0) & ~model.registered[graph.image_of[graph.sources]]]] = (
        True
    )
    nodes = np.flatnonzero(visible)
    image = graph.image_of[nodes]
    count = np.bincount(image, minlength=graph.num_images)
    size = np.array([(model.cameras[c].width, model.cameras[c].height) for c in model.camera_ids.tolist()], float)
    relative = np.clip(graph.xy[nodes] / size[image], 0, 1 - 1e-9)
    score = np.zeros(graph.num_images, np.int64)
    for cells in PYRAMID_CELLS:
        column, row = (relative * cells).astype(np.int64).T
        occupied = np.zeros(graph.num_images * cells**2, bool)
        occupied[(image * cells + row) * cells + column] = True
        score += cells**2 * occupied.reshape(graph.num_images, -1).sum(axis=1)
    return count, score


def register(model: Model, image: int, options: Options, seed: int, *, camera_in_use: bool) -> str:
    """Estimate the pose of an image and let it observe the points that agree. Returns why not, or an empty text."""
    nodes, points = _candidates(model, image)
    if len(nodes) < options.min_resection_inliers:
        return f"sees {len(nodes)} points of the model, {options.min_resection_inliers} are needed"
    camera_id = int(model.camera_ids[image])
    camera = model.cameras[camera_id]
    guessed = options.refine_intrinsics and not camera_in_use and not camera.has_prior_focal_length
    xy, xyz = model.graph.xy[nodes], model.xyz[points]
    best: geometry.AbsolutePose | None = None
    for trial in _focal_trials(camera) if guessed else [camera]:
        pose = geometry.estimate_absolute_pose(
            xy, xyz, trial, threshold=ERROR_FACTOR * options.max_reprojection_error, seed=seed
        )
        if best is None or pose.num_inliers > best.num_inliers:
            best, camera = pose, trial
    assert best is not None
    needed = max(options.min_resection_inliers, int(np.ceil(options.min_resection_ratio * len(np.unique(nodes)))))
    if best.num_inliers < needed:
        return f"{best.num_inliers} of {len(nodes)} matched points agree on a pose, {needed} are needed"
    model.cameras[camera_id] = camera
    model.cam_from_world[image] = best.cam_from_world
    model.registered[image] = True
    nodes, points = nodes[best.inliers], points[best.inliers]
    order = np.argsort(model.errors(nodes, model.xyz[points]), kind="stable")
    observe(model, nodes[order], points[order])
    adjust_pose(model, image, options, refine_focal=guessed)
    return ""


def _candidates(model: Model, image: int) -> tuple[Ints, Ints]:
    """Distinct couples of a keypoint of the image and a point that a match of the keypoint observes."""
    nodes = model.graph.nodes(image)
    owner, other = model.graph.neighbours(nodes)
    points = model.point_of[other]
    couples = np.unique(np.stack([nodes[owner], points], axis=1)[points >= 0], axis=0)
    return couples[:, 0], couples[:, 1]


def _focal_trials(camera: Camera) -> list[Camera]:
    trials = []
    for factor in FOCAL_GUESSES:
        params: NDArray[np.float64] = camera.params.copy()
        params[list(camera.focal_indices)] *= factor
        trials.append(camera.with_params(params))
    return trials
