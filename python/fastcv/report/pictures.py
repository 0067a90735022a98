# SPDX-License-Identifier: Apache-2.0
"""Pictures for people: photographs with keypoints, matches between two, depth in colours."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from .contents import Picture

# sRGB. Keypoints that became points against those that did not; told apart by brightness too.
_USED, _UNUSED = (60, 230, 130), (255, 170, 60)
_WEBP_QUALITY = 78
# Of a surface against its silhouette.
_BACKGROUND, _MISSING, _TOO_MUCH = 18, (235, 75, 60), (70, 130, 255)


def data_uri(image: Picture, *, lossless: bool = False) -> str:
    """An image as a WebP data URI: (H, W, 3), or (H, W, 4) with alpha, uint8."""
    pillow = require("PIL.Image")
    buffer = io.BytesIO()
    pillow.fromarray(image).save(buffer, "WEBP", quality=_WEBP_QUALITY, lossless=lossless, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def thumbnail(image: Picture, width: int) -> Picture:
    """The picture at a width in pixels, averaged over pixel areas; never enlarged."""
    cv2 = require("cv2")
    if image.shape[1] <= width:
        return np.ascontiguousarray(image)
    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def keypoint_picture(image: Picture, keypoints: NDArray, used: NDArray[np.bool_], zoom: float) -> Picture:
    """Dots on a copy of the picture: green for keypoints that see a point, orange for others, which lie below.

    ``zoom`` is the width of the picture over that of the photograph in whose pixels the keypoints are.
    """
    canvas = image.copy()
    for rows, color in ((~used, _UNUSED), (used, _USED)):
        for point in keypoints[rows]:
            _disc(canvas, point * zoom, color)
    return canvas


def match_picture(
    images: tuple[Picture, Picture], points: tuple[NDArray, NDArray], zooms: tuple[float, float], max_lines: int = 120
) -> Picture:
    """Two pictures side by side with lines between matches, evenly chosen where there are more than ``max_lines``."""
    left, right = images
    height = max(left.shape[0], right.shape[0])
    canvas = np.full((height, left.shape[1] + right.shape[1], 3), 128, np.uint8)
    canvas[: left.shape[0], : left.shape[1]] = left
    canvas[: right.shape[0], left.shape[1] :] = right
    count = len(points[0])
    rows = np.linspace(0, count - 1, min(count, max_lines)).round().astype(int)
    start = points[0][rows] * zooms[0]
    end = points[1][rows] * zooms[1] + (left.shape[1], 0)
    # Hue follows the height in the left picture, so that crossing lines stand out.
    order = start[:, 1] / max(left.shape[0], 1)
    colors = (np.array([colormap("turbo", 0.1 + 0.8 * value) for value in order]).reshape(-1, 3) * 255).astype(int)
    cv2 = require("cv2")
    for a, b, color in zip(start, end, colors.tolist(), strict=True):
        cv2.line(canvas, _fixed(a), _fixed(b), color, 1, cv2.LINE_AA, _SHIFT)
        _disc(canvas, a, color)
        _disc(canvas, b, color)
    return canvas


def depth_limits(depths: Iterable[NDArray[np.float32]]) -> tuple[float, float]:
    """Near and far that hold 96 % of the depths of a scene: one colour scale for all its pictures. (1, 2) if empty."""
    samples = [depth[depth > 0][:: max(depth.size // 20_000, 1)] for depth in depths]
    values = np.concatenate([*samples, np.empty(0, np.float32)])
    if len(values) == 0:
        return 1.0, 2.0
    near, far = (float(value) for value in np.percentile(values, (2, 98)))
    return near, max(far, near * 1.001)


def depth_picture(depth: NDArray[np.floating], near: float, far: float) -> Picture:
    """Depth (H, W) in colours with alpha, (H, W, 4): near is warm, far cold, even in inverse depth; none is clear."""
    valid = depth > 0
    inverse = 1 / np.where(valid, depth, near)
    share = np.clip((inverse - 1 / far) / (1 / near - 1 / far), 0, 1)
    picture = np.empty((*depth.shape, 4), np.uint8)
    picture[..., :3] = np.rint(colormap("turbo", 0.04 + 0.92 * share) * 255)
    picture[..., 3] = np.where(valid, 255, 0)
    return picture


def colormap(name: str, values: NDArray | float) -> NDArray[np.float64]:
    """Colours (..., 3) in [0, 1] of values in [0, 1], from a Matplotlib colour map."""
    return np.asarray(require("matplotlib").colormaps[name](values))[..., :3]


# OpenCV draws at fractions of a pixel: coordinates are integers in units of 2^-_SHIFT, counted from pixel centres.
_SHIFT = 4


def _fixed(point: NDArray) -> tuple[int, int]:
    x, y = np.rint((point - 0.5) * (1 << _SHIFT)).astype(int).tolist()
    return x, y


def _disc(canvas: Picture, point: NDArray, color: Iterable[int]) -> None:
    cv2 = require("cv2")
    radius = max(canvas.shape[0] / 260, 1.2)
    cv2.circle(canvas, _fixed(point), round(radius * (1 << _SHIFT)), tuple(color), -1, cv2.LINE_AA, _SHIFT)


def silhouette_picture(picture: Picture, covered: NDArray[np.bool_], mask: NDArray[np.bool_]) -> Picture:
    """A picture of a surface that covers some pixels, against the silhouette that it should have: red where the surface
    is missing, blue where there is too much of it."""
    result = np.where(covered[..., None], picture, np.uint8(_BACKGROUND))
    result[mask & ~covered] = _MISSING
    result[covered & ~mask] = _TOO_MUCH
    return result
