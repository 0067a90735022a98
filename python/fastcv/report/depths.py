# SPDX-License-Identifier: Apache-2.0
"""Depth maps beside their photographs, in one scale of colours."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from . import page, pictures, plots
from .contents import DepthView, Photo

MAX_PHOTOS = 36  # shown as pictures; tables name all
_WIDTH = 320


def depth_pictures(photos: Sequence[Photo | DepthView]) -> str:
    """HTML of those photographs that have a depth map, the first ``MAX_PHOTOS`` of them."""
    maps = [(photo, photo.depth) for photo in photos if photo.depth is not None]
    if not maps:
        return ""
    chosen = maps[:MAX_PHOTOS]
    near, far = pictures.depth_limits(read() for _, read in chosen)
    figures = []
    for photo, read in chosen:
        depth = read()
        pair = (
            pictures.thumbnail(photo.load(), _WIDTH),
            pictures.thumbnail(pictures.depth_picture(depth, near, far), _WIDTH),
        )
        labels = (f"Photograph {photo.name}", f"Depth of {photo.name} in colours")
        images = "".join(page.img(picture, label) for picture, label in zip(pair, labels, strict=True))
        caption = html.escape(f"{photo.name}: depth on {np.mean(depth > 0):.0%} of the pixels")
        figures.append(f'<figure><div class="pair">{images}</div><figcaption>{caption}</figcaption></figure>')
    return "\n".join(
        [
            page.note("Depth along the viewing axis where other photographs agree; the same colours in all."),
            page.chart(plots.depth_scale(near, far), f"Colour scale of depth from {near:.3g} to {far:.3g}", ""),
            page.grid(figures, wide=True),
            page.note(page.shown(len(chosen), len(maps))) if len(chosen) < len(maps) else "",
        ]
    )
