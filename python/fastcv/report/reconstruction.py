# SPDX-License-Identifier: Apache-2.0
"""The report of a reconstruction."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from . import depths, page, pictures, plots, scene3d
from .contents import Contents
from .depths import MAX_PHOTOS

_PHOTO_WIDTH, _PAIR_WIDTH, _FRUSTUM_WIDTH = 520, 560, 120


def write_report(contents: Contents, path: str | os.PathLike[str]) -> None:
    """Write a report.

    Parameters
    ----------
    contents : Contents
    path : path-like
        The HTML file; written whole or not at all.

    Raises
    ------
    MissingDependencyError
        Pillow, OpenCV or Matplotlib is not installed. Without viser the report has a still picture of the scene.
    """
    sections: list[tuple[str, Callable[[Contents], str]]] = [
        ("Cameras and points", _scene),
        ("Photographs", _photos),
        ("Matches", _matches),
        ("Depth", lambda contents: depths.depth_pictures(contents.photos)),
        ("Reprojection errors", _errors),
        ("Every photograph", _table),
        ("Time", lambda contents: page.times(contents.seconds)),
        ("Details", lambda contents: page.facts(contents.facts)),
        ("Files", lambda contents: page.files(contents.files)),
    ]
    page.write_page(path, contents, [(title, make(contents)) for title, make in sections])


def _scene(contents: Contents) -> str:
    if not contents.model.images:
        return ""
    registered = [photo for photo in contents.photos if photo.registered]
    thumbnails = {p.name: pictures.thumbnail(p.load(), _FRUSTUM_WIDTH) for p in registered[: 2 * MAX_PHOTOS]}
    return scene3d.embed_scene(
        contents.model, contents.cloud, thumbnails, "Each frame is a camera with its photograph."
    )


def _photos(contents: Contents) -> str:
    figures = []
    for photo in contents.photos[:MAX_PHOTOS]:
        image = pictures.thumbnail(photo.load(), _PHOTO_WIDTH)
        zoom = image.shape[1] / photo.width
        drawn = pictures.keypoint_picture(image, photo.keypoints, photo.has_point, zoom)
        used = int(photo.has_point.sum())
        state = f"{used} see a point" if photo.registered else "not registered"
        caption = f"{photo.name}: {len(photo.keypoints)} features, {state}"
        figures.append(page.figure(drawn, f"Photograph {photo.name} with its keypoints", caption))
    note = "Green: features that became points of the reconstruction. Orange: the others."
    return page.note(note + page.shown(len(figures), len(contents.photos))) + page.grid(figures)


def _matches(contents: Contents) -> str:
    if len(contents.photos) < 2:
        return ""
    label = "Number of verified matches between every two photographs"
    parts = [
        page.note(
            "How many matches between every two photographs one camera motion explains; empty where there are none."
        ),
        page.chart(plots.heat_map(contents.inliers), label, "square"),
    ]
    figures = []
    for pair in contents.pairs:
        first, second = contents.photos[pair.first], contents.photos[pair.second]
        images = tuple(pictures.thumbnail(photo.load(), _PAIR_WIDTH) for photo in (first, second))
        zooms = (images[0].shape[1] / first.width, images[1].shape[1] / second.width)
        drawn = pictures.match_picture((images[0], images[1]), (pair.points1, pair.points2), zooms)
        caption = f"{first.name} and {second.name}: {len(pair.points1)} verified matches"
        figures.append(page.figure(drawn, f"Matches between {first.name} and {second.name}", caption))
    if figures:
        parts.append(page.note("Some pairs, from many matches to few; the lines are verified matches."))
        parts.append(page.grid(figures, wide=True))
    return "\n".join(parts)


def _errors(contents: Contents) -> str:
    values = np.concatenate([np.empty(0), *(photo.residuals for photo in contents.photos)])
    if len(values) == 0:
        return ""
    label = f"Histogram of {len(values)} reprojection errors, median {np.median(values):.2f} pixels"
    note = f"Distance between {len(values)} features and the projections of their points."
    return page.note(note) + page.chart(plots.histogram(values, "px"), label, "")


def _table(contents: Contents) -> str:
    rows = []
    for number, photo in enumerate(contents.photos, 1):
        error = f"{np.mean(photo.residuals):.3f}" if len(photo.residuals) else "–"
        rows.append(
            (
                str(number),
                photo.name,
                f"{photo.width} × {photo.height}",
                str(photo.camera_id),
                str(len(photo.keypoints)),
                str(int(photo.has_point.sum())) if photo.registered else "–",
                error,
                "yes" if photo.registered else "no",
            )
        )
    head = ("", "photograph", "pixels", "camera", "features", "see a point", "mean error / px", "registered")
    return f'<div class="photos">{page.table(head, rows)}</div>'
