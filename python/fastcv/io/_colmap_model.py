# SPDX-License-Identifier: Apache-2.0
"""What COLMAP's text and binary files share: raw records, and the checks that make a Reconstruction of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from ..scene import CAMERA_MODELS, Camera, Image, Points3D, Reconstruction
from ._rotations import matrix_from_quaternion

# COLMAP has no BAL; its largest uint32 means "no id".
COLMAP_MODELS = {name: number for name, (number, _) in CAMERA_MODELS.items() if name != "BAL"}
MODEL_NAMES = {number: name for name, number in COLMAP_MODELS.items()}
MAX_ID = 2**32 - 2
SENSOR_TYPES = ("CAMERA", "IMU")  # by COLMAP's number
CAMERA_SENSOR = SENSOR_TYPES.index("CAMERA")
# Six written digits are a millionth off; more than this is not a rounded unit quaternion.
_UNIT_TOLERANCE = 1e-3
IDENTITY_POSE = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

Sensor = tuple[int, int]  # type, id


class Source(Protocol):
    """A file that is being read. Places are byte offsets or lines."""

    def fail(self, message: str, place: int | None = None, /) -> NoReturn: ...


class Rig(NamedTuple):
    """``sensors``: sensor_from_rig as (w, x, y, z, tx, ty, tz), None where it is not known."""

    place: int
    sensors: dict[Sensor, Sequence[float] | None]


class Frame(NamedTuple):
    """One instant of a rig: rig_from_world, and the data (sensor type, sensor id, data id) taken then."""

    place: int
    rig_id: int
    pose: Sequence[float]
    data: list[tuple[int, int, int]]


@dataclass
class RawImages:
    """Records of an images file; ``poses`` as (w, x, y, z, tx, ty, tz)."""

    source: Source
    places: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    poses: list[Sequence[float]] = field(default_factory=list)
    camera_ids: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    points2D: list[NDArray[np.float64]] = field(default_factory=list)
    point3D_ids: list[NDArray[np.int64]] = field(default_factory=list)


@dataclass
class RawPoints:
    """Records of a points3D file. ``track_*``: all tracks one after the other, with a place per element."""

    source: Source
    places: NDArray[np.int64]
    ids: NDArray[np.int64]
    xyz: NDArray[np.float64]
    rgb: NDArray[np.uint8]
    error: NDArray[np.float64]
    track_lengths: NDArray[np.int64]
    track_places: NDArray[np.int64]
    track_image_ids: NDArray[np.int64]
    track_keypoints: NDArray[np.int64]


def add_camera(
    cameras: dict[int, Camera],
    source: Source,
    place: int,
    camera_id: int,
    model: str,
    size: tuple[int, int],
    params: Sequence[float],
) -> None:
    """Check and add one camera."""
    if camera_id in cameras:
        source.fail(f"camera {camera_id}: expected unique ids, got it twice", place)
    try:
        cameras[camera_id] = Camera(model, *size, np.array(params, np.float64))
    except ValueError as error:
        source.fail(f"camera {camera_id}: {error}", place)


def unknown_model(source: Source, place: int, camera_id: int, model: object) -> NoReturn:
    """Fail for a camera model that fastcv does not have."""
    source.fail(f"camera {camera_id}: expected a camera model of {', '.join(COLMAP_MODELS)}, got {model}", place)


def rigid_matrices(source: Source, places: Sequence[int], poses: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(N, 3, 4) matrices from N rows of w, x, y, z, tx, ty, tz; quaternions are normalised."""
    table = np.array(poses, np.float64).reshape(-1, 7)
    with np.errstate(over="ignore"):  # a norm that overflows is not 1
        norms = np.linalg.norm(table[:, :4], axis=1)
    bad = ~(np.isfinite(table).all(axis=1) & (np.abs(norms - 1) < _UNIT_TOLERANCE))
    if bad.any():
        row = int(np.argmax(bad))
        source.fail(f"expected a unit quaternion and a finite translation, got {table[row].tolist()}", places[row])
    return np.concatenate([matrix_from_quaternion(table[:, :4]), table[:, 4:, None]], axis=2)


def poses_from_frames(
    images: RawImages, rigs: dict[int, Rig], rig_source: Source, frames: list[Frame], frame_source: Source
) -> NDArray[np.float64]:
    """``cam_from_world`` of each image by its frame, (N, 3, 4). COLMAP ignores the image file's own poses then."""
    rigs_from_world = rigid_matrices(frame_source, [f.place for f in frames], [f.pose for f in frames])
    sensors_from_rig = {
        (rig_id, sensor): rigid_matrices(rig_source, [rig.place], [pose])[0]
        for rig_id, rig in rigs.items()
        for sensor, pose in rig.sensors.items()
        if pose is not None
    }
    by_image: dict[int, tuple[int, NDArray[np.float64]]] = {}
    for frame, rig_from_world in zip(frames, rigs_from_world, strict=True):
        for sensor_type, sensor_id, image_id in frame.data:
            if sensor_type != CAMERA_SENSOR:
                continue
            sensor_from_rig = sensors_from_rig.get((frame.rig_id, (sensor_type, sensor_id)))
            if sensor_from_rig is None:
                message = f"expected a rig {frame.rig_id} that knows the pose of camera {sensor_id}, got none"
                frame_source.fail(message, frame.place)
            if image_id in by_image:
                frame_source.fail(f"image {image_id}: expected one frame, got a second one", frame.place)
            by_image[image_id] = sensor_id, _compose(sensor_from_rig, rig_from_world)
    result = np.empty((len(images.ids), 3, 4))
    for row, (place, image_id, camera_id) in enumerate(zip(images.places, images.ids, images.camera_ids, strict=True)):
        found = by_image.get(image_id)
        if found is None or found[0] != camera_id:
            got = "no frame" if found is None else f"camera {found[0]}"
            images.source.fail(
                f"image {image_id}: expected a frame that has it for camera {camera_id}, got {got}", place
            )
        result[row] = found[1]
    return result


