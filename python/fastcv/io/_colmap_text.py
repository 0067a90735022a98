# SPDX-License-Identifier: Apache-2.0
"""COLMAP's text files: cameras.txt, rigs.txt, frames.txt, images.txt, points3D.txt.

Layouts: https://colmap.github.io/format.html and src/colmap/scene/reconstruction_io_text.cc of COLMAP 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..scene import CAMERA_MODELS, Camera
from ._bytes import parse_numbers
from ._colmap_export import Export
from ._colmap_model import (
    CAMERA_SENSOR,
    COLMAP_MODELS,
    IDENTITY_POSE,
    SENSOR_TYPES,
    RawFrame,
    RawImages,
    RawPoints,
    RawRig,
    Sensor,
    add_camera,
    unknown_model,
)

SUFFIX = ".txt"

# Ids pass through float64, which holds whole numbers below 2^53.
_MAX_POINT_ID = 2**53
_POINT_FIELDS = 8  # id, x, y, z, r, g, b, error; then pairs of image id and keypoint


class _TextFile:
    """The lines of a file that are neither empty nor comments, with a cursor over the words of the current one."""

    def __init__(self, path: Path):
        self.path = path
        self.lines = path.read_bytes().split(b"\n")
        self.line = 0  # of the current line, from 1; also the index of the next
        self._words: Iterator[bytes] = iter(())

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        raise FormatError(self.path, message, line=self.line if line is None else int(line))

    def __iter__(self) -> Iterator[bytes]:
        while self.line < len(self.lines):
            content = self.next_line()
            if content and not content.startswith(b"#"):
                self._words = iter(content.split())
                yield content

    def next_line(self) -> bytes:
        """The next line, whatever it holds, without the white space around it."""
        if self.line == len(self.lines):
            self.fail("expected one more line, got the end of the file")
        self.line += 1
        return self.lines[self.line - 1].strip()

    def word(self, what: str) -> bytes:
        word = next(self._words, None)
        if word is None:
            self.fail(f"expected {what}, got the end of the line")
        return word

    def integer(self, what: str, high: int = 2**32) -> int:
        """A whole number in [0, high)."""
        word = self.word(what)
        # 20 digits are enough for 2^64, and Python refuses thousands of them with another error.
        if not (word.isdigit() and len(word) <= 20 and int(word) < high):
            self.fail(f"expected {what}, a whole number in [0, {high}), got {word[:40].decode(errors='replace')!r}")
        return int(word)

    def numbers(self, count: int, what: str) -> list[float]:
        words = b" ".join(self.word(what) for _ in range(count))
        return parse_numbers(words, self.path, count, line=self.line).tolist()

    def sensor(self) -> Sensor:
        name = self.word("a sensor type").decode(errors="replace")
        if name not in SENSOR_TYPES:
            self.fail(f"expected a sensor type of {', '.join(SENSOR_TYPES)}, got {name[:40]!r}")
        return SENSOR_TYPES.index(name), self.integer("a sensor id")

    def end_line(self) -> None:
        extra = next(self._words, None)
        if extra is not None:
            self.fail(f"expected the end of the line, got {extra[:40].decode(errors='replace')!r}")


def read_cameras(path: Path) -> dict[int, Camera]:
    file = _TextFile(path)
    cameras: dict[int, Camera] = {}
    for _ in file:
        camera_id = file.integer("a camera id")
        model = file.word("a camera model").decode(errors="replace")
        if model not in COLMAP_MODELS:
            unknown_model(file, file.line, camera_id, repr(model[:40]))
        size = file.integer("a width", 2**64), file.integer("a height", 2**64)
        params = file.numbers(len(CAMERA_MODELS[model][1]), "a camera parameter")
        file.end_line()
        add_camera(cameras, file, file.line, camera_id, model, size, params)
    return cameras


def read_rigs(path: Path) -> tuple[dict[int, RawRig], _TextFile]:
    file = _TextFile(path)
    rigs: dict[int, RawRig] = {}
    for _ in file:
        rig_id, count = file.integer("a rig id"), file.integer("the number of sensors")
        sensors: dict[Sensor, Sequence[float] | None] = {}
        for index in range(count):
            sensor = file.sensor()
            if sensor in sensors:
                file.fail(f"rig {rig_id}: expected each sensor once, got {sensor} twice")
            if index == 0:  # the reference sensor is the rig's own frame
                sensors[sensor] = IDENTITY_POSE
            else:
                has_pose = file.integer("0 or 1 for a known pose", 2)
                sensors[sensor] = file.numbers(7, "a sensor's pose") if has_pose else None
        file.end_line()
        if rig_id in rigs:
            file.fail(f"rig {rig_id}: expected unique ids, got it twice")
        rigs[rig_id] = RawRig(file.line, sensors)
    return rigs, file


def read_frames(path: Path) -> tuple[list[RawFrame], _TextFile]:
    file = _TextFile(path)
    frames = []
    for _ in file:
        frame_id = file.integer("a frame id")
        rig_id, pose = file.integer("a rig id"), file.numbers(7, "a frame's pose")
        count = file.integer("the number of data")
        data = [(*file.sensor(), file.integer("a data id", 2**64)) for _ in range(count)]
        file.end_line()
        frames.append(RawFrame(file.line, frame_id, rig_id, pose, data))
    return frames, file


def read_images(path: Path) -> RawImages:
    file = _TextFile(path)
    images = RawImages(file)
    for header in file:
        images.places.append(file.line)
        images.ids.append(file.integer("an image id"))
        images.poses.append(file.numbers(7, "an image's pose"))
        images.camera_ids.append(file.integer("a camera id"))
        file.word("an image name")
        images.names.append(header.split(maxsplit=9)[9].decode(errors="surrogateescape"))
        # The line after it holds the keypoints, and is empty if there are none.
        values = parse_numbers(file.next_line(), path, line=file.line)
        if len(values) % 3:
            file.fail(f"expected keypoints as triples x, y, 3D point id, got {len(values)} numbers")
        table = values.reshape(-1, 3)
        images.points2D.append(table[:, :2].copy())
        images.point3D_ids.append(_whole(file, table[:, 2], -1, _MAX_POINT_ID, "3D point ids"))
    return images


def read_points3D(path: Path) -> RawPoints:
    file = _TextFile(path)
    lines, counts, text = [], [], [b""] * len(file.lines)
    for content in file:
        lines.append(file.line)
        counts.append(len(content.split()))
        text[file.line - 1] = content
        if counts[-1] < _POINT_FIELDS or counts[-1] % 2:
            file.fail(f"expected {_POINT_FIELDS} numbers and pairs of image id and keypoint, got {counts[-1]} numbers")
    # All numbers at once: a call per line would take ten times as long.
    values = parse_numbers(b"\n".join(text), path)
    return _raw_points(file, values, np.array(lines, np.int64), np.array(counts, np.int64))


def _raw_points(
    file: _TextFile, values: NDArray[np.float64], lines: NDArray[np.int64], counts: NDArray[np.int64]
) -> RawPoints:
    """Split the numbers of all lines, ``counts`` on each, into points and tracks."""
    fields = (np.cumsum(counts) - counts)[:, None] + np.arange(_POINT_FIELDS)
    points = values[fields]
    in_track = np.ones(len(values), bool)
    in_track[fields] = False
    lengths = (counts - _POINT_FIELDS) // 2
    track_lines = np.repeat(lines, lengths)
    tracks = _whole(file, values[in_track], 0, 2**32, "track entries", np.repeat(track_lines, 2)).reshape(-1, 2)
    colours = _whole(file, points[:, 4:7].ravel(), 0, 256, "colours", np.repeat(lines, 3))
    return RawPoints(
        source=file,
        places=lines,
        ids=_whole(file, points[:, 0], 0, _MAX_POINT_ID, "3D point ids", lines),
        xyz=points[:, 1:4],
        rgb=colours.reshape(-1, 3).astype(np.uint8),
        error=points[:, 7],
        track_lengths=lengths,
        track_places=track_lines,
        track_image_ids=tracks[:, 0],
        track_keypoints=tracks[:, 1],
    )


def _whole(
    file: _TextFile,
    values: NDArray[np.float64],
    low: int,
    high: int,
    what: str,
    lines: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The values as integers, all of which must be whole numbers in [low, high)."""
    bad = ~((values >= low) & (values < high) & (values == np.floor(values)))
    if bad.any():
        item = int(np.argmax(bad))
        line = None if lines is None else int(lines[item])
        file.fail(f"expected {what} as whole numbers in [{low}, {high}), got {values[item]:g}", line)
    return values.astype(np.int64)


