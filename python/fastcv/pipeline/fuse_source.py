# SPDX-License-Identifier: Apache-2.0
"""Finds the depth maps of a scene, their cameras and photographs, and reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .. import io
from ..errors import FastcvError, FormatError
from ..scene import Camera, Image, Reconstruction
from .digest import digest_or_none
from .images import resized
from .manifest import NAME as MANIFEST
from .photos import describe
from .views import scaled

_RUN, _WORKSPACE = "depth/cameras", "stereo/depth_maps"  # what tells run folders and COLMAP's from others
_COLMAP_KINDS = ("geometric", "photometric")  # after and before COLMAP's own filter


class FuseError(FastcvError, ValueError):
    """The depth maps cannot be fused; the message says why."""


@dataclass(frozen=True)
class DepthFile:
    """A depth map, and the photograph that it belongs to.

    Parameters
    ----------
    name : str
    camera : Camera
        PINHOLE; of the depth map.
    cam_from_world : (3, 4) float64 array
    depth : Path
        PFM, a 16-bit PNG, or COLMAP's array.
    unit : float
        Scene units for one level of a PNG.
    photo : Path or None
    photo_camera : Camera or None
        Of the photograph where it has distortion; None where it is the depth map's.
    """

    name: str
    camera: Camera
    cam_from_world: NDArray[np.float64]
    depth: Path
    unit: float
    photo: Path | None
    photo_camera: Camera | None = None

    def describe(self) -> list[Any]:
        """All that a result can depend on."""
        cameras = [None if camera is None else describe(camera) for camera in (self.camera, self.photo_camera)]
        files = [None if path is None else digest_or_none(path) for path in (self.depth, self.photo)]
        return [self.name, cameras, self.cam_from_world.tolist(), self.unit, files]

    def read_depth(self, max_depth: float | None = None) -> NDArray[np.float32]:
        """The depth map, 0 for none and beyond ``max_depth``.

        Raises
        ------
        FormatError
            The file is damaged, or its size is not the camera's.
        OSError
            It cannot be read.
        """
        if self.depth.suffix == ".png":
            depth = io.read_depth_png(self.depth, self.unit)
        else:
            depth = io.read_pfm(self.depth) if self.depth.suffix == ".pfm" else io.read_colmap_array(self.depth)
        expected = (self.camera.height, self.camera.width)
        if depth.shape != expected:
            raise FormatError(self.depth, f"expected shape {expected}, its camera's, got {depth.shape}")
        good = np.isfinite(depth) & (depth > 0)
        if max_depth is not None:
            good &= depth <= max_depth
        return np.where(good, depth, np.float32(0))

    def read_photo(self) -> NDArray[np.uint8]:
        """The photograph at the size of the depth map and without distortion.

        Raises
        ------
        FormatError
            There is none, it is damaged, or not one of the depth map.
        OSError
            It cannot be read.
        """
        if self.photo is None:
            raise FormatError(self.depth, "expected a photograph of it, as others have, found none")
        photo = io.read_photo(self.photo)
        height, width = photo.shape[:2]
        camera = self.camera
        if abs(width * camera.height - height * camera.width) > max(width, height, camera.width, camera.height):
            rule = f"expected the proportions of its depth map, {camera.width} x {camera.height} pixels"
            raise FormatError(self.photo, f"{rule}, got {width} x {height}")
        picture = resized(photo, max(camera.width, camera.height))
        if self.photo_camera is not None and picture.shape[:2] == (camera.height, camera.width):
            source = scaled(self.photo_camera, camera.width, camera.height)
            picture, _ = camera_room.undistort_image(picture, source, pinhole=camera)
        if picture.shape[:2] != (camera.height, camera.width):
            raise FormatError(
                self.photo, f"expected {camera.width} x {camera.height} pixels or more, got {width} x {height}"
            )
        return picture


def find_depths(
    scene: Path, images: Path | None = None, intrinsics: tuple[float, float, float, float] | None = None
) -> tuple[list[DepthFile], dict[str, str]]:
    """The depth maps of a scene in the order of their names, and those to skip with the reason.

    Photographs of a run are looked for where its summary says; a depth map without one is no error.

    A scene is a run folder of ``mvs`` or ``reconstruct``, COLMAP's dense workspace, or an RGB-D sequence.

    Raises
    ------
    NotADirectoryError
        There is no such folder.
    FuseError
        It is none of these, or has no depth maps.
    FormatError
        A file in it is damaged.
    """
    for folder in (scene, images):
        if folder is not None and not folder.is_dir():
            kind = "a file" if folder.exists() else "nothing there"
            raise NotADirectoryError(f"{folder}: expected a folder, got {kind}")
    if (scene / _RUN).is_dir():
        depths, skipped = _of_run(scene, images)
    elif (scene / _WORKSPACE).is_dir():
        depths, skipped = _of_colmap(scene, images)
    elif io.is_rgbd(scene):
        sequence = io.read_rgbd(scene, intrinsics)
        depths, skipped = _of_sequence(sequence), sequence.skipped
    else:
        rule = "expected a run folder of mvs or reconstruct, COLMAP's dense workspace or an RGB-D sequence"
        unfinished = ", of which depth is not finished yet" if (scene / MANIFEST).exists() else ""
        raise FuseError(f"{scene}: {rule}, got {'a run folder' if unfinished else 'none of them'}{unfinished}")
    if not depths:
        why = "".join(f"\n  {name}: {reason}" for name, reason in skipped.items())
        raise FuseError(f"{scene}: expected depth maps, found none{why}")
    return depths, skipped


def holds_depths(scene: Path) -> bool:
    """Whether a folder looks like something that ``find_depths`` takes."""
    return any((scene / name).is_dir() for name in (_RUN, _WORKSPACE)) or (scene.is_dir() and io.is_rgbd(scene))


def _of_sequence(sequence: io.RgbdSequence) -> list[DepthFile]:
    return [
        DepthFile(frame.name, sequence.camera, frame.cam_from_world, frame.depth, sequence.unit, frame.color)
        for frame in sequence.frames
    ]


def _of_run(scene: Path, images: Path | None) -> tuple[list[DepthFile], dict[str, str]]:
    pinholes = io.read_colmap(scene / _RUN)
    original, photos = _photographs_of_run(scene)
    photos = images or photos
    cameras = {} if original is None else {i.name: original.cameras[i.camera_id] for i in original.images.values()}
    depths, skipped = [], {}
    for image in _by_name(pinholes):
        path, camera = scene / "depth" / f"{image.name}.pfm", pinholes.cameras[image.camera_id]
        if not path.exists():
            skipped[image.name] = "there is no depth map"
            continue
        photo = None if photos is None or image.name not in cameras else photos / image.name
        known = cameras.get(image.name)
        depths.append(DepthFile(image.name, camera, image.cam_from_world, path, 1.0, _if_there(photo), known))
    return depths, skipped


def _photographs_of_run(scene: Path) -> tuple[Reconstruction | None, Path | None]:
    """The model and the folder of photographs that a run was made from, as far as they are still there."""
    path = scene / "summary.json"
    try:
        summary = json.loads(path.read_bytes()) if path.exists() else {}
    except ValueError as error:
        raise FormatError(path, f"expected JSON: {error}") from None
    model = Path(summary["model"]) if "model" in summary else scene / "sparse" / "0"
    photos = Path(summary["photos"]) if "photos" in summary else None
    if photos is not None and not photos.is_dir():
        photos = None
    return (io.read_colmap(model) if model.is_dir() else None), photos


def _of_colmap(scene: Path, images: Path | None) -> tuple[list[DepthFile], dict[str, str]]:
    model = io.read_colmap(scene / "sparse")
    folder = scene / _WORKSPACE
    depths, skipped = [], {}
    for image in _by_name(model):
        camera = model.cameras[image.camera_id]
        if camera.model != "PINHOLE":
            raise FuseError(f"{scene / 'sparse'}: expected cameras without distortion, PINHOLE, got {camera.model}")
        found = [path for kind in _COLMAP_KINDS if (path := folder / f"{image.name}.{kind}.bin").exists()]
        if not found:
            skipped[image.name] = "there is no depth map"
            continue
        photo = (images or scene / "images") / image.name
        depths.append(DepthFile(image.name, camera, image.cam_from_world, found[0], 1.0, _if_there(photo)))
    return depths, skipped


def _by_name(model: Reconstruction) -> list[Image]:
    return sorted(model.images.values(), key=lambda image: image.name)


def _if_there(path: Path | None) -> Path | None:
    return path if path is not None and path.exists() else None