def assemble(
    cameras: dict[int, Camera], images: RawImages, cam_from_world: NDArray[np.float64], points: RawPoints
) -> Reconstruction:
    """Check the references between the files and join them."""
    result = Reconstruction(cameras=cameras, points3D=_sorted_points(points))
    rows = zip(
        images.places, images.ids, images.camera_ids, images.names, cam_from_world, images.points2D, images.point3D_ids,
        strict=True,
    )  # fmt: skip
    for place, image_id, camera_id, name, pose, points2D, point3D_ids in rows:
        if image_id in result.images:
            images.source.fail(f"image {image_id}: expected unique ids, got it twice", place)
        if camera_id not in cameras:
            images.source.fail(f"image {image_id}: expected the id of a camera, got {camera_id}", place)
        if not np.isfinite(points2D).all():
            images.source.fail(f"image {image_id}: expected finite keypoints, got some that are not", place)
        result.images[image_id] = Image(name, camera_id, pose, points2D, point3D_ids)
    _check_tracks(images, points)
    return result


def _compose(a_from_b: NDArray[np.float64], b_from_c: NDArray[np.float64]) -> NDArray[np.float64]:
    result = a_from_b[:, :3] @ b_from_c
    result[:, 3] += a_from_b[:, 3]
    return result


def _sorted_points(points: RawPoints) -> Points3D:
    def refuse(bad: NDArray[np.bool_], message: str) -> None:
        if bad.any():
            row = int(np.argmax(bad))
            points.source.fail(f"3D point {points.ids[row]}: {message}", int(points.places[row]))

    refuse(points.ids < 0, "expected an id in [0, 2^63), got another")
    refuse(~(np.isfinite(points.xyz).all(axis=1) & np.isfinite(points.error)), "expected finite values, got others")
    order = np.argsort(points.ids, kind="stable")
    twice = np.zeros(len(order), bool)
    twice[order[1:]] = np.diff(points.ids[order]) == 0
    refuse(twice, "expected unique ids, got it twice")
    return Points3D(points.ids[order], points.xyz[order], points.rgb[order], points.error[order])


def _check_tracks(images: RawImages, points: RawPoints) -> None:
    """Tracks and the keypoints' 3D point ids must say the same, for a Reconstruction keeps only the latter."""
    counts = np.array([len(ids) for ids in images.point3D_ids], np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    keypoint_owners: NDArray[np.int64] = np.concatenate([np.empty(0, np.int64), *images.point3D_ids])
    order = np.argsort(np.array(images.ids, np.int64), kind="stable")
    sorted_ids = np.append(np.array(images.ids, np.int64)[order], -1)
    row_in_order = np.searchsorted(sorted_ids[:-1], points.track_image_ids)
    known = sorted_ids[row_in_order] == points.track_image_ids
    image_rows = np.append(order, -1)[row_in_order]
    known &= points.track_keypoints < np.append(counts, 0)[image_rows]
    keypoints = np.where(known, starts[image_rows] + points.track_keypoints, 0)
    listed = np.zeros(len(keypoint_owners), bool)
    listed[keypoints[known]] = True
    track_owners = np.repeat(points.ids, points.track_lengths)
    agree = known.copy()
    agree[known] = keypoint_owners[keypoints[known]] == track_owners[known]
    if not agree.all():
        _fail_at_element(points, int(np.argmin(agree)), "expected a keypoint that refers back to this point, got none")
    if listed.sum() != len(keypoints):
        first = np.unique(keypoints, return_index=True)[1]
        again = int(np.setdiff1d(np.arange(len(keypoints)), first)[0])
        _fail_at_element(points, again, "expected each observation once, got it twice")
    orphan = (keypoint_owners >= 0) & ~listed
    if orphan.any():
        keypoint = int(np.argmax(orphan))
        row = int(np.searchsorted(starts, keypoint, side="right")) - 1
        message = (
            f"image {images.ids[row]}: expected the track of 3D point {keypoint_owners[keypoint]} to list keypoint "
            f"{keypoint - starts[row]}, got no such point or track"
        )
        images.source.fail(message, images.places[row])


def _fail_at_element(points: RawPoints, element: int, message: str) -> NoReturn:
    point = np.repeat(points.ids, points.track_lengths)[element]
    observation = f"image {points.track_image_ids[element]}, keypoint {points.track_keypoints[element]}"
    points.source.fail(f"3D point {point}, {observation}: {message}", int(points.track_places[element]))
