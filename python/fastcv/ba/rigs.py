# SPDX-License-Identifier: Apache-2.0
"""Cameras on a rigid mount: which images were taken at the same moment, and how their cameras sit on the mount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import check
from ..camera import angle_axis_from_rotation
from ..scene import Reconstruction, projection_centers
from ._values import as_dtype, check_finite, check_indices, check_rotations, raise_first

# How far images of a frame may contradict the poses of their sensors: radians, and of the extent of all projection
# centres. Poses that went through six printed digits pass.
_TOLERANCE = 1e-5
_DEFAULT: Any = None  # filled in by __post_init__, from the other fields


@dataclass(eq=False)
class Rigs:
    """Images that move together, with the poses of their sensors on the rig.

    A rig is a rigid mount of cameras, its sensors; a frame is one moment of a rig. The pose of an image in a frame is
    ``cam_from_world = sensor_from_rig ∘ rig_from_world``: as many poses are unknown as there are frames, and one for
    each sensor. A rig's frame of reference is usually that of one of its sensors, the reference.

    Parameters
    ----------
    image_frames : (I,) int32 array
        The frame of each image, from 0 on; -1 for an image that is in no rig.
    image_sensors : (I,) int32 array
        Its row of ``sensor_from_rig``; -1 for an image of its rig's reference sensor, or in no rig.
    sensor_from_rig : (S, 3, 4) float64 array
        ``[R | t]`` of each sensor: ``x_cam = R x_rig + t``. Several rigs share the array, each sensor with its row.
    fixed_sensors : (S,) bool array, optional
        Sensors that keep their pose on the rig; by default none.
    sensor_ids : sequence of (int, int), optional
        Rig and camera that the rows of ``sensor_from_rig`` are of in a reconstruction, for
        ``Problem.update_reconstruction``.

    Examples
    --------
    A stereo pair at three moments, the right camera 0.2 to the right of the left one:

    >>> import numpy as np
    >>> from fastcv.ba import Rigs
    >>> right = np.eye(3, 4)
    >>> right[0, 3] = -0.2
    >>> rigs = Rigs([0, 0, 1, 1, 2, 2], [-1, 0, -1, 0, -1, 0], [right])
    >>> rigs.num_frames, rigs.num_sensors
    (3, 1)
    >>> poses = rigs.cam_from_world(np.tile(np.eye(3, 4), (3, 1, 1)), np.tile(np.eye(3, 4), (6, 1, 1)))
    >>> poses[5, 0].tolist()
    [1.0, 0.0, 0.0, -0.2]
    """

    image_frames: NDArray[np.int32]
    image_sensors: NDArray[np.int32]
    sensor_from_rig: NDArray[np.float64]
    fixed_sensors: NDArray[np.bool_] = _DEFAULT
    sensor_ids: Sequence[tuple[int, int]] | None = None

    def __post_init__(self) -> None:
        self.image_frames = np.asarray(self.image_frames)
        self.image_sensors = np.asarray(self.image_sensors)
        self.sensor_from_rig = np.asarray(self.sensor_from_rig)
        if self.fixed_sensors is _DEFAULT:
            self.fixed_sensors = np.zeros(len(self.sensor_from_rig), bool)

    @classmethod
    def from_reconstruction(cls, reconstruction: Reconstruction, image_ids: Sequence[int]) -> Rigs | None:
        """The rigs of some of its images, in this order; None where none of them is in a frame."""
        rows = {image_id: row for row, image_id in enumerate(image_ids)}
        frames = [
            (reconstruction.rigs[frame.rig_id], frame.rig_id, members)
            for _, frame in sorted(reconstruction.frames.items())
            if (members := [image_id for image_id in frame.image_ids if image_id in rows])
        ]
        if not frames:
            return None
        poses = {
            (rig_id, camera_id): pose
            for rig_id in sorted({rig_id for _, rig_id, _ in frames})
            for camera_id, pose in reconstruction.rigs[rig_id].sensor_from_rig.items()
        }
        sensor_ids = list(poses)
        sensors = {key: row for row, key in enumerate(sensor_ids)}
        image_frames, image_sensors = np.full((2, len(rows)), -1, np.int32)
        for index, (rig, rig_id, members) in enumerate(frames):
            for image_id in members:
                camera_id = reconstruction.images[image_id].camera_id
                image_frames[rows[image_id]] = index
                if camera_id != rig.ref_camera_id:
                    image_sensors[rows[image_id]] = sensors[rig_id, camera_id]
        return cls(image_frames, image_sensors, np.array(list(poses.values())), sensor_ids=sensor_ids)

    def update_reconstruction(
        self, reconstruction: Reconstruction, image_ids: Sequence[int], sensor_from_rig: NDArray[np.float64]
    ) -> None:
        """Write the sensors' poses to the rigs, after the images' were written; other images of the rigs follow."""
        assert self.sensor_ids is not None
        mine = set(image_ids)
        changed = {rig_id for rig_id, _ in self.sensor_ids}
        frames = [frame for frame in reconstruction.frames.values() if frame.rig_id in changed]
        old = {rig_id: replace(reconstruction.rigs[rig_id]) for rig_id in changed}
        for (rig_id, camera_id), pose in zip(self.sensor_ids, sensor_from_rig, strict=True):
            reconstruction.rigs[rig_id].sensor_from_rig[camera_id] = pose.copy()
        for frame in frames:
            known = next((image_id for image_id in frame.image_ids if image_id in mine), None)
            first = reconstruction.images[frame.image_ids[0] if known is None else known]
            rig = old[frame.rig_id] if known is None else reconstruction.rigs[frame.rig_id]
            rig_from_world = rig.rig_from_world(first.camera_id, first.cam_from_world)
            for image_id in set(frame.image_ids) - mine:
                image = reconstruction.images[image_id]
                image.cam_from_world = reconstruction.rigs[frame.rig_id].cam_from_world(image.camera_id, rig_from_world)

    def check(self, cam_from_world: NDArray[np.float64]) -> None:
        """Convert every field to its dtype, and raise TypeError or ValueError for the first thing that is wrong."""
        count = len(cam_from_world)
        for name in ("image_frames", "image_sensors"):
            setattr(self, name, as_dtype(f"rigs.{name}", getattr(self, name), np.int32))
            check(f"rigs.{name}", getattr(self, name), (count,))
        self.sensor_from_rig = as_dtype("rigs.sensor_from_rig", self.sensor_from_rig, np.float64)
        check("rigs.sensor_from_rig", self.sensor_from_rig, ("S", 3, 4))
        self.fixed_sensors = as_dtype("rigs.fixed_sensors", self.fixed_sensors, np.bool_)
        check("rigs.fixed_sensors", self.fixed_sensors, (self.num_sensors,))
        poses = self.sensor_from_rig
        check_finite("rigs.sensor_from_rig", poses)
        check_rotations("rigs.sensor_from_rig", poses)
        check_indices("rigs.image_sensors", self.image_sensors, self.num_sensors, lowest=-1)
        check_indices("rigs.image_frames", self.image_frames, count, lowest=-1)
        outside = (self.image_frames < 0) & (self.image_sensors >= 0)
        raise_first("rigs.image_sensors", outside, "-1 for an image that is in no frame", self.image_sensors)
        self._check_frames()
        self._check_agreement(cam_from_world)

    def _check_frames(self) -> None:
        frames = self.image_frames[self.image_frames >= 0]
        if len(frames) == 0:
            raise ValueError("rigs.image_frames: expected at least one image in a frame, got none (rigs=None says so)")
        sizes = np.bincount(frames)
        raise_first("rigs.image_frames, frame", sizes == 0, "at least one image", sizes, " images")
        order = np.lexsort((self.image_sensors, self.image_frames))
        pairs = np.stack([self.image_frames, self.image_sensors])[:, order]
        again = np.flatnonzero((np.diff(pairs) == 0).all(axis=0) & (pairs[0, 1:] >= 0))
        if len(again):
            one, other = order[again[0]], order[again[0] + 1]
            raise ValueError(
                f"rigs.image_sensors[{other}]: expected one image of a sensor in a frame, got sensor "
                f"{self.image_sensors[other]} in frame {self.image_frames[other]} for image {one} too"
            )

    def _check_agreement(self, cam_from_world: NDArray[np.float64]) -> None:
        poses = self.cam_from_world(self.rig_from_world(cam_from_world), cam_from_world)
        turns = np.linalg.norm(
            angle_axis_from_rotation(poses[:, :, :3] @ cam_from_world[:, :, :3].transpose(0, 2, 1)), axis=1
        )
        centers = [projection_centers(cam_from_world), projection_centers(poses)]
        shifts = np.linalg.norm(centers[0] - centers[1], axis=1)
        extent = np.ptp(np.concatenate(centers), axis=0).max()
        rounding = 1e-9 * np.abs(centers[0]).max()
        wrong = np.flatnonzero((turns > _TOLERANCE) | (shifts > _TOLERANCE * extent + rounding))
        if len(wrong):
            image, frame = wrong[0], self.image_frames[wrong[0]]
            raise ValueError(
                f"cam_from_world[{image}]: expected the pose that follows from image {self.first_images[frame]} of the "
                f"same frame {frame} and sensor_from_rig, got one {turns[image]:.3g} radians and {shifts[image]:.3g} "
                f"scene units away"
            )

    @property
    def num_frames(self) -> int:
        """F, the number of frames."""
        return int(self.image_frames.max(initial=-1)) + 1

    @property
    def num_sensors(self) -> int:
        """S, the number of sensors without the references."""
        return len(self.sensor_from_rig)

    @property
    def first_images(self) -> NDArray[np.int64]:
        """For each frame the image that its pose is taken from, (F,): of the reference, else of the first sensor."""
        order = np.lexsort((self.image_sensors, self.image_frames))
        return order[np.searchsorted(self.image_frames[order], np.arange(self.num_frames))]

    def rig_from_world(self, cam_from_world: NDArray[np.float64]) -> NDArray[np.float64]:
        """The frames' poses, (F, 3, 4), that follow from those of images, (I, 3, 4)."""
        poses = cam_from_world[self.first_images].copy()
        sensors = self.image_sensors[self.first_images]
        mounted = sensors >= 0
        inverse = self.sensor_from_rig[sensors[mounted], :, :3].transpose(0, 2, 1)
        poses[mounted, :, 3] -= self.sensor_from_rig[sensors[mounted], :, 3]
        poses[mounted] = inverse @ poses[mounted]
        return poses

    def cam_from_world(
        self, rig_from_world: NDArray[np.float64], cam_from_world: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The images' poses, (I, 3, 4), that follow from the frames'; in no rig, those of ``cam_from_world``."""
        poses = cam_from_world.copy()
        framed = self.image_frames >= 0
        poses[framed] = rig_from_world[self.image_frames[framed]]
        mounted = self.image_sensors >= 0
        sensors = self.sensor_from_rig[self.image_sensors[mounted]]
        poses[mounted] = sensors[:, :, :3] @ poses[mounted]
        poses[mounted, :, 3] += sensors[:, :, 3]
        return poses
