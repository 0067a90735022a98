# SPDX-License-Identifier: Apache-2.0
"""Which photographs there are, and which camera took which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import io, sfm
from ..scene import CAMERA_MODELS, Camera
from .digest import digest_file
from .options import Options, OptionsError


@dataclass(frozen=True)
class PhotoFile:
    """A file that looks like a photograph; ``name`` is relative to the folder, ``digest`` is of its content."""

    name: str
    path: Path
    digest: str


def find_photos(folder: Path) -> tuple[list[PhotoFile], dict[str, str]]:
    """Photographs in a folder, in the order of their names, and those to skip with the reason.

    A photograph with the content of an earlier one says nothing about the scene and is skipped.

    Raises
    ------
    NotADirectoryError
        There is no such folder.
    """
    photos: list[PhotoFile] = []
    skipped: dict[str, str] = {}
    seen: dict[str, str] = {}
    for path in io.list_photos(folder):
        name = path.relative_to(folder).as_posix()
        try:
            digest = digest_file(path)
        except OSError as error:
            skipped[name] = error.strerror or str(error)
            continue
        if digest in seen:
            skipped[name] = f"the same file as {seen[digest]}"
        else:
            seen[digest] = name
            photos.append(PhotoFile(name, path, digest))
    return photos, skipped


def assign_cameras(
    facts: Mapping[str, Mapping[str, Any]], options: Options
) -> tuple[dict[int, Camera], dict[str, int]]:
    """Group photographs by the camera that took them and say what is known of each camera.

    Parameters
    ----------
    facts : mapping
        By photograph: the fields of ``io.PhotoInfo`` that ``sfm.cameras_from_photos`` wants.
    options : Options

    Returns
    -------
    cameras : dict of int to Camera
    camera_ids : dict of str to int
        By photograph.

    Raises
    ------
    OptionsError
        The options do not fit the photographs: several sizes but one camera, two focal lengths but a model with one.
    """
    infos: list[Any] = [
        io.PhotoInfo(Path(name), **{key: fact[key] for key in ("width", "height", "focal_length_px", "make", "model")})
        for name, fact in facts.items()
    ]
    intrinsics = options.known_intrinsics()
    sizes = sorted({(info.width, info.height) for info in infos})
    if len(sizes) > 1 and (options.single_camera or intrinsics):
        name = "intrinsics" if intrinsics else "single_camera"
        found = ", ".join(f"{width}x{height}" for width, height in sizes)
        raise OptionsError(f"{name}: expected photographs of one size, got {found}")
    K = None
    if intrinsics:
        fx, fy, cx, cy = intrinsics
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    cameras, ids = sfm.cameras_from_photos(infos, K=K)
    if options.single_camera:
        # The first with a focal length from EXIF knows most.
        best = min(cameras, key=lambda key: (not cameras[key].has_prior_focal_length, key))
        cameras, ids = {1: cameras[best]}, [1] * len(ids)
    elif options.single_camera is False:
        cameras, ids = {row: cameras[key] for row, key in enumerate(ids, 1)}, list(range(1, len(ids) + 1))
    if options.camera_model:
        cameras = {key: with_model(camera, options.camera_model) for key, camera in cameras.items()}
    return cameras, dict(zip(facts, ids, strict=True))


def with_model(camera: Camera, model: str) -> Camera:
    """The same focal length and principal point under another model, whose distortion starts at zero."""
    k = camera.matrix
    _, names = CAMERA_MODELS[model]
    if "f" in names and k[0, 0] != k[1, 1]:
        raise OptionsError(f"camera_model: {model} has one focal length, but intrinsics give {k[0, 0]} and {k[1, 1]}")
    values = {"f": k[0, 0], "fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]}
    return replace(camera, model=model, params=np.array([values.get(name, 0.0) for name in names]))


def describe(camera: Camera) -> list[Any]:
    """All that a result can depend on of a camera, as values for ``Task.inputs``."""
    return [camera.model, camera.width, camera.height, camera.params.tolist(), camera.has_prior_focal_length]
