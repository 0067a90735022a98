# SPDX-License-Identifier: Apache-2.0
"""``transforms.json``: posed photographs as Blender's NeRF scenes, instant-ngp and nerfstudio describe them."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..scene import Image, Reconstruction
from ._atomic import atomic_write
from ._text_cameras import inverse, rigid
from ._transforms_camera import camera_from_settings, number, settings_from_camera
from .photo import read_photo_info

_log = logging.getLogger(__name__)

# OpenGL's camera looks along -z with y up, ours along z with y down.
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
_SUFFIXES = ("", ".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG")
_SPLITS = ("train", "val", "test")
_NGP_SCALE, _NGP_OFFSET = 0.33, 0.5  # instant-ngp, include/neural-graphics-primitives/nerf_loader.h


@dataclass(frozen=True)
class Transforms:
    """Posed photographs, and what the file says of the scene.

    Parameters
    ----------
    reconstruction : Reconstruction
        Cameras and images, the latter numbered from 1 in the file's order; no points.
    paths : dict of int to Path
        The photograph of each image.
    splits : dict of str to list of int
        Images of ``"train"``, ``"val"`` and ``"test"`` where the file, or a file for each, says so; else empty.
    missing : list of str
        What was listed and is not there; left out of all else.
    aabb_scale : float
        Sides of the scene's box in those of instant-ngp's unit cube.
    scale : float
    offset : (3,) float64 array
        instant-ngp's cube has a point x of the world at ``x * scale + offset``.
    """

    reconstruction: Reconstruction
    paths: dict[int, Path]
    splits: dict[str, list[int]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    aabb_scale: float = 1.0
    scale: float = _NGP_SCALE
    offset: NDArray[np.float64] = field(default_factory=lambda: np.full(3, _NGP_OFFSET))

    @property
    def box(self) -> NDArray[np.float64]:
        """The scene's box in the world, (2, 3): instant-ngp's unit cube, ``aabb_scale`` times as large."""
        half = 0.5 * self.aabb_scale / self.scale
        middle = (0.5 - self.offset) / self.scale
        return np.stack([middle - half, middle + half])


def read_transforms(path: str | os.PathLike[str]) -> Transforms:
    """Read posed photographs from ``transforms.json``, or from ``transforms_train.json``, ``_val`` and ``_test``.

    =================  ============================================================================================
    focal length       ``fl_x``, ``fl_y`` in pixels, or ``camera_angle_x``, ``camera_angle_y`` in radians; y as x
    principal point    ``cx``, ``cy`` from the image's corner, else its middle
    size               ``w``, ``h``, else the photograph's own
    distortion         ``k1 k2 k3 p1 p2`` of OPENCV, or with ``is_fisheye`` or ``"camera_model": "OPENCV_FISHEYE"``
                       ``k1 k2 k3 k4``; ``"EQUIRECTANGULAR"`` has none
    poses              ``transform_matrix`` from camera to world, (3, 4) or (4, 4); the camera looks along -z, y up
    scene              ``aabb_scale``, ``scale``, ``offset``, as instant-ngp has them
    splits             a file for each, or nerfstudio's ``train_filenames``, ``val_filenames``, ``test_filenames``
    =================  ============================================================================================

    All but the last two rows may stand in a frame, where they count for it alone. A photograph's ``file_path`` is
    relative to the file, with its suffix or without.

    Parameters
    ----------
    path : path-like
        The file, or the folder that it is in.

    Returns
    -------
    Transforms
        Poses are ``cam_from_world`` in fastcv's frames; the world is the file's.

    Raises
    ------
    FormatError
        No such file in the folder, no JSON, a key that is missing or of another kind, a pose that is not rigid, a
        camera model that is not known, or not one of the photographs.
    MissingDependencyError
        Pillow is not installed, and the file does not tell the size of photographs.

    Examples
    --------
    >>> from fastcv.io import write_image
    >>> write_image("1.png", np.zeros((20, 30, 3), np.uint8))
    >>> frame = {"file_path": "1", "transform_matrix": np.eye(4).tolist()}
    >>> _ = Path("transforms.json").write_text(json.dumps({"camera_angle_x": 0.7, "frames": [frame]}))
    >>> scene = read_transforms("transforms.json")
    >>> scene.paths[1].name, scene.reconstruction.images[1].rotation.diagonal().tolist()
    ('1.png', [1.0, -1.0, -1.0])
    """
    result = Transforms(Reconstruction(), {})
    settings: dict[str, Any] = {}
    for split, file in _files(Path(path)):
        settings = _json(file)
        ids = _read_frames(file, settings, result)
        if split:
            result.splits[split] = ids
    if not result.paths:
        raise FormatError(path, f"expected photographs, got none of {len(result.missing)}: no {result.missing[0]}")
    if result.missing:
        _log.warning("%s: %d photographs are missing, the first is %s", path, len(result.missing), result.missing[0])
    scale = number(path, settings, "scale", _NGP_SCALE)
    aabb_scale = number(path, settings, "aabb_scale", 1.0)
    if not (scale > 0 and aabb_scale > 0):
        raise FormatError(path, f"expected a positive scale and aabb_scale, got {scale} and {aabb_scale}")
    offset = _array(path, settings.get("offset", [_NGP_OFFSET] * 3), "offset", (3,))
    parts = result.reconstruction, result.paths, result.splits, result.missing
    return Transforms(*parts, aabb_scale=aabb_scale, scale=scale, offset=offset)


def write_transforms(path: str | os.PathLike[str], transforms: Transforms) -> None:
    """Write posed photographs as one ``transforms.json``, atomically.

    Parameters
    ----------
    path : path-like
        The file. Photographs are named relative to its folder where they are in it.
    transforms : Transforms
        Splits become nerfstudio's ``train_filenames`` and so on.

    Raises
    ------
    ValueError
        A camera of a model that the format does not have.

    Examples
    --------
    >>> from fastcv.scene import Camera
    >>> camera = Camera("PINHOLE", 30, 20, np.array([40.0, 40.0, 15.0, 10.0]))
    >>> scene = Reconstruction({1: camera}, {1: Image("1.png", 1, np.eye(3, 4))})
    >>> write_transforms("transforms.json", Transforms(scene, {1: Path("1.png")}))
    >>> json.loads(Path("transforms.json").read_text())["fl_x"]
    40.0
    """
    path = Path(path)
    scene = transforms.reconstruction
    cameras = {key: settings_from_camera(camera) for key, camera in scene.cameras.items()}
    shared = len({image.camera_id for image in scene.images.values()}) == 1
    frames, names = [], {}
    for key, image in scene.images.items():
        photo = transforms.paths[key].absolute()
        inside = photo.is_relative_to(path.parent.absolute())
        names[key] = (photo.relative_to(path.parent.absolute()) if inside else photo).as_posix()
        matrix = np.vstack([inverse(image.cam_from_world), [0, 0, 0, 1]]) @ _FLIP
        intrinsics = {} if shared else cameras[image.camera_id]
        frames.append({"file_path": names[key], **intrinsics, "transform_matrix": matrix.tolist()})
    head = {"aabb_scale": transforms.aabb_scale, "scale": transforms.scale, "offset": transforms.offset.tolist()}
    if shared:
        head |= cameras[next(iter(scene.images.values())).camera_id]
    splits = {f"{split}_filenames": [names[key] for key in ids] for split, ids in transforms.splits.items()}
    with atomic_write(path) as file:
        file.write(json.dumps({**head, **splits, "frames": frames}, indent=1).encode())


def _files(path: Path) -> list[tuple[str, Path]]:
    """Files to read, each with the split that it stands for or an empty word."""
    if not path.is_dir():
        split = path.stem.removeprefix("transforms_")
        return [(split if split in _SPLITS else "", path)]
    if (path / "transforms.json").is_file():
        return [("", path / "transforms.json")]
    files = [(split, path / f"transforms_{split}.json") for split in _SPLITS]
    files = [(split, file) for split, file in files if file.is_file()]
    if not files:
        raise FormatError(path, "expected transforms.json or transforms_train.json in it, got neither")
    return files


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(path, f"expected JSON, got: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list) or not content["frames"]:
        raise FormatError(path, "expected an object with frames, a list that is not empty, got something else")
    return content


def _read_frames(path: Path, settings: dict[str, Any], result: Transforms) -> list[int]:
    """Append the frames of a file whose photographs are there; the numbers of their images."""
    scene, by_name = result.reconstruction, {}
    for i, frame in enumerate(settings["frames"]):
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str) or not frame["file_path"]:
            raise FormatError(path, f"frames[{i}]: expected a file_path, got none")
        name = frame["file_path"].replace("\\", "/")
        pose = _pose(path, frame.get("transform_matrix"), i)
        photo = next((p for s in _SUFFIXES if (p := path.parent / f"{name}{s}").is_file()), None)
        if photo is None:
            result.missing.append(name)
            continue
        merged = {**settings, **frame}
        if not ("w" in merged and "h" in merged):
            info = read_photo_info(photo)
            merged |= {"w": info.width, "h": info.height}
        camera = camera_from_settings(path, merged, i)
        camera_id = next((key for key, known in scene.cameras.items() if known == camera), len(scene.cameras) + 1)
        scene.cameras[camera_id] = camera
        key = len(scene.images) + 1
        scene.images[key] = Image(os.path.normpath(name + photo.name.removeprefix(Path(name).name)), camera_id, pose)
        result.paths[key] = photo
        by_name[name] = key
    for split in _SPLITS:
        if f"{split}_filenames" in settings:
            result.splits[split] = _split(path, settings[f"{split}_filenames"], by_name, result.missing)
    return list(by_name.values())


def _split(path: Path, names: Any, by_name: dict[str, int], missing: list[str]) -> list[int]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(path, "expected lists of names for train_filenames and so on, got something else")
    unknown = set(names) - by_name.keys() - set(missing)
    if unknown:
        raise FormatError(path, f"expected splits of files that are frames, got {min(unknown)}")
    return [by_name[name] for name in names if name in by_name]


def _pose(path: Path, matrix: Any, frame: int) -> NDArray[np.float64]:
    """cam_from_world of a frame's transform_matrix."""
    where = f"frames[{frame}]: transform_matrix"
    rows = len(matrix) if isinstance(matrix, list) and len(matrix) == 3 else 4
    values = _array(path, matrix, where, (rows, 4))
    if rows == 4 and not np.allclose(values[3], [0, 0, 0, 1], rtol=0, atol=1e-6):
        raise FormatError(path, f"{where}: expected 0 0 0 1 as the last row, got {values[3].tolist()}")
    return inverse(rigid(path, values[:3] @ _FLIP))


def _array(path: str | os.PathLike[str], value: Any, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape != shape or not np.isfinite(array).all():
        raise FormatError(path, f"{name}: expected finite numbers of shape {shape}, got {str(value)[:60]}")
    return array
