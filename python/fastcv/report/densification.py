# SPDX-License-Identifier: Apache-2.0
"""The report of multi-view stereo on a posed model."""

from __future__ import annotations

import os

import numpy as np

from . import depths, page, pictures, scene3d, views
from .contents import Densification, State

_FRUSTUM_WIDTH = 120


def write_densification(contents: Densification, path: str | os.PathLike[str]) -> None:
    """Write a report.

    Parameters
    ----------
    contents : Densification
    path : path-like
        The HTML file; written whole or not at all.

    Raises
    ------
    MissingDependencyError
        Pillow, OpenCV or Matplotlib is not installed. Without viser the cloud does not turn.
    """
    sections = [
        ("The cloud", _cloud(contents)),
        ("Depth", depths.depth_pictures(contents.views)),
        ("Every view", _table(contents)),
        ("Sources", _sources(contents)),
        ("Time", page.times(contents.seconds)),
        ("Details", page.facts(contents.facts)),
        ("Files", page.files(contents.files)),
    ]
    page.write_page(path, contents, sections)


def _cloud(contents: Densification) -> str:
    if not (len(contents.cloud.xyz) and contents.model.images):
        return ""
    shown = [view for view in contents.views if view.depth is not None][: 2 * depths.MAX_PHOTOS]
    thumbnails = {view.name: pictures.thumbnail(view.load(), _FRUSTUM_WIDTH) for view in shown}
    caption = "Each frame is a camera with its photograph."
    poses = np.array([image.cam_from_world for image in contents.model.images.values()])
    still = views.above_and_side([State("", contents.cloud.xyz, poses, np.empty(0))], contents.cloud.rgb)
    label = "The points and the cameras from above and from the side"
    return scene3d.embed_scene(contents.model, contents.cloud, thumbnails, caption) + page.chart(still, label, "wide")


def _table(contents: Densification) -> str:
    if not contents.views:
        return ""
    head = ("", "view", *contents.views[0].facts)
    rows = [(str(number), view.name, *view.facts.values()) for number, view in enumerate(contents.views, 1)]
    return f'<div class="photos">{page.table(head, rows)}</div>'


def _sources(contents: Densification) -> str:
    rows = [(view.name, source, why) for view in contents.views for source, why in view.sources]
    if not rows:
        return ""
    note = "Which other photographs each was matched with, best first, and why."
    return page.note(note) + page.table(("view", "matched with", "because"), rows)
