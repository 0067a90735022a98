# SPDX-License-Identifier: Apache-2.0
"""Which photographs there are, and which camera took which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import io, sfm
from ..scene import Camera
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
    """``sfm.cameras_from_photos`` for the facts of the features stage; camera ids are by photograph.

    Raises
    ------
    OptionsError
        The options do not fit the photographs.
    """
    infos = [
        io.PhotoInfo(Path(name), **{key: fact[key] for key in ("width", "height", "focal_length_px", "make", "model")})
        for name, fact in facts.items()
    ]
    intrinsics = options.known_intrinsics()
    try:
        cameras, ids = sfm.cameras_from_photos(
            infos, camera_model=options.camera_model, intrinsics=intrinsics, single_camera=options.single_camera
        )
    except ValueError as error:  # begins with the name of the option
        raise OptionsError(str(error)) from None
    return cameras, dict(zip(facts, ids, strict=True))


def describe(camera: Camera) -> list[Any]:
    """All that a result can depend on of a camera, as values for ``Task.inputs``."""
    return [camera.model, camera.width, camera.height, camera.params.tolist(), camera.has_prior_focal_length]
