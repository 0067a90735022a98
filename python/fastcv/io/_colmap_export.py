# SPDX-License-Identifier: Apache-2.0
"""A Reconstruction checked and laid out as COLMAP's files want it, for the text and the binary writer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera, Image, Points3D, Reconstruction
from ._colmap_model import COLMAP_MODELS, MAX_ID
from ._colmap_rigs import ExportFrame, ExportRig, prepare_rigs
from ._rotations import quaternion_from_matrix


@dataclass(frozen=True)
class Export:
    """Sorted by id.

    ``poses``: a row of w, x, y, z, tx, ty, tz per image; ``track_*``: all tracks one after the other.
    """

    cameras: list[tuple[int, Camera]]
    images: list[tuple[int, Image]]
    poses: NDArray[np.float64]
    points: Points3D
    track_lengths: NDArray[np.int64]
    track_image_ids: NDArray[np.int64]
    track_keypoints: NDArray[np.int64]
    rigs: list[ExportRig]
    frames: list[ExportFrame]


def prepare(reconstruction: Reconstruction) -> Export:
    """Check what COLMAP cannot hold.

    Raises
    ------
    ValueError
        Ids that do not fit, a camera model or an image name that COLMAP does not have, a rotation that is none,
        values that are not finite, references to nothing.
    """
    cameras, images = sorted(reconstruction.cameras.items()), sorted(reconstruction.images.items())
    for what, ids in (("cameras", [key for key, _ in cameras]), ("images", [key for key, _ in images])):
        if ids and not (ids[0] >= 0 and ids[-1] <= MAX_ID):
            raise ValueError(f"{what}: expected ids in [0, {MAX_ID}], got {ids[0]} to {ids[-1]}")
    for camera_id, camera in cameras:
        if camera.model not in COLMAP_MODELS:
            raise ValueError(
                f"cameras[{camera_id}].model: expected a model that COLMAP has ({', '.join(COLMAP_MODELS)}), "
                f"got {camera.model}"
            )
    for image_id, image in images:
        if image.camera_id not in reconstruction.cameras:
            raise ValueError(f"images[{image_id}].camera_id: expected a key of cameras, got {image.camera_id}")
        if "\0" in image.name:
            raise ValueError(f"images[{image_id}].name: expected no NUL character, got {image.name!r}")
        if not (np.isfinite(image.points2D).all() and np.isfinite(image.cam_from_world).all()):
            raise ValueError(f"images[{image_id}]: expected finite keypoints and pose, got others")
    matrices = np.array([image.cam_from_world for _, image in images]).reshape(-1, 3, 4)
    try:
        quaternions = quaternion_from_matrix(matrices[:, :, :3])
    except ValueError as error:
        raise ValueError(f"images, in order of their ids, cam_from_world: {error}") from None
    points = reconstruction.points3D
    if len(points) and points.ids[0] < 0:
        raise ValueError(f"points3D.ids: expected 0 or more, got {points.ids[0]}")
    if not (np.isfinite(points.xyz).all() and np.isfinite(points.error).all()):
        raise ValueError("points3D: expected finite xyz and error, got others")
    try:
        image_ids, keypoints, rows = reconstruction.observations()
    except KeyError as error:
        raise ValueError(f"images: point3D_{error.args[0]}") from None
    rigs, frames = prepare_rigs(reconstruction)
    return Export(
        cameras=cameras,
        images=images,
        poses=np.hstack([quaternions, matrices[:, :, 3]]),
        points=points,
        track_lengths=np.bincount(rows, minlength=len(points)),
        track_image_ids=image_ids,
        track_keypoints=keypoints,
        rigs=rigs,
        frames=frames,
    )
