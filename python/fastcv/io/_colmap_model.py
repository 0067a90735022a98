# SPDX-License-Identifier: Apache-2.0
"""What COLMAP's text and binary files share: raw records, and the checks that make a Reconstruction of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from ..scene import CAMERA_MODELS, Camera, Frame, Image, Points3D, Reconstruction, Rig
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


class RawRig(NamedTuple):
    """``sensors``: sensor_from_rig as (w, x, y, z, tx, ty, tz), None where it is not known."""

    place: int
    sensors: dict[Sensor, Sequence[float] | None]


class RawFrame(NamedTuple):
    """One instant of a rig: rig_from_world, and the data (sensor type, sensor id, data id) taken then."""

    place: int
    id: int
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
    images: RawImages, rigs: dict[int, RawRig], rig_source: Source, frames: list[RawFrame], frame_source: Source
) -> NDArray[np.float64]:
    """``cam_from_world`` of each image by its frame, (N, 3, 4). COLMAP ignores the image file's own poses then."""
    rigs_from_world = rigid_matrices(frame_source, [f.place for f in frames], [f.pose for f in frames])
    sensors_from_rig = {
        (rig_id, (CAMERA_SENSOR, camera_id)): pose
        for rig_id, rig in rigs.items()
        for camera_id, pose in _camera_poses(rig, rig_source).items()
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


def rigs_of_cameras(
    images: RawImages, rigs: dict[int, RawRig], rig_source: Source, frames: list[RawFrame], frame_source: Source
) -> tuple[dict[int, Rig], dict[int, Frame]]:
    """The rigs of several cameras and their frames; where the reference is none, a rig's first camera becomes it."""
    poses = {key: _camera_poses(raw, rig_source) for key, raw in rigs.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        kept = {key: Rig.from_poses(of_cameras) for key, of_cameras in poses.items() if len(of_cameras) > 1}
    for key, rig in kept.items():
        if not np.isfinite(list(rig.sensor_from_rig.values())).all():
            rig_source.fail(f"rig {key}: expected finite poses, got others", rigs[key].place)
    known = set(images.ids)
    result: dict[int, Frame] = {}
    for frame in frames:
        if frame.id in result:
            frame_source.fail(f"frame {frame.id}: expected unique ids, got it twice", frame.place)
        members = [image_id for kind, _, image_id in frame.data if kind == CAMERA_SENSOR and image_id in known]
        if frame.rig_id in kept and members:
            result[frame.id] = Frame(frame.rig_id, members)
    return kept, result


def _camera_poses(rig: RawRig, source: Source) -> dict[int, NDArray[np.float64]]:
    """sensor_from_rig of the cameras of which it is known, by id."""
    poses = {sensor: pose for sensor, pose in rig.sensors.items() if pose is not None}
    matrices = rigid_matrices(source, [rig.place] * len(poses), list(poses.values()))
    return {key: pose for (kind, key), pose in zip(poses, matrices, strict=True) if kind == CAMERA_SENSOR}


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
        if not (np.isfinite(points2D).all() and np.isfinite(pose).all()):
            images.source.fail(f"image {image_id}: expected finite keypoints and pose, got others", place)
        result.images[image_id] = Image(name, camera_id, pose, points2D, point3D_ids)
    _check_tracks(images, points)
    return result


def _compose(a_from_b: NDArray[np.float64], b_from_c: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):  # assemble() looks for what is not finite
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
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in images.point3D_ids], dtype=np.int64)])
    # One owner more, which is no point: row -1 stands for a keypoint that does not exist.
    owners: NDArray[np.int64] = np.concatenate([*images.point3D_ids, np.array([-1])])
    keypoints = _keypoint_rows(images, starts, points)
    agree = owners[keypoints] == np.repeat(points.ids, points.track_lengths)
    if not agree.all():
        _fail_at_element(points, int(np.argmin(agree)), "expected a keypoint that refers back to this point, got none")
    listed = np.zeros(len(owners), bool)
    listed[keypoints] = True
    if listed.sum() != len(keypoints):
        first = np.unique(keypoints, return_index=True)[1]
        again = int(np.setdiff1d(np.arange(len(keypoints)), first)[0])
        _fail_at_element(points, again, "expected each observation once, got it twice")
    orphans = np.flatnonzero((owners >= 0) & ~listed)
    if len(orphans):
        row = int(np.searchsorted(starts, orphans[0], side="right")) - 1
        message = (
            f"image {images.ids[row]}: expected the track of 3D point {owners[orphans[0]]} to list keypoint "
            f"{orphans[0] - starts[row]}, got no such point or track"
        )
        images.source.fail(message, images.places[row])


def _keypoint_rows(images: RawImages, starts: NDArray[np.int64], points: RawPoints) -> NDArray[np.int64]:
    """Of each track element, the row among the keypoints of all images one after the other, -1 if there is none."""
    ids = np.array(images.ids, np.int64)
    order = np.argsort(ids)
    image_rows = np.append(order, -1)[np.searchsorted(ids[order], points.track_image_ids)]
    known = np.append(ids, -1)[image_rows] == points.track_image_ids
    known &= points.track_keypoints < np.append(np.diff(starts), 0)[image_rows]
    return np.where(known, starts[image_rows] + points.track_keypoints, -1)


def _fail_at_element(points: RawPoints, element: int, message: str) -> NoReturn:
    point = np.repeat(points.ids, points.track_lengths)[element]
    observation = f"image {points.track_image_ids[element]}, keypoint {points.track_keypoints[element]}"
    points.source.fail(f"3D point {point}, {observation}: {message}", int(points.track_places[element]))
