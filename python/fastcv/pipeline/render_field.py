# SPDX-License-Identifier: Apache-2.0
"""Pictures of a trained radiance field from the cameras of a scene."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from .. import io, nerf
from .options import OptionsError
from .progress import Progress, ProgressCallback
from .train_field import view_name


def render_field(
    field: str | os.PathLike[str],
    scene: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    split: str = "test",
    photos: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> list[Path]:
    """Render a field, and write a PNG for each image of a split.

    Parameters
    ----------
    field : path-like
        What :meth:`RadianceField.save` wrote, or the run folder of ``train_field``.
    scene : path-like
        What :func:`fastcv.nerf.read_scene` reads.
    out : path-like
        Folder for the pictures; made where it is missing.
    split : str, optional
        Whose cameras to take.
    photos : path-like, optional
        Folder of a COLMAP model's photographs.
    progress : callable, optional
        Receives ``Progress`` of the stage ``views``.

    Returns
    -------
    list of Path

    Raises
    ------
    FileNotFoundError, FormatError
        A file that is not there, or damaged.
    OptionsError
        The scene has no images of this split.
    """
    source = Path(field) / "field.npz" if Path(field).is_dir() else Path(field)
    trained = nerf.load_field(source)
    found = nerf.read_scene(scene, photos=photos)
    numbers = [int(number) for number in found.splits.get(split, ())]
    if not numbers:
        raise OptionsError(f"split: expected one with images, {' or '.join(found.splits)}, got {split}")
    Path(out).mkdir(parents=True, exist_ok=True)
    start, files = time.perf_counter(), []
    for done, number in enumerate(numbers, 1):
        camera = found.cameras[number if len(found.cameras) > 1 else 0]
        color = trained.render_view(camera, found.cam_from_world[number]).color
        files.append(Path(out) / f"{view_name(found, number)}.png")
        io.write_image(files[-1], np.rint(color * 255).astype(np.uint8))
        if progress is not None:
            progress(Progress("views", done, len(numbers), time.perf_counter() - start, files[-1].name))
    return files
