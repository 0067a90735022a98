# SPDX-License-Identifier: Apache-2.0
"""COLMAP's binary files, little endian: cameras.bin, rigs.bin, frames.bin, images.bin, points3D.bin.

Layouts: src/colmap/scene/reconstruction_io_binary.cc of COLMAP 4.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..scene import CAMERA_MODELS, Camera
from ._bytes import ByteReader
from ._colmap_export import Export
from ._colmap_model import (
    CAMERA_SENSOR,
    IDENTITY_POSE,
    MODEL_NAMES,
    RawFrame,
    RawImages,
    RawPoints,
    RawRig,
    Sensor,
    add_camera,
    unknown_model,
)

SUFFIX = ".bin"

_COUNT = struct.Struct("<Q")
_COUNT32 = struct.Struct("<I")
_CAMERA = struct.Struct("<IiQQ")  # id, model, width, height; then the parameters
_RIG = struct.Struct("<I")  # id; then the number of sensors
_SENSOR = struct.Struct("<iI")  # type, id
_POSE = struct.Struct("<7d")  # w, x, y, z, tx, ty, tz
_FRAME = struct.Struct("<II7d")  # id, rig id, rig_from_world; then the number of data
_DATUM = struct.Struct("<iIQ")  # sensor type, sensor id, data id
_IMAGE = struct.Struct("<I7dI")  # id, cam_from_world, camera id; then the name and the keypoints
_KEYPOINT = np.dtype([("xy", "<f8", 2), ("point3D_id", "<i8")])
_POINT = np.dtype([("id", "<i8"), ("xyz", "<f8", 3), ("rgb", "u1", 3), ("error", "<f8"), ("track_length", "<u8")])
_TRACK_LENGTH = _POINT.fields["track_length"][1]  # type: ignore[index]
_OBSERVATION = np.dtype([("image_id", "<u4"), ("keypoint", "<u4")])


def read_cameras(path: Path) -> dict[int, Camera]:
    reader = ByteReader(path)
    cameras: dict[int, Camera] = {}
    for _ in range(reader.count(_COUNT, _CAMERA.size, "cameras")):
        place = reader.offset
        camera_id, model_id, width, height = reader.unpack(_CAMERA, "a camera")
        model = MODEL_NAMES.get(model_id)
        if model is None:
            unknown_model(reader, place, camera_id, f"number {model_id}")
        params = reader.array("<f8", len(CAMERA_MODELS[model][1]), "camera parameters")
        add_camera(cameras, reader, place, camera_id, model, (width, height), params.tolist())
    reader.finish()
    return cameras


def read_rigs(path: Path) -> tuple[dict[int, RawRig], ByteReader]:
    reader = ByteReader(path)
    rigs: dict[int, RawRig] = {}
    for _ in range(reader.count(_COUNT, _RIG.size + _COUNT32.size, "rigs")):
        place = reader.offset
        (rig_id,) = reader.unpack(_RIG, "a rig")
        sensors: dict[Sensor, Sequence[float] | None] = {}
        for index in range(reader.count(_COUNT32, _SENSOR.size, "sensors")):
            sensor = reader.unpack(_SENSOR, "a sensor")
            if sensor in sensors:
                reader.fail(f"rig {rig_id}: expected each sensor once, got {sensor} twice")
            if index == 0:  # the reference sensor is the rig's own frame
                sensors[sensor] = IDENTITY_POSE
            else:
                (has_pose,) = reader.unpack(struct.Struct("B"), "a flag")
                sensors[sensor] = reader.unpack(_POSE, "a sensor's pose") if has_pose else None
        if rig_id in rigs:
            reader.fail(f"rig {rig_id}: expected unique ids, got it twice", place)
        rigs[rig_id] = RawRig(place, sensors)
    reader.finish()
    return rigs, reader


def read_frames(path: Path) -> tuple[list[RawFrame], ByteReader]:
    reader = ByteReader(path)
    frames = []
    for _ in range(reader.count(_COUNT, _FRAME.size + _COUNT32.size, "frames")):
        place = reader.offset
        frame_id, rig_id, *pose = reader.unpack(_FRAME, "a frame")
        data = [reader.unpack(_DATUM, "a frame's data") for _ in range(reader.count(_COUNT32, _DATUM.size, "data"))]
        frames.append(RawFrame(place, frame_id, rig_id, pose, data))
    reader.finish()
    return frames, reader


def read_images(path: Path) -> RawImages:
    reader = ByteReader(path)
    images = RawImages(reader)
    for _ in range(reader.count(_COUNT, _IMAGE.size + 1 + _COUNT.size, "images")):
        images.places.append(reader.offset)
        image_id, *pose, camera_id = reader.unpack(_IMAGE, "an image")
        name = reader.until(b"\0", "an image name")
        keypoints = reader.array(_KEYPOINT, reader.count(_COUNT, _KEYPOINT.itemsize, "keypoints"), "keypoints")
        images.ids.append(image_id)
        images.poses.append(pose)
        images.camera_ids.append(camera_id)
        images.names.append(name.decode(errors="surrogateescape"))
        images.points2D.append(keypoints["xy"].astype(np.float64))
        # COLMAP's "no point" is the largest uint64, which is -1 here.
        images.point3D_ids.append(keypoints["point3D_id"].astype(np.int64))
        if (images.point3D_ids[-1] < -1).any():
            reader.fail(f"image {image_id}: expected 3D point ids in [0, 2^63) or none, got others", images.places[-1])
    reader.finish()
    return images


def read_points3D(path: Path) -> RawPoints:
    reader = ByteReader(path)
    count = reader.count(_COUNT, _POINT.itemsize, "3D points")
    starts, lengths = np.empty(count, np.int64), np.empty(count, np.int64)
    # Where a record starts depends on all tracks before it: this loop is the only part that cannot be vectorised.
    offset, size, data = reader.offset, len(reader.data), reader.data
    for row in range(count):
        starts[row] = offset
        if offset + _POINT.itemsize > size:
            reader.fail(f"expected {count} 3D points, got the end of the file in number {row}", offset)
        (length,) = _COUNT.unpack_from(data, offset + _TRACK_LENGTH)
        offset += _POINT.itemsize + _OBSERVATION.itemsize * length
        if offset > size:
            message = f"expected room for a track of {length} observations, got the end of the file"
            reader.fail(message, int(starts[row]) + _TRACK_LENGTH)
        lengths[row] = length
    reader.offset = offset
    reader.finish()
    points = _at_each_byte(np.frombuffer(data, np.uint8), _POINT)[starts]
    places = _track_places(starts, lengths)
    observations = _at_each_byte(np.frombuffer(data, np.uint8), _OBSERVATION)[places]
    return RawPoints(
        source=reader,
        places=starts,
        ids=points["id"].astype(np.int64),
        xyz=points["xyz"].astype(np.float64),
        rgb=points["rgb"],
        error=points["error"].astype(np.float64),
        track_lengths=lengths,
        track_places=places,
        track_image_ids=observations["image_id"].astype(np.int64),
        track_keypoints=observations["keypoint"].astype(np.int64),
    )


def _at_each_byte(buffer: NDArray[np.uint8], dtype: np.dtype) -> NDArray:
    """A view in which item k is the record that begins at byte k, for gathering and scattering unaligned records."""
    return np.ndarray((max(0, len(buffer) - dtype.itemsize + 1),), dtype, buffer, strides=(1,))


def _track_places(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Byte offset of every observation of every track."""
    size = _OBSERVATION.itemsize
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts + _POINT.itemsize - size * before, lengths) + size * np.arange(lengths.sum())


