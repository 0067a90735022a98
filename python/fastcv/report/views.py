# SPDX-License-Identifier: Apache-2.0
"""Points and cameras from above and from the side, as still pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from ..scene import projection_centers
from . import plots
from .contents import State

MAX_POINTS = 60_000  # of each panel
_DPI = 190  # of the points in the pictures: two dots for each CSS pixel of a wide page
_GROUND, _LABEL, _CAMERA = "#12171c", "#e6e8ea", "#ff8a4c"  # the same on light and dark pages, as a photograph is
_WIDTH = 9.4  # inches
# A camera as a pyramid: its tip and the corners of its image, x right, y down, z forward; and the lines between them.
_PYRAMID = np.array([[0, 0, 0], [-0.5, -0.375, 0.7], [0.5, -0.375, 0.7], [0.5, 0.375, 0.7], [-0.5, 0.375, 0.7]])
_EDGES = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]])


def above_and_side(states: Sequence[State], rgb: NDArray[np.uint8]) -> str:
    """A column for each state: from above in the first row, from the side in the second. SVG text.

    The last state decides what is up and the limits of all.
    """
    last = states[-1]
    frame = upright_frame(last.cam_from_world, last.xyz)
    low, high = _limits(last.xyz @ frame.T, projection_centers(last.cam_from_world) @ frame.T)
    if high[1] - low[1] > high[0] - low[0]:  # pictures are wide
        frame = np.stack([frame[1], -frame[0], frame[2]])
        low, high = _limits(last.xyz @ frame.T, projection_centers(last.cam_from_world) @ frame.T)
    rows = some_rows(last.xyz, MAX_POINTS)
    size = _camera_size(projection_centers(last.cam_from_world), float(np.max(high - low)))
    extent = high - low
    heights = [_WIDTH / len(states) * extent[j] / extent[0] for j in (1, 2)]
    with require("matplotlib").rc_context(plots.STYLE):
        figure, panels = plots.axes(
            _WIDTH, sum(heights), 2, len(states), squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
        for column, state in enumerate(states):
            points = state.xyz[rows] @ frame.T
            lines = _pyramids(state.cam_from_world, size) @ frame.T
            for panel, j, view in zip(panels[:, column], (1, 2), ("from above", "from the side"), strict=True):
                _draw(panel, points[:, (0, j)], rgb[rows] / 255, lines[..., (0, j)])
                panel.set(xlim=(low[0], high[0]), ylim=(low[j], high[j]))
                text = f"{state.label}, {view}" if state.label else view
                place = (0, 1), (5, -5), "axes fraction", "offset points"
                panel.annotate(text, *place, va="top", color=_LABEL, fontsize=10)
        return plots.svg(figure, _DPI)


def upright_frame(cam_from_world: NDArray[np.floating], xyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Axes of a scene as rows: the horizontal one along which it is longest, the other horizontal one, and up."""
    up = up_direction(cam_from_world)
    around = np.concatenate([projection_centers(cam_from_world), xyz[np.isfinite(xyz).all(axis=1)]])
    around = around - np.median(around, axis=0)
    near = np.linalg.norm(around, axis=1) <= np.percentile(np.linalg.norm(around, axis=1), 90)
    level = around[near] - np.outer(around[near] @ up, up)
    main = np.linalg.eigh(level.T @ level)[1][:, 2]
    main = main - (main @ up) * up
    main /= np.linalg.norm(main)
    return np.stack([main, np.cross(up, main), up])


def up_direction(cam_from_world: NDArray[np.floating]) -> NDArray[np.float64]:
    """The direction that is level in no photograph: people hold cameras tilted up or down, but seldom sideways.

    Where the cameras' x axes are not in a plane, or all parallel, it is against the mean of their y axes.
    """
    mean = -np.mean(cam_from_world[:, 1, :3], axis=0)
    length = np.linalg.norm(mean)
    if length < 1e-6:
        return np.array([0.0, -1.0, 0.0])
    right = cam_from_world[:, 0, :3]
    spread, directions = np.linalg.eigh(right.T @ right / len(right))  # eigenvalues ascend and add up to 1
    if spread[1] > 0.02 and spread[0] < 0.1 * spread[1]:
        return directions[:, 0] * (1 if directions[:, 0] @ mean > 0 else -1)
    return mean / length


def _draw(panel: object, points: NDArray, colors: NDArray, lines: NDArray) -> None:
    collections = require("matplotlib.collections")
    dot = float(np.clip(600 / np.sqrt(len(points) + 1), 1.2, 5)) ** 2 / 12
    panel.scatter(*points.T, s=dot, c=colors, alpha=0.75, linewidths=0, rasterized=True)  # type: ignore[attr-defined]
    width = float(np.clip(8 / np.sqrt(len(lines) + 1), 0.35, 0.9))
    pyramids = lines[:, _EDGES].reshape(-1, 2, 2)
    panel.add_collection(  # type: ignore[attr-defined]
        collections.LineCollection(pyramids, colors=_CAMERA, linewidths=width, rasterized=True)
    )
    panel.set(aspect="equal", facecolor=_GROUND, xticks=[], yticks=[])  # type: ignore[attr-defined]
    panel.spines[:].set_visible(False)  # type: ignore[attr-defined]


def _limits(points: NDArray, centers: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What to show: nearly all cameras and the bulk of the points, for some lie close to infinity."""
    seen = [np.percentile(centers, (1, 99), axis=0)]
    finite = points[np.isfinite(points).all(axis=1)]
    if len(finite):
        seen.append(np.percentile(finite, (4, 96), axis=0))
    low, high = np.min(seen, axis=0)[0], np.max(seen, axis=0)[1]
    margin = 0.06 * max(float((high - low).max()), 1e-9)
    low, high = low - margin, high + margin
    # No panel flatter than a quarter of its width or taller than it is wide.
    width = high[0] - low[0]
    grow = np.maximum(np.array([width, 0.25 * width, 0.25 * width]) - (high - low), 0) / 2
    low, high = low - grow, high + grow
    return low, high


def height_colors(heights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours (N, 3) that tell heights (N,) apart, evenly over the middle of them."""
    low, high = np.percentile(heights, (4, 96)) if len(heights) else (0.0, 1.0)
    share = np.clip((heights - low) / max(high - low, 1e-12), 0, 1)
    colors = require("matplotlib").colormaps["viridis"](0.15 + 0.85 * share)
    return np.rint(255 * colors[:, :3]).astype(np.uint8)


def _camera_size(centers: NDArray[np.float64], extent: float) -> float:
    """Half the usual step from camera to camera, but smaller the more there are: they should not hide the points."""
    steps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    limit = 0.025 * extent * min(1.0, float(np.sqrt(50 / len(centers))))
    usual = float(np.median(steps)) / 2 if len(steps) else limit
    return float(np.clip(usual, limit / 2, limit))


def _pyramids(cam_from_world: NDArray[np.floating], size: float) -> NDArray[np.float64]:
    """(I, 5, 3) corners in the world."""
    rotations = cam_from_world[:, :, :3]
    return np.einsum("iba,kb->ika", rotations, size * _PYRAMID) + projection_centers(cam_from_world)[:, None]


def some_rows(xyz: NDArray, limit: int) -> NDArray[np.int64]:
    """Rows of at most ``limit`` finite points, the same ones every time."""
    rows = np.flatnonzero(np.isfinite(xyz).all(axis=1))
    if len(rows) > limit:
        rows = np.sort(np.random.Generator(np.random.Philox(0)).choice(rows, limit, replace=False))
    return rows
