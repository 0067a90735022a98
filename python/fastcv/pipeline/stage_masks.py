# SPDX-License-Identifier: Apache-2.0
"""Stage "masks": what of each picture is the object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    """Write ``masks/``: the silhouettes as they are used, 255 and 0 or grey levels between. A view without one is noted
    with the reason."""
    run.execute("masks", [_task(run, view, options) for view in views])


def usable(run: RunFolder, views: Sequence[SilhouetteFile]) -> list[SilhouetteFile]:
    """The views that have a silhouette."""
    facts = run.info("masks")
    return [view for view in views if "skipped" not in facts[view.name]]


def load_mask(run: RunFolder, name: str, least: float = 0.5) -> NDArray[np.bool_]:
    """The silhouette of a view: where it is as probable as that."""
    return load_soft_mask(run, name) >= least


def load_soft_mask(run: RunFolder, name: str) -> NDArray[np.float32]:
    """The silhouette of a view as probabilities."""
    return io.read_photo(run.file("masks", name, ".png"))[:, :, 0] / np.float32(255)


def _task(run: RunFolder, view: SilhouetteFile, options: CarveOptions) -> Task:
    rule: list[Any] = [options.method == "soft-masks"]
    if view.mask is None:
        rule += [options.background, options.tolerance]
    files = [None if path is None else digest_or_none(path) for path in (view.mask, view.photo)]
    size = None if view.camera is None else [view.camera.width, view.camera.height]
    depth = None if view.depth is None else view.depth.describe()
    return Task(view.name, [files, size, depth, rule], lambda: _make(run, view, options))


def _make(run: RunFolder, view: SilhouetteFile, options: CarveOptions) -> Made:
    try:
        mask = _read(view, options)
        if view.photo is not None:
            view.read_photo()  # one that is damaged is better found now
    except (FormatError, OSError) as error:
        return Made(info={"skipped": why_unreadable(error)})
    shown = mask >= 128
    if not shown.any():
        return Made(info={"skipped": "its silhouette shows nothing" if view.depth is None else "it has no depth"})
    path = run.file("masks", view.name, ".png")
    io.write_image(path, mask)
    height, width = mask.shape
    return Made([path], {"width": width, "height": height, "foreground": float(shown.mean())})


def _read(view: SilhouetteFile, options: CarveOptions) -> NDArray[np.uint8]:
    """255 where the object is, 0 where it is not."""
    if view.depth is not None:
        known = view.depth.read_depth() > 0
        return _levels(known if view.mask is None else known & mask_from_picture(_picture(view, view.mask)))
    path = view.mask or view.photo
    assert path is not None  # find_silhouettes skips views without either
    picture = _picture(view, path)
    if view.mask is None:
        assert options.background is not None  # find_views asks for it
        return _levels(mask_from_background(picture, parse_color(options.background), options.tolerance))
    if options.method == "soft-masks":
        return picture.max(axis=2) * np.uint8(255 if picture.max() == 1 else 1)
    return _levels(mask_from_picture(picture))


def _levels(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(mask, np.uint8(255), np.uint8(0))


def _picture(view: SilhouetteFile, path: Path) -> NDArray[np.uint8]:
    picture = io.read_photo(path)
    height, width = picture.shape[:2]
    wanted = _size(view)
    if wanted not in (None, (width, height)):
        raise FormatError(
            path, "expected {} x {} pixels, as its camera has, got {} x {}".format(*wanted, width, height)
        )
    return picture


def _size(view: SilhouetteFile) -> tuple[int, int] | None:
    """Width and height that the silhouette must have: the camera's, or else the photograph's."""
    if view.camera is not None:
        return view.camera.width, view.camera.height
    if view.photo is None:
        return None
    info = io.read_photo_info(view.photo)
    return info.width, info.height
