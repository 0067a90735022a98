# SPDX-License-Identifier: Apache-2.0
"""Which of the ways to carve a scene allows, and the views for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .carve_options import CarveOptions, Method
from .carve_source import CarveError, SilhouetteFile, by_stem, find_masks, find_silhouettes, mask_of
from .fuse_source import find_depths, holds_depths
from .options import OptionsError


def find_views(
    scene: Path, options: CarveOptions, cameras: Path | None, images: Path | None, masks: Path | None
) -> tuple[list[SilhouetteFile], dict[str, str], CarveOptions]:
    """The views of a scene, those to skip with the reason, and the options with a method: the one that was asked for,
    or what fits what the scene has.

    Raises
    ------
    OptionsError
        The scene lacks what the method needs.
    FuseError
        As ``find_depths`` for that method.
    CarveError, FileNotFoundError, NotADirectoryError, FormatError
        As ``find_silhouettes``.
    """
    silhouettes = cameras or masks or options.background or (scene.is_dir() and find_masks(scene))
    if options.method == "depths" or (options.method is None and not silhouettes and holds_depths(scene)):
        if cameras is not None:
            raise OptionsError(f"cameras: expected none with depths, which have cameras of their own, got {cameras}")
        views, skipped = _views_with_depth(scene, images, masks)
        return views, skipped, replace(options, method="depths")
    views, skipped = find_silhouettes(scene, cameras, images, masks)
    if options.background is None and any(view.mask is None for view in views):
        raise OptionsError(f"background: expected a colour, such as black, or masks; {scene} has no folder of masks")
    if options.method == "soft-masks" and any(view.mask is None for view in views):
        raise OptionsError(f"method: soft-masks expects masks with grey levels; {scene} has no folder of masks")
    several = sum(view.photo is not None for view in views) >= 2
    if options.method == "photos" and not several:
        raise OptionsError("method: photos expects two photographs or more, found fewer; images says where they are")
    return views, skipped, replace(options, method=options.method or _default(options, several))


def _default(options: CarveOptions, several_photos: bool) -> Method:
    return "photos" if options.colors and several_photos else "silhouettes"


def _views_with_depth(
    scene: Path, images: Path | None, masks: Path | None
) -> tuple[list[SilhouetteFile], dict[str, str]]:
    """Views of the depth maps of a scene, with masks where there are any."""
    frames, skipped = find_depths(scene, images)
    stems = by_stem(masks or find_masks(scene))
    views = []
    for frame in frames:
        mask = mask_of(frame.name, stems)
        if stems and mask is None:
            skipped[frame.name] = "it has no mask"
            continue
        views.append(SilhouetteFile(frame.name, frame.camera, frame.cam_from_world, frame.photo, mask, frame))
    if masks is not None and not views:
        raise CarveError(f"{masks}: expected masks with the names of depth maps, such as {frames[0].name}, found none")
    return views, skipped
