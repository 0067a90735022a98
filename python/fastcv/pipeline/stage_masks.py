# SPDX-License-Identifier: Apache-2.0
"""Stage "masks": what of each picture is the object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import io
from ..errors import FormatError
from .carve_options import CarveOptions
from .carve_source import SilhouetteFile
from .digest import digest_or_none
from .masks import mask_from_background, mask_from_picture, parse_color
from .run_folder import RunFolder
from .tasks import Made, Task
from .text import why_unreadable


def run(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> None:
    """Write ``masks/``: the silhouettes as they are used, 255 and 0. A view without one is noted with the reason."""
    run.execute("masks", [_task(run, view, options) for view in views])


def usable(run: RunFolder, views: Sequence[SilhouetteFile]) -> list[SilhouetteFile]:
    """The views that have a silhouette."""
    facts = run.info("masks")
    return [view for view in views if "skipped" not in facts[view.name]]


def load_mask(run: RunFolder, name: str) -> NDArray[np.bool_]:
    """The silhouette of a view."""
    return io.read_photo(run.file("masks", name, ".png"))[:, :, 0] != 0


def _task(run: RunFolder, view: SilhouetteFile, options: CarveOptions) -> Task:
    rule = [] if view.mask is not None else [options.background, options.tolerance]
    size = None if view.camera is None else [view.camera.width, view.camera.height]
    inputs = [digest_or_none(_picture(view)), None if view.photo is None else digest_or_none(view.photo), size, rule]
    return Task(view.name, inputs, lambda: _make(run, view, options))


def _picture(view: SilhouetteFile) -> Path:
    """The file that the silhouette comes from."""
    picture = view.mask or view.photo
    assert picture is not None  # find_silhouettes skips views without either
    return picture


def _make(run: RunFolder, view: SilhouetteFile, options: CarveOptions) -> Made:
    try:
        mask = _read(view, options)
    except (FormatError, OSError) as error:
        return Made(info={"skipped": why_unreadable(error)})
    if not mask.any():
        return Made(info={"skipped": "its silhouette shows nothing"})
    path = run.file("masks", view.name, ".png")
    io.write_image(path, np.where(mask, 255, 0).astype(np.uint8))
    height, width = mask.shape
    return Made([path], {"width": width, "height": height, "foreground": float(mask.mean())})


def _read(view: SilhouetteFile, options: CarveOptions) -> NDArray[np.bool_]:
    path = _picture(view)
    picture = io.read_photo(path)
    height, width = picture.shape[:2]
    wanted = _size(view)
    if wanted not in (None, (width, height)):
        raise FormatError(
            path, "expected {} x {} pixels, as its camera has, got {} x {}".format(*wanted, width, height)
        )
    if view.mask is not None:
        return mask_from_picture(picture)
    assert options.background is not None  # carve_scene asks for it
    return mask_from_background(picture, parse_color(options.background), options.tolerance)


def _size(view: SilhouetteFile) -> tuple[int, int] | None:
    """Width and height that the silhouette must have: the camera's, or else the photograph's."""
    if view.camera is not None:
        return view.camera.width, view.camera.height
    if view.photo is None:
        return None
    info = io.read_photo_info(view.photo)
    return info.width, info.height
