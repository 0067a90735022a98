# SPDX-License-Identifier: Apache-2.0
"""Silhouettes from pictures: of masks, or of photographs before a background of one colour."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from .options import OptionsError

_NAMED = {"black": (0, 0, 0), "white": (255, 255, 255)}
_HOLE = 2e-3  # of the pixels: smaller holes are shadows of the object, as are cracks
_CRACK = 1e-2  # of the longer side of the picture, across


def parse_color(text: str) -> tuple[int, int, int]:
    """black, white, or red, green and blue from 0 to 255 with commas between. Raises OptionsError for others."""
    if text in _NAMED:
        return _NAMED[text]
    found = re.fullmatch(r"(\d{1,3}),(\d{1,3}),(\d{1,3})", text)
    color = tuple(int(value) for value in found.groups()) if found else ()
    if len(color) != 3 or max(color) > 255:
        raise OptionsError(f"background: expected black, white or a colour such as 0,0,190, got {text!r}")
    return color[0], color[1], color[2]


def mask_from_picture(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Foreground is what is brighter than half of the brightest pixel, (H, W): masks are written as 0/1 and as 0/255,
    and those that were resized or stored as JPEG have values between."""
    grey = picture.max(axis=2)
    return grey > grey.max() / 2


def mask_from_background(
    photo: NDArray[np.uint8], background: tuple[int, int, int], tolerance: int
) -> NDArray[np.bool_]:
    """Foreground is what differs from the background by more than ``tolerance`` in some channel, (H, W).

    The object is dark or pale in places, too: cracks that are narrower than a hundredth of the picture are closed,
    holes of less than a five-hundredth of it filled. Of the foreground only the largest region counts.
    """
    differs = np.abs(photo.astype(np.int16) - np.array(background, np.int16)).max(axis=2) > tolerance
    labels, sizes = _regions(_without_cracks(differs))
    if not len(sizes):
        return differs
    holes, hole_sizes = _regions(labels != 1 + np.argmax(sizes))
    return ~np.append(False, hole_sizes >= _HOLE * differs.size)[holes]


def _without_cracks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask, closed by a disc."""
    cv2 = require("cv2")
    radius = round(_CRACK * max(mask.shape) / 2)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc) != 0


def _regions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which region, from 1, each pixel of a mask belongs to, corners joined, and how many pixels each has."""
    _, labels, facts, _ = require("cv2").connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return labels, facts[1:, -1]
