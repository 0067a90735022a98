# SPDX-License-Identifier: Apache-2.0
"""The report of a surface, carved or fused."""

from __future__ import annotations

import html
import os

from . import page, pictures, scene3d
from .contents import Surface, SurfaceView

MAX_VIEWS = 36  # shown as pictures; the table names all
_TURNTABLE_WIDTH, _VIEW_WIDTH = 640, 320

_LAYOUTS = {2: "pair", 3: "pair three"}  # by how many pictures stand side by side


def write_surface(contents: Surface, path: str | os.PathLike[str]) -> None:
    """Write a report.

    Parameters
    ----------
    contents : Surface
    path : path-like
        The HTML file; written whole or not at all.

    Raises
    ------
    MissingDependencyError
        Pillow, OpenCV or Matplotlib is not installed. Without viser the mesh does not turn.
    """
    sections = [
        ("The mesh", _scene(contents)),
        ("From all around", _turntable(contents)),
        ("As the cameras see it", _pictures(contents)),
        ("Every view", _table(contents)),
        ("Time", page.times(contents.seconds)),
        ("Details", page.facts(contents.facts)),
        ("Files", page.files(contents.files)),
    ]
    page.write_page(path, contents, sections)


def _scene(contents: Surface) -> str:
    if contents.mesh is None or not len(contents.mesh.faces) or not contents.model.images:
        return ""
    return scene3d.embed_scene(contents.model, contents.mesh, {}, "Each frame is a camera.")


def _turntable(contents: Surface) -> str:
    images = [
        page.img(pictures.thumbnail(picture, _TURNTABLE_WIDTH), f"The mesh from side {number}")
        for number, picture in enumerate(contents.turntable, 1)
    ]
    return page.grid([f"<figure>{image}</figure>" for image in images], wide=True) if images else ""


def _pictures(contents: Surface) -> str:
    with_pictures = [view for view in contents.views if view.pictures]
    if not with_pictures:
        return ""
    shown = with_pictures[:MAX_VIEWS]
    return "\n".join(
        [
            page.note(contents.views_note + page.shown(len(shown), len(with_pictures))),
            page.grid([_figure(view) for view in shown], wide=True),
        ]
    )


def _figure(view: SurfaceView) -> str:
    images = "".join(
        page.img(pictures.thumbnail(load(), _VIEW_WIDTH), f"{label} of {view.name}") for label, load in view.pictures
    )
    caption = html.escape(", ".join([view.name, *(f"{key} {value}" for key, value in view.facts.items())]))
    return (
        f'<figure><div class="{_LAYOUTS[len(view.pictures)]}">{images}</div><figcaption>{caption}</figcaption></figure>'
    )


def _table(contents: Surface) -> str:
    if not contents.views:
        return ""
    head = ("", "view", *contents.views[0].facts)
    rows = [(str(number), view.name, *view.facts.values()) for number, view in enumerate(contents.views, 1)]
    return f'<div class="photos">{page.table(head, rows)}</div>'
