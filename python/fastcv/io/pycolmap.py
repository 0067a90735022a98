# SPDX-License-Identifier: Apache-2.0
"""Models that pycolmap holds in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera, Frame, Image, Points3D, Reconstruction, Rig


def from_pycolmap(model: Any) -> Reconstruction:
    """Our own reconstruction from a ``pycolmap.Reconstruction`` (4.0 or later), without files in between.

    The same as ``read_colmap`` gives for the model written to disk, except that cameras keep
    ``has_prior_focal_length``. Images without a pose are left out.

    Parameters
    ----------
    model : pycolmap.Reconstruction
        Is not changed.

    Returns
    -------
    Reconstruction

    Examples
    --------
    >>> import pycolmap
    >>> options = pycolmap.SyntheticDatasetOptions(num_cameras_per_rig=2, num_frames_per_rig=3, num_points3D=20)
    >>> scene = from_pycolmap(pycolmap.synthesize_dataset(options))
    >>> len(scene.images) == 2 * len(scene.frames)
    True
    """
    images = {
        key: Image(
            name=image.name,
            camera_id=image.camera_id,
            cam_from_world=image.cam_from_world().matrix(),
            points2D=np.array([point.xy for point in image.points2D]).reshape(-1, 2),
            point3D_ids=_ids([point.point3D_id if point.has_point3D() else -1 for point in image.points2D]),
        )
        for key, image in sorted(model.images.items())
        if image.has_pose
    }
    poses = {key: _camera_poses(rig) for key, rig in sorted(model.rigs.items())}
    rigs = {key: Rig.from_poses(of_cameras) for key, of_cameras in poses.items() if len(of_cameras) > 1}
    frames = {
        key: Frame(raw.rig_id, members)
        for key, raw in sorted(model.frames.items())
        if raw.rig_id in rigs and (members := sorted(datum.id for datum in raw.image_ids if datum.id in images))
    }
    return Reconstruction(
        cameras={key: _camera(camera) for key, camera in sorted(model.cameras.items())},
        images=images,
        points3D=_points(model),
        rigs=rigs,
        frames=frames,
    )


def _camera(camera: Any) -> Camera:
    params = np.array(camera.params)
    return Camera(camera.model.name, camera.width, camera.height, params, camera.has_prior_focal_length)


def _is_camera(sensor: Any) -> bool:
    return sensor.type.name == "CAMERA"


def _camera_poses(rig: Any) -> dict[int, NDArray[np.float64]]:
    """sensor_from_rig of the cameras of which it is known."""
    poses = {rig.ref_sensor_id.id: np.eye(3, 4)} if _is_camera(rig.ref_sensor_id) else {}
    for sensor, pose in sorted(rig.non_ref_sensors.items(), key=lambda item: item[0].id):
        if _is_camera(sensor) and pose is not None:
            poses[sensor.id] = pose.matrix()
    return poses


def _points(model: Any) -> Points3D:
    points = sorted(model.points3D.items())
    return Points3D(
        ids=_ids([key for key, _ in points]),
        xyz=np.array([point.xyz for _, point in points]).reshape(-1, 3),
        rgb=np.array([point.color for _, point in points], np.uint8).reshape(-1, 3),
        error=np.array([point.error for _, point in points], np.float64),
    )


def _ids(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)
