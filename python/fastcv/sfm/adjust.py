# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment of a model: one image's pose, the surroundings of an image, or everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ba
from ..scene import Camera
from .model import Model
from .options import Options

# A focal length found outside this range of the longer side is a failure, not a lens.
FOCAL_RANGE = (0.1, 15.0)
# Two views tell little of the lens: its parameters stay as they are in smaller models.
MIN_IMAGES_FOR_INTRINSICS = 3
# Images beside the new one that a local adjustment moves, those that share most points with it (COLMAP: 6 in all).
NUM_LOCAL_IMAGES = 5


def adjust_pose(model: Model, image: int, options: Options, *, refine_focal: bool) -> None:
    """Move one image to where the points that it observes ask for, leaving the points."""
    nodes = model.graph.nodes(image)
    nodes = nodes[model.point_of[nodes] >= 0]
    points = model.point_of[nodes]
    camera_id = int(model.camera_ids[image])
    camera = model.cameras[camera_id]
    start = model.cam_from_world[image], model.xyz[points], model.graph.xy[nodes], camera
    for refine in (True, False) if refine_focal else (False,):
        result = ba.refine_pose(
            *start, fixed_params=_fixed_params(camera, refine), loss="cauchy", num_threads=options.num_threads
        )
        if _plausible(result.cameras):
            break
    model.cam_from_world[image] = result.cam_from_world[0]
    model.cameras[camera_id] = result.cameras[0]


def adjust_around(model: Model, image: int, options: Options) -> None:
    """Move an image, those that share most points with it and all their points, leaving the rest of the model."""
    nodes, points = model.observations()
    own = np.zeros(len(model.xyz), bool)
    own[model.observed_points(image)] = True
    shared = np.bincount(model.graph.image_of[nodes[own[points]]], minlength=model.graph.num_images)
    shared[image] = 0
    nearest = np.argsort(-shared, kind="stable")[:NUM_LOCAL_IMAGES]
    free = np.zeros(model.graph.num_images, bool)
    free[image] = True
    free[nearest[shared[nearest] > 0]] = True
    # The lens is adjusted here only if no image elsewhere depends on it.
    elsewhere = np.unique(model.camera_ids[model.registered & ~free])
    _solve(model, free, elsewhere, options, max_iterations=25, function_tolerance=1e-4)


def adjust_all(model: Model, options: Options, *, max_iterations: int = 50, function_tolerance: float = 1e-6) -> None:
    """Move everything."""
    _solve(
        model,
        model.registered,
        np.empty(0, np.int64),
        options,
        max_iterations=max_iterations,
        function_tolerance=function_tolerance,
    )


def _solve(
    model: Model,
    free: NDArray[np.bool_],
    fixed_cameras: NDArray[np.int64],
    options: Options,
    *,
    max_iterations: int,
    function_tolerance: float,
) -> None:
    """Adjust the free images and the points that they observe, through all registered images that observe these."""
    nodes, points = model.observations()
    moving = np.zeros(len(model.xyz), bool)
    moving[points[free[model.graph.image_of[nodes]]]] = True
    nodes, points = nodes[moving[points]], points[moving[points]]
    if not len(nodes):
        return
    images, image_rows = np.unique(model.graph.image_of[nodes], return_inverse=True)
    rows, point_rows = np.unique(points, return_inverse=True)
    camera_ids, image_cameras = np.unique(model.camera_ids[images], return_inverse=True)
    refine = options.refine_intrinsics and model.num_registered >= MIN_IMAGES_FOR_INTRINSICS
    cameras = [model.cameras[key] for key in camera_ids.tolist()]
    anchored = ~free[images]
    problem = ba.Problem(
        cameras=cameras,
        image_cameras=image_cameras.astype(np.int32),
        cam_from_world=model.cam_from_world[images],
        points=model.xyz[rows],
        image_indices=image_rows.astype(np.int32),
        point_indices=point_rows.astype(np.int32),
        observations=model.graph.xy[nodes],
        fixed_images=anchored,
        fixed_params=[
            _fixed_params(camera, refine and key not in fixed_cameras)
            for key, camera in zip(camera_ids.tolist(), cameras, strict=True)
        ],
    )
    settings: dict[str, Any] = {
        "loss": "soft_l1",
        "gauge": "free" if anchored.sum() >= 2 else "two_cameras",
        "max_iterations": max_iterations,
        "function_tolerance": function_tolerance,
        "num_threads": options.num_threads,
    }
    result = ba.solve(problem, **settings)
    if not _plausible(result.cameras):
        # The photographs do not determine the lens: leave it as it is.
        problem.fixed_params = [_fixed_params(camera, False) for camera in cameras]
        result = ba.solve(problem, **settings)
    model.cam_from_world[images] = result.cam_from_world
    model.xyz[rows] = result.points
    model.cameras.update(zip(camera_ids.tolist(), result.cameras, strict=True))


def _plausible(cameras: Sequence[Camera]) -> bool:
    ratios = [camera.focal_length / max(camera.width, camera.height) for camera in cameras]
    return all(FOCAL_RANGE[0] <= ratio <= FOCAL_RANGE[1] for ratio in ratios)


def _fixed_params(camera: Camera, refine: bool) -> NDArray[np.bool_]:
    """All parameters, or the principal point alone: few photographs tell it from a turn of the camera."""
    fixed = np.full(len(camera.params), not refine)
    fixed[list(camera.principal_point_indices)] = True
    return fixed