def write_model(model: Export) -> dict[str, bytes]:
    """Content of the five files, by name without suffix.

    Raises
    ------
    ValueError
        A name with white space, which COLMAP's text reader would cut, or ids of 2^53 and more.
    """
    for image_id, image in model.images:
        if image.name.split() != [image.name] or image.name.startswith("#"):
            raise ValueError(
                f"images[{image_id}].name: expected a name without white space in COLMAP's text format "
                f"(binary=True takes any), got {image.name!r}"
            )
    if len(model.points) and model.points.ids[-1] >= _MAX_POINT_ID:
        raise ValueError(f"points3D.ids: expected less than 2^53 in COLMAP's text format, got {model.points.ids[-1]}")
    sensor = SENSOR_TYPES[CAMERA_SENSOR]
    lines = {
        "cameras": ["# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]"],
        "rigs": ["# RIG_ID, NUM_SENSORS, REF_SENSOR_TYPE, REF_SENSOR_ID, then of each other its TYPE, ID, 1, POSE"],
        "frames": ["# FRAME_ID, RIG_ID, QW, QX, QY, QZ, TX, TY, TZ, NUM_DATA, SENSOR_TYPE, SENSOR_ID, DATA_ID"],
        "images": ["# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME", "# then a line of X, Y, POINT3D_ID"],
        "points3D": ["# POINT3D_ID, X, Y, Z, R, G, B, ERROR, then pairs of IMAGE_ID, POINT2D_IDX"],
    }
    for camera_id, camera in model.cameras:
        lines["cameras"].append(f"{camera_id} {camera.model} {camera.width} {camera.height} {_join(camera.params)}")
    for rig in model.rigs:
        poses = "".join(f" {sensor} {camera_id} 1 {_join(pose)}" for camera_id, pose in rig.sensors)
        lines["rigs"].append(f"{rig.id} {1 + len(rig.sensors)} {sensor} {rig.reference}{poses}")
    for frame in model.frames:
        data = "".join(f" {sensor} {camera_id} {image_id}" for camera_id, image_id in frame.data)
        lines["frames"].append(f"{frame.id} {frame.rig_id} {_join(frame.pose)} {len(frame.data)}{data}")
    for (image_id, image), pose in zip(model.images, model.poses, strict=True):
        lines["images"].append(f"{image_id} {_join(pose)} {image.camera_id} {image.name}")
        keypoints = zip(*image.points2D.T.tolist(), image.point3D_ids.tolist(), strict=True)
        lines["images"].append(" ".join([f"{x:.17g} {y:.17g} {point_id}" for x, y, point_id in keypoints]))
    lines["points3D"] += _point_lines(model)
    # File names are bytes on Linux: what is not UTF-8 came in as surrogates and leaves as it was.
    return {name: ("\n".join(rows) + "\n").encode(errors="surrogateescape") for name, rows in lines.items()}


def _point_lines(model: Export) -> Iterator[str]:
    points = model.points
    observations = zip(model.track_image_ids.tolist(), model.track_keypoints.tolist(), strict=True)
    track = [f" {image_id} {keypoint}" for image_id, keypoint in observations]
    stops = np.cumsum(model.track_lengths).tolist()
    columns = (points.ids[:, None], points.xyz, points.rgb, points.error[:, None])
    values = [column for table in columns for column in table.T.tolist()]
    start = 0
    for point_id, x, y, z, r, g, b, error, stop in zip(*values, stops, strict=True):
        yield f"{point_id} {x:.17g} {y:.17g} {z:.17g} {r} {g} {b} {error:.17g}{''.join(track[start:stop])}"
        start = stop


def _join(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.17g}" for value in values.tolist())
