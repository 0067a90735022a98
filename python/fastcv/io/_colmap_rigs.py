# SPDX-License-Identifier: Apache-2.0
"""Rigs and frames as COLMAP wants them: every camera in a rig, every image in a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import Reconstruction, Rig
from ._colmap_model import MAX_ID
from ._rotations import quaternion_from_matrix

# How far the images of a frame may contradict their rig: of a rotation's entries, and of the extent of all projection
# centres. Poses that went through six printed digits pass.
_TOLERANCE = 1e-5

Pose = NDArray[np.float64]


class ExportRig(NamedTuple):
    """``sensors``: id of each further camera, and its pose w, x, y, z, tx, ty, tz."""

    id: int
    reference: int
    sensors: list[tuple[int, Pose]]


class ExportFrame(NamedTuple):
    """``pose``: rig_from_world, w, x, y, z, tx, ty, tz; ``data``: camera id and image id."""

    id: int
    rig_id: int
    pose: Pose
    data: list[tuple[int, int]]


def prepare_rigs(model: Reconstruction) -> tuple[list[ExportRig], list[ExportFrame]]:
    """The model's rigs and frames, and one for each camera and image that is in none. Raises ValueError."""
    rig_of = _rig_of_cameras(model)
    rigs = dict(model.rigs)
    for camera_id, rig_id in zip(*_free_ids(set(model.cameras) - set(rig_of), rigs), strict=True):
        rigs[rig_id], rig_of[camera_id] = Rig(camera_id), rig_id
    frames = {key: (frame.rig_id, list(frame.image_ids)) for key, frame in model.frames.items()}
    listed = _listed_images(model, rig_of)
    for image_id, frame_id in zip(*_free_ids(set(model.images) - listed, frames), strict=True):
        frames[frame_id] = rig_of[model.images[image_id].camera_id], [image_id]
    centers = np.array([image.center for image in model.images.values()]).reshape(-1, 3)
    allowed = _TOLERANCE * np.ptp(centers, axis=0).max() + 1e-9 * np.abs(centers).max() if len(centers) else 0.0
    poses = {key: _rig_from_world(model, key, rigs[rig_id], ids, allowed) for key, (rig_id, ids) in frames.items()}
    return (
        [
            ExportRig(key, rig.ref_camera_id, [(c, _row(pose)) for c, pose in rig.sensor_from_rig.items()])
            for key, rig in sorted(rigs.items())
        ],
        [
            ExportFrame(key, rig_id, _row(poses[key]), [(model.images[i].camera_id, i) for i in ids])
            for key, (rig_id, ids) in sorted(frames.items())
        ],
    )


def _rig_of_cameras(model: Reconstruction) -> dict[int, int]:
    rig_of: dict[int, int] = {}
    for key, rig in model.rigs.items():
        if not 0 <= key <= MAX_ID:
            raise ValueError(f"rigs: expected ids in [0, {MAX_ID}], got {key}")
        for camera_id in rig.camera_ids:
            if camera_id not in model.cameras:
                raise ValueError(f"rigs[{key}]: expected keys of cameras, got {camera_id}")
            if camera_id in rig_of:
                raise ValueError(
                    f"rigs[{key}]: expected camera {camera_id} in one rig, got it in {rig_of[camera_id]} too"
                )
            rig_of[camera_id] = key
    return rig_of


def _listed_images(model: Reconstruction, rig_of: dict[int, int]) -> set[int]:
    """The images that frames list."""
    listed: set[int] = set()
    for key, frame in model.frames.items():
        if not 0 <= key <= MAX_ID or frame.rig_id not in model.rigs or not frame.image_ids:
            raise ValueError(
                f"frames[{key}]: expected an id in [0, {MAX_ID}], the key of a rig and images, "
                f"got rig {frame.rig_id} and images {frame.image_ids}"
            )
        for image_id in frame.image_ids:
            if image_id not in model.images or rig_of.get(model.images[image_id].camera_id) != frame.rig_id:
                raise ValueError(f"frames[{key}]: expected images of rig {frame.rig_id}, got image {image_id}")
            if image_id in listed:
                raise ValueError(f"frames[{key}]: expected image {image_id} in one frame, got a second one")
            listed.add(image_id)
        cameras = [model.images[image_id].camera_id for image_id in frame.image_ids]
        if len(set(cameras)) < len(cameras):
            raise ValueError(f"frames[{key}]: expected one image of each camera, got cameras {cameras}")
    return listed


def _free_ids(keys: Iterable[int], taken: Iterable[int]) -> tuple[list[int], list[int]]:
    """The keys, sorted, and an id for each: itself where that is not taken, else one beyond all."""
    ordered, used = sorted(keys), set(taken)
    beyond = max([*ordered, *used], default=0)
    return ordered, [key if key not in used else (beyond := beyond + 1) for key in ordered]


def _rig_from_world(model: Reconstruction, frame_id: int, rig: Rig, image_ids: list[int], allowed: float) -> Pose:
    """The frame's pose by its first image; raises where the others contradict it."""
    order = {camera_id: place for place, camera_id in enumerate(rig.camera_ids)}
    ordered = sorted(image_ids, key=lambda image_id: order[model.images[image_id].camera_id])
    first = model.images[ordered[0]]
    rig_from_world = rig.rig_from_world(first.camera_id, first.cam_from_world)
    for image_id in ordered[1:]:
        image = model.images[image_id]
        pose = rig.cam_from_world(image.camera_id, rig_from_world)
        turn = float(np.abs(pose[:, :3] - image.rotation).max())
        shift = float(np.linalg.norm(-pose[:, :3].T @ pose[:, 3] - image.center))
        if not (turn <= _TOLERANCE and shift <= allowed):
            raise ValueError(
                f"images[{image_id}].cam_from_world: expected what follows from image {ordered[0]} of the same frame "
                f"{frame_id} and the rig, got a rotation that differs by {turn:.3g} and a centre {shift:.3g} units away"
            )
    return rig_from_world


def _row(pose: Pose) -> Pose:
    return np.concatenate([quaternion_from_matrix(pose[:, :3]), pose[:, 3]])
