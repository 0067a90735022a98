# SPDX-License-Identifier: Apache-2.0
"""RGB-D sequences as Microsoft's 7-Scenes and TUM's benchmark store them, and their depth as 16-bit PNG."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..scene import Camera
from ._rotations import matrix_from_quaternion
from ._text_cameras import finite_numbers, inverse, matrix_from_file, pinhole, rigid, text_lines
from .photo import read_image16, read_photo_info

_INTRINSICS = "camera-intrinsics.txt"
_SEVEN_SCENES_UNIT, _TUM_UNIT = 1e-3, 1 / 5000  # metres for one level of the PNG
_COLOR_SUFFIXES = (".color.png", ".color.jpg", ".color.jpeg")
_MAX_TIME = 0.02  # seconds between a depth map and its colour or pose, as in TUM's own associate.py
_NO_RETURN = 65535  # what Kinect's drivers write for none, beside 0


@dataclass(frozen=True)
class RgbdFrame:
    """A depth map, the photograph that belongs to it, and where they were taken.

    Parameters
    ----------
    name : str
    depth : Path
        A 16-bit PNG.
    color : Path or None
    cam_from_world : (3, 4) float64 array
    """

    name: str
    depth: Path
    color: Path | None
    cam_from_world: NDArray[np.float64]


@dataclass(frozen=True)
class RgbdSequence:
    """Frames of one depth camera.

    Parameters
    ----------
    camera : Camera
        PINHOLE; of the depth maps.
    unit : float
        Metres for one level of the depth maps.
    frames : list of RgbdFrame
        In the order of their names or times.
    skipped : dict of str to str
        Frames without a pose, and why.
    """

    camera: Camera
    unit: float
    frames: list[RgbdFrame]
    skipped: dict[str, str] = field(default_factory=dict)


def is_rgbd(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder looks like a sequence that ``read_rgbd`` reads."""
    folder = Path(folder)
    return _is_tum(folder) or next(folder.glob("*.depth.png"), None) is not None


def read_rgbd(
    folder: str | os.PathLike[str], intrinsics: tuple[float, float, float, float] | None = None
) -> RgbdSequence:
    """Read which frames a sequence has, with their poses. Depth maps and photographs stay where they are.

    ===========  ============================================================================================
    7-Scenes     ``NAME.depth.png`` in millimetres, ``NAME.color.png`` or ``.jpg`` beside it where there is one,
                 ``NAME.pose.txt`` with the 4×4 matrix from camera to world; one that is not finite stands for none
    TUM RGB-D    ``depth.txt`` and ``groundtruth.txt`` (time, position, quaternion x y z w; camera to world),
                 ``rgb.txt`` where there is one; depth in 1/5000 m. A depth map gets the photograph and the pose
                 that are nearest in time, at most 20 ms away
    ===========  ============================================================================================

    Both take the camera from ``camera-intrinsics.txt``, a 3×3 matrix that counts pixels from the centre of the first
    one, where no intrinsics are given.

    Parameters
    ----------
    folder : path-like
    intrinsics : (fx, fy, cx, cy), optional
        In pixels of the depth maps, (0, 0) the top-left corner of the image.

    Returns
    -------
    RgbdSequence

    Raises
    ------
    FormatError
        No such sequence, no intrinsics, a file that does not follow the format, or a pose that is not rigid.
    """
    folder = Path(folder)
    skipped: dict[str, str] = {}
    if _is_tum(folder):
        frames, unit = _tum_frames(folder, skipped), _TUM_UNIT
    else:
        frames, unit = _seven_scenes_frames(folder, skipped), _SEVEN_SCENES_UNIT
    if not frames:
        why = f"; {next(iter(skipped))}: {next(iter(skipped.values()))}" if skipped else ""
        raise FormatError(folder, f"expected frames with depth and pose, got none{why}")
    return RgbdSequence(_camera(folder, frames[0].depth, intrinsics), unit, frames, skipped)


