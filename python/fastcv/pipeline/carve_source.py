# SPDX-License-Identifier: Apache-2.0
"""Finds the cameras, photographs and silhouettes of a scene that is to be carved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io
from ..errors import FastcvError, FormatError
from ..scene import Camera
from .fuse_source import DepthFile
from .photos import describe

_IMAGES, _MASKS = ("images", "photos"), ("masks", "mask")


class CarveError(FastcvError, ValueError):
    """The scene does not allow it; the message says why."""


@dataclass(frozen=True)
class SilhouetteFile:
    """One view of an object.

    Parameters
    ----------
    name : str
    camera : Camera or None
        None where only the projection is known.
    projection : (3, 4) float64 array
        The pose ``cam_from_world`` of the camera; without one the matrix from the world to pixels, in any scale.
    photo, mask : Path or None
        The photograph, and the picture of its silhouette.
    depth : DepthFile or None
        What the camera, then one without distortion, is that of.
    """

    name: str
    camera: Camera | None
    projection: NDArray[np.float64]
    photo: Path | None
    mask: Path | None
    depth: DepthFile | None = None

    def describe(self) -> list[Any]:
        """All that a result can depend on beside the contents of the files."""
        camera = None if self.camera is None else describe(self.camera)
        return [self.name, camera, self.projection.tolist(), None if self.depth is None else self.depth.describe()]

    @property
    def for_carving(self) -> Any:
        """The camera as ``voxels.carve`` takes it."""
        return self.projection if self.camera is None else (self.camera, self.projection)

    def read_photo(self) -> NDArray[np.uint8]:
        """The photograph, which there is.

        Raises
        ------
        FormatError
            It is damaged, or not one of its camera.
        OSError
            It cannot be read.
        """
        if self.depth is not None:
            return self.depth.read_photo()
        assert self.photo is not None
        picture = io.read_photo(self.photo)
        height, width = picture.shape[:2]
        if self.camera is not None and (width, height) != (self.camera.width, self.camera.height):
            rule = f"expected {self.camera.width} x {self.camera.height} pixels, as its camera has"
            raise FormatError(self.photo, f"{rule}, got {width} x {height}")
        return picture


def find_silhouettes(
    scene: Path, cameras: Path | None = None, images: Path | None = None, masks: Path | None = None
) -> tuple[list[SilhouetteFile], dict[str, str]]:
    """The views of a scene in the order of its cameras, and those to skip with the reason.

    Cameras are a COLMAP model in the folder, ``sparse/0`` or ``sparse``, Middlebury's ``*_par.txt`` or projection
    matrices in ``P.txt``, which belong to the photographs and masks in the order of their names. Photographs lie in
    ``images``, ``photos`` or the folder itself, masks in ``masks`` or ``mask``; a mask has the name of its photograph,
    or that and another suffix.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        Something that was named is not there.
    CarveError
        No cameras, or others than there are pictures.
    FormatError
        A file of cameras is damaged.
    """
    if not scene.is_dir():
        raise NotADirectoryError(f"{scene}: expected a folder, got {'a file' if scene.exists() else 'nothing there'}")
    for folder in (images, masks):
        if folder is not None and not folder.is_dir():
            raise NotADirectoryError(f"{folder}: expected a folder of pictures, got none")
    source = cameras or _find_cameras(scene)
    if not source.exists():
        raise FileNotFoundError(f"{source}: expected cameras, got nothing there")
    images = images or next((scene / name for name in _IMAGES if (scene / name).is_dir()), scene)
    masks = masks or find_masks(scene)
    if source.is_dir():
        return _of_model(source, images, masks)
    if source.name.endswith("_par.txt"):
        return _of_middlebury(source, images, masks)
    return _of_projections(source, images, masks), {}


def find_masks(scene: Path) -> Path | None:
    """The folder of silhouettes in a scene."""
    return next((scene / name for name in _MASKS if (scene / name).is_dir()), None)


def _find_cameras(scene: Path) -> Path:
    for folder in (scene, scene / "sparse" / "0", scene / "sparse"):
        if any((folder / f"cameras{suffix}").exists() for suffix in (".bin", ".txt")):
            return folder
    named = [*sorted(scene.glob("*_par.txt")), *(scene / name for name in ("P.txt",) if (scene / name).exists())]
    if len(named) != 1:
        found = " and ".join(path.name for path in named) or "none of them"
        raise CarveError(f"{scene}: expected a COLMAP model, one *_par.txt or P.txt, found {found}")
    return named[0]


def _of_model(path: Path, images: Path, masks: Path | None) -> tuple[list[SilhouetteFile], dict[str, str]]:
    model, stems = io.read_colmap(path), by_stem(masks)
    views, skipped = [], {}
    for image in sorted(model.images.values(), key=lambda image: image.name):
        photo, mask = images / image.name, mask_of(image.name, stems)
        camera = model.cameras[image.camera_id]
        if camera.is_spherical:
            raise CarveError(f"{path}: camera {image.camera_id}: expected one with a pinhole view, got {camera.model}")
        _check_name(path, image.name)
        reason = _missing(photo, mask, masks)
        if reason:
            skipped[image.name] = reason
        else:
            views.append(SilhouetteFile(image.name, camera, image.cam_from_world, _if_there(photo), mask))
    return views, skipped


def _of_middlebury(path: Path, images: Path, masks: Path | None) -> tuple[list[SilhouetteFile], dict[str, str]]:
    stems = by_stem(masks)
    views, skipped = [], {}
    for posed in io.read_middlebury(path):
        photo, mask = images / posed.name, mask_of(posed.name, stems)
        _check_name(path, posed.name)
        reason = _missing(photo, mask, masks)
        if reason:
            skipped[posed.name] = reason
            continue
        picture = photo if mask is None or photo.exists() else mask
        info = io.read_photo_info(picture)
        camera = Camera("PINHOLE", info.width, info.height, posed.params)
        views.append(SilhouetteFile(posed.name, camera, posed.cam_from_world, _if_there(photo), mask))
    return views, skipped


def _of_projections(path: Path, images: Path, masks: Path | None) -> list[SilhouetteFile]:
    matrices = io.read_projections(path)
    photos, silhouettes = _pictures(images), [] if masks is None else _pictures(masks)
    for folder, pictures in ((images, photos), (masks, silhouettes)):
        if pictures and len(pictures) != len(matrices):
            raise CarveError(
                f"{path}: expected a matrix for each of the {len(pictures)} pictures in {folder}, got {len(matrices)}"
            )
    names = [picture.name for picture in photos or silhouettes]
    if not names:
        raise CarveError(f"{images}: expected photographs or masks for the matrices in {path}, found none")
    return [
        SilhouetteFile(name, None, matrix, photos[row] if photos else None, silhouettes[row] if silhouettes else None)
        for row, (name, matrix) in enumerate(zip(names, matrices, strict=True))
    ]


def _check_name(path: Path, name: str) -> None:
    """Raise CarveError for a photograph's name that leads elsewhere: results are named after it."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise CarveError(f"{path}: expected names that stay in the folder of photographs, got {name!r}")


def _pictures(folder: Path) -> list[Path]:
    """Those in the folder itself."""
    return [path for path in io.list_photos(folder) if path.parent == folder]


def by_stem(masks: Path | None) -> dict[str, Path]:
    """Masks by their path in the folder without the suffix."""
    if masks is None:
        return {}
    return {path.relative_to(masks).with_suffix("").as_posix(): path for path in io.list_photos(masks)}


def mask_of(name: str, stems: Mapping[str, Path]) -> Path | None:
    """The mask of a photograph: ``name``, ``name.png`` as COLMAP calls it, or the name with another suffix."""
    return stems.get(name) or stems.get(os.path.splitext(name)[0])


def _missing(photo: Path, mask: Path | None, masks: Path | None) -> str:
    """Why a view cannot be used, if it cannot."""
    if masks is not None:
        return "" if mask is not None else f"it has no mask in {masks.name}"
    return "" if photo.exists() else "there is no such photograph"


def _if_there(path: Path) -> Path | None:
    return path if path.exists() else None