def write_model(model: Export) -> dict[str, bytes]:
    """Content of the five files, by name without suffix."""
    cameras, rigs = [_COUNT.pack(len(model.cameras))], [_COUNT.pack(len(model.rigs))]
    for camera_id, camera in model.cameras:
        cameras.append(_CAMERA.pack(camera_id, camera.model_id, camera.width, camera.height))
        cameras.append(camera.params.astype("<f8").tobytes())
    for rig in model.rigs:
        rigs.append(_RIG.pack(rig.id) + _COUNT32.pack(1 + len(rig.sensors)))
        rigs.append(_SENSOR.pack(CAMERA_SENSOR, rig.reference))
        for camera_id, pose in rig.sensors:
            rigs.append(_SENSOR.pack(CAMERA_SENSOR, camera_id) + b"\1" + _POSE.pack(*pose))
    frames, images = [_COUNT.pack(len(model.frames))], [_COUNT.pack(len(model.images))]
    for frame in model.frames:
        frames.append(_FRAME.pack(frame.id, frame.rig_id, *frame.pose) + _COUNT32.pack(len(frame.data)))
        frames += [_DATUM.pack(CAMERA_SENSOR, camera_id, image_id) for camera_id, image_id in frame.data]
    for (image_id, image), pose in zip(model.images, model.poses.tolist(), strict=True):
        keypoints = np.empty(len(image.points2D), _KEYPOINT)
        keypoints["xy"], keypoints["point3D_id"] = image.points2D, image.point3D_ids
        images.append(_IMAGE.pack(image_id, *pose, image.camera_id))
        images.append(image.name.encode(errors="surrogateescape") + b"\0")
        images += [_COUNT.pack(len(keypoints)), keypoints.tobytes()]
    return {
        "cameras": b"".join(cameras),
        "rigs": b"".join(rigs),
        "frames": b"".join(frames),
        "images": b"".join(images),
        "points3D": _pack_points3D(model),
    }


def _pack_points3D(model: Export) -> bytes:
    points, lengths = model.points, model.track_lengths
    records = np.empty(len(points), _POINT)
    records["id"], records["xyz"], records["rgb"] = points.ids, points.xyz, points.rgb
    records["error"], records["track_length"] = points.error, lengths
    observations = np.empty(lengths.sum(), _OBSERVATION)
    observations["image_id"], observations["keypoint"] = model.track_image_ids, model.track_keypoints
    sizes = _POINT.itemsize + _OBSERVATION.itemsize * lengths
    starts = _COUNT.size + np.cumsum(sizes) - sizes
    data = np.empty(_COUNT.size + sizes.sum(), np.uint8)
    data[: _COUNT.size] = np.frombuffer(_COUNT.pack(len(points)), np.uint8)
    _at_each_byte(data, _POINT)[starts] = records
    _at_each_byte(data, _OBSERVATION)[_track_places(starts, lengths)] = observations
    return data.tobytes()
