# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file that needs no network."""

from __future__ import annotations

import html
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from importlib import resources

import numpy as np

from .. import io
from . import pictures, plots, scene3d
from .contents import Contents, Picture

_LOG = logging.getLogger(__name__)

MAX_PHOTOS = 36  # shown as pictures; the table names all
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
        ("Depth", _depths),
        ("Reprojection errors", _errors),
        ("Every photograph", _table),
        ("Time", _times),
        ("Details", _facts),
        ("Files", _files),
    ]
    body = [_header(contents)]
    for title, make in sections:
        content = make(contents)
        if content:
            body.append(f"<section>\n<h2>{title}</h2>\n{content}\n</section>")
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    page = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(contents.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )
    with io.atomic_write(path) as file:
        file.write(page.encode("utf-8", errors="replace"))


def _header(contents: Contents) -> str:
    tiles = "".join(f"<div><dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd></div>" for k, v in contents.figures)
    warnings = "".join(f"<li>{html.escape(text)}</li>" for text in contents.warnings)
    return (
        f'<header>\n<h1>{html.escape(contents.title)}</h1>\n<p class="lead">{html.escape(contents.lead)}</p>\n'
        f'<dl class="tiles">{tiles}</dl>\n'
        + (f'<ul class="warnings">{warnings}</ul>\n' if warnings else "")
        + "</header>"
    )


def _scene(contents: Contents) -> str:
    if not contents.model.images:
        return ""
    registered = [photo for photo in contents.photos if photo.registered]
    thumbnails = {p.name: pictures.thumbnail(p.load(), _FRUSTUM_WIDTH) for p in registered[: 2 * MAX_PHOTOS]}
    try:
        page = scene3d.export_scene(contents.model, contents.cloud, thumbnails)
    except ImportError:
        _LOG.info("viser is not installed; the report shows the scene as a still picture")
        xyz, rgb = scene3d.subsample(contents.cloud, 20_000)
        centers = np.array([image.center for image in contents.model.images.values()])
        label = "The points and the camera centres from above, from the front and from the side"
        return _chart(plots.three_views(xyz, rgb, centers), label, "") + _note(
            "Install viser (pip install 'fastcv[pipeline]') for a scene that turns."
        )
    return (
        f'<iframe class="scene" loading="lazy" title="The cameras and points in three dimensions: drag to turn, scroll '
        f'to zoom" srcdoc="{html.escape(page)}"></iframe>\n'
        + _note(
            "Drag to turn, scroll or pinch to zoom, right drag to move. Each frame is a camera with its photograph."
        )
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
        figures.append(_picture(drawn, f"Photograph {photo.name} with its keypoints", caption))
    note = "Green: features that became points of the reconstruction. Orange: the others."
    return _note(note + _shown(len(figures), len(contents.photos))) + _grid(figures)


def _matches(contents: Contents) -> str:
    if len(contents.photos) < 2:
        return ""
    label = "Number of verified matches between every two photographs"
    parts = [
        _note("How many matches between every two photographs one camera motion explains; empty where there are none."),
        _chart(plots.heat_map(contents.inliers), label, "square"),
    ]
    figures = []
    for pair in contents.pairs:
        first, second = contents.photos[pair.first], contents.photos[pair.second]
        images = tuple(pictures.thumbnail(photo.load(), _PAIR_WIDTH) for photo in (first, second))
        zooms = (images[0].shape[1] / first.width, images[1].shape[1] / second.width)
        drawn = pictures.match_picture((images[0], images[1]), (pair.points1, pair.points2), zooms)
        caption = f"{first.name} and {second.name}: {len(pair.points1)} verified matches"
        figures.append(_picture(drawn, f"Matches between {first.name} and {second.name}", caption))
    if figures:
        parts.append(_note("Some pairs, from many matches to few; the lines are verified matches."))
        parts.append(_grid(figures, wide=True))
    return "\n".join(parts)


def _depths(contents: Contents) -> str:
    photos = [photo for photo in contents.photos if photo.depth is not None]
    if not photos:
        return ""
    chosen = photos[:MAX_PHOTOS]
    near, far = pictures.depth_limits(photo.depth() for photo in chosen if photo.depth)
    figures = []
    for photo in chosen:
        assert photo.depth is not None
        depth = photo.depth()
        share = f"{np.mean(depth > 0):.0%}"
        pair = (
            pictures.thumbnail(photo.load(), _PHOTO_WIDTH // 2 + 60),
            pictures.thumbnail(pictures.depth_picture(depth, near, far), _PHOTO_WIDTH // 2 + 60),
        )
        labels = (f"Photograph {photo.name}", f"Depth of {photo.name} in colours")
        images = "".join(_img(picture, label) for picture, label in zip(pair, labels, strict=True))
        caption = html.escape(f"{photo.name}: depth on {share} of the pixels")
        figures.append(f'<figure><div class="pair">{images}</div><figcaption>{caption}</figcaption></figure>')
    return "\n".join(
        [
            _note("Depth along the viewing axis where at least two other photographs agree; the same colours in all."),
            _chart(plots.depth_scale(near, far), f"Colour scale of depth from {near:.3g} to {far:.3g}", ""),
            _grid(figures, wide=True),
            _note(_shown(len(chosen), len(photos))) if len(chosen) < len(photos) else "",
        ]
    )


def _errors(contents: Contents) -> str:
    values = np.concatenate([np.empty(0), *(photo.residuals for photo in contents.photos)])
    if len(values) == 0:
        return ""
    label = f"Histogram of {len(values)} reprojection errors, median {np.median(values):.2f} pixels"
    note = f"Distance between {len(values)} features and the projections of their points."
    return _note(note) + _chart(plots.histogram(values, "px"), label, "")


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
    return f'<div class="photos">{_rows(head, rows)}</div>'


def _times(contents: Contents) -> str:
    longest = max(contents.seconds.values(), default=0.0)
    if longest <= 0:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(stage)}</td><td>{seconds:.1f} s</td>"
        f'<td class="text"><span class="bar" style="width: {14 * seconds / longest:.2f}rem"></span></td></tr>'
        for stage, seconds in contents.seconds.items()
        if seconds > 0
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def _facts(contents: Contents) -> str:
    return "\n".join(f"<h3>{html.escape(title)}</h3>\n{_rows((), rows)}" for title, rows in contents.facts.items())


def _files(contents: Contents) -> str:
    rows = [
        f'<tr><td><code>{html.escape(path)}</code></td><td class="text">{html.escape(text)}</td></tr>'
        for path, text in contents.files
    ]
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>' if rows else ""


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    thead = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{thead}<tbody>{lines}</tbody></table></div>'


def _note(text: str) -> str:
    return f'<p class="note">{html.escape(text)}</p>\n'


def _shown(shown: int, total: int) -> str:
    return f" The first {shown} of {total} are shown." if shown < total else ""


def _img(picture: Picture, label: str) -> str:
    height, width = picture.shape[:2]
    source = pictures.data_uri(picture)
    return f'<img src="{source}" alt="{html.escape(label)}" width="{width}" height="{height}" loading="lazy">'


def _picture(picture: Picture, label: str, caption: str) -> str:
    return f"<figure>{_img(picture, label)}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _chart(svg: str, label: str, kind: str) -> str:
    drawing = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)
    return f'<figure class="{f"chart {kind}".strip()}">{drawing}</figure>\n'


def _grid(figures: Sequence[str], wide: bool = False) -> str:
    return f'<div class="grid{" wide" if wide else ""}">\n' + "\n".join(figures) + "\n</div>"