def read_depth_png(path: str | os.PathLike[str], unit: float = _SEVEN_SCENES_UNIT) -> NDArray[np.float32]:
    """Read a depth map of 16 bits a pixel.

    Parameters
    ----------
    path : path-like
    unit : float
        Length of one level.

    Returns
    -------
    (H, W) float32 array
        Depth in the unit's units, 0 for none; the file says none with 0 or 65535.

    Raises
    ------
    FormatError
        Not an image of one channel with 16 bits.

    Examples
    --------
    >>> from fastcv.io import write_image
    >>> write_image("depth.png", np.array([[0, 1500, 65535]], np.uint16))
    >>> read_depth_png("depth.png")
    array([[0. , 1.5, 0. ]], dtype=float32)
    """
    levels = read_image16(path)
    return np.where(levels == _NO_RETURN, 0, levels * unit).astype(np.float32)


def _is_tum(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("depth.txt", "groundtruth.txt"))


def _seven_scenes_frames(folder: Path, skipped: dict[str, str]) -> list[RgbdFrame]:
    frames = []
    for depth in sorted(folder.glob("*.depth.png")):
        name = depth.name.removesuffix(".depth.png")
        path = folder / f"{name}.pose.txt"
        if not path.exists():
            skipped[name] = f"there is no {path.name}"
            continue
        pose = matrix_from_file(path, 4, 4)
        if not np.isfinite(pose).all():
            skipped[name] = f"{path.name} says that its pose is unknown"
            continue
        if pose[3].tolist() != [0, 0, 0, 1]:
            raise FormatError(path, f"expected 0 0 0 1 as the last row, got {pose[3].tolist()}")
        color = next((file for suffix in _COLOR_SUFFIXES if (file := folder / f"{name}{suffix}").exists()), None)
        frames.append(RgbdFrame(name, depth, color, inverse(rigid(path, pose[:3]))))
    return frames


def _tum_frames(folder: Path, skipped: dict[str, str]) -> list[RgbdFrame]:
    times, poses = _trajectory(folder / "groundtruth.txt")
    depths = _timed_files(folder / "depth.txt")
    colors = _timed_files(folder / "rgb.txt") if (folder / "rgb.txt").exists() else {}
    color_times = np.array(sorted(colors))
    frames = []
    for time, depth in sorted(depths.items()):
        row = _nearest(times, time)
        if row is None:
            skipped[depth.name] = f"no pose within {_MAX_TIME * 1000:.0f} ms"
            continue
        match = _nearest(color_times, time)
        color = None if match is None else colors[color_times[match]]
        frames.append(RgbdFrame(depth.name, depth, color, poses[row]))
    return frames


def _nearest(times: NDArray[np.float64], time: float) -> int | None:
    """Row of the time, of those that ascend, that is nearest; None where none is near enough."""
    if len(times) == 0:
        return None
    after = int(np.searchsorted(times, time))
    row = min((r for r in (after - 1, after) if 0 <= r < len(times)), key=lambda r: abs(times[r] - time))
    return row if abs(times[row] - time) <= _MAX_TIME else None


def _trajectory(path: Path) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Times, ascending, and cam_from_world at each."""
    poses = {}
    for number, line in text_lines(path):
        values = finite_numbers(path, line, 8, number)
        length = np.linalg.norm(values[4:])
        if abs(length - 1) > 1e-2:
            raise FormatError(path, f"expected a unit quaternion, got one of length {length:.3g}", line=number)
        R = matrix_from_quaternion(values[[7, 4, 5, 6]])
        poses[values[0]] = inverse(np.column_stack([R, values[1:4]]))
    times = sorted(poses)
    return np.array(times), [poses[time] for time in times]


def _timed_files(path: Path) -> dict[float, Path]:
    """Files by time."""
    files = {}
    for number, line in text_lines(path):
        words = line.split(maxsplit=1)
        if len(words) != 2:
            raise FormatError(path, "expected a time and a file, got one word", line=number)
        name = Path(words[1].decode(errors="replace"))
        if name.is_absolute() or ".." in name.parts:
            raise FormatError(path, f"expected a file in the folder, got {name}", line=number)
        files[float(finite_numbers(path, words[0], 1, number)[0])] = path.parent / name
    return files


def _camera(folder: Path, depth: Path, intrinsics: tuple[float, float, float, float] | None) -> Camera:
    info = read_photo_info(depth)
    if intrinsics is None:
        path = folder / _INTRINSICS
        if not path.exists():
            raise FormatError(folder, f"expected {_INTRINSICS} in it, or intrinsics that are given; got neither")
        intrinsics = tuple(pinhole(path, matrix_from_file(path, 3, 3)).tolist())
    return Camera("PINHOLE", info.width, info.height, np.array(intrinsics))
