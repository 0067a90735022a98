# SPDX-License-Identifier: Apache-2.0
"""Photographs of a scene with exact depth and silhouette."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera
from .materials import linear_from_hex
from .noise import Floats
from .poses import unproject
from .scene import Hits, Scene, srgb_from_linear
from .shapes import Array
from .solids import transform

_TILE = 64  # pixels: the working arrays of a tile stay in the second-level cache


class View(NamedTuple):
    """``image`` (H, W, 3) uint8 sRGB; ``depth`` (H, W) float32 along z of the camera at pixel centres, 0 for none;
    ``mask`` (H, W) bool, where there is a surface at the pixel centre."""

    image: NDArray[np.uint8]
    depth: Floats
    mask: NDArray[np.bool_]


def render(scene: Scene, camera: Camera, cam_from_world: Array, *, noise: float = 0.0, seed: int = 0) -> View:
    """Photograph a scene.

    Each pixel's colour is its centre sample (half of the weight) and its four corner samples, which it shares with
    its neighbours, mixed in linear light: the smoothing of 2 x 2 supersampling for two rays a pixel, one of which is
    the ray of the depth. Texture that samples so far apart cannot carry is left out, so nothing aliases.

    Parameters
    ----------
    scene : Scene
    camera : Camera
        SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL or RADIAL.
    cam_from_world : (3, 4) float64 array
    noise : float
        Standard deviation of Gaussian noise in grey levels (of 255), independent for every pixel and channel.
    seed : int
        Of the noise.

    Returns
    -------
    View

    Raises
    ------
    ValueError
        For a camera model that is not supported, a pose of another shape and negative noise.

    Examples
    --------
    >>> from fastcv.synthetic import make_camera, make_poses, make_scene, render
    >>> camera = make_camera("PINHOLE", 64, 48)
    >>> view = render(make_scene("courtyard"), camera, make_poses("courtyard", 1)[0])
    >>> view.image.shape, view.depth.dtype, bool((view.mask == (view.depth > 0)).all())
    ((48, 64, 3), dtype('float32'), True)
    """
    if np.shape(cam_from_world) != (3, 4):
        raise ValueError(f"cam_from_world: expected shape (3, 4), got {np.shape(cam_from_world)}")
    if not noise >= 0:
        raise ValueError(f"noise: expected 0 or more, got {noise}")
    levels = np.empty((camera.height, camera.width, 3), np.float32)
    depth = np.empty((camera.height, camera.width), np.float32)
    for rows, columns in _tiles(camera):
        levels[rows, columns], depth[rows, columns] = _render_tile(scene, camera, cam_from_world, rows, columns)
    if noise > 0:
        levels += noise * np.random.Generator(np.random.Philox(seed)).standard_normal(levels.shape, np.float32)
    return View(np.rint(np.clip(levels, 0, 255)).astype(np.uint8), depth, depth > 0)


def _tiles(camera: Camera) -> Iterator[tuple[slice, slice]]:
    for top in range(0, camera.height, _TILE):
        for left in range(0, camera.width, _TILE):
            yield slice(top, min(top + _TILE, camera.height)), slice(left, min(left + _TILE, camera.width))


def _grid(x: Array, y: Array) -> Array:
    """Every pair of x and y, row by row, (2, N)."""
    return np.stack([grid.ravel() for grid in np.meshgrid(x, y)])


def _render_tile(
    scene: Scene, camera: Camera, cam_from_world: Array, rows: slice, columns: slice
) -> tuple[Floats, Floats]:
    """Display values (h, w, 3) in [0, 255] and depth (h, w), float32, of one tile."""
    x, y = np.arange(columns.start, columns.stop + 1.0), np.arange(rows.start, rows.stop + 1.0)
    height, width = len(y) - 1, len(x) - 1
    pixels = np.concatenate([_grid(x[:-1] + 0.5, y[:-1] + 0.5), _grid(x, y)], axis=1).T
    origin, directions, hits = cast(scene, camera, cam_from_world, pixels)
    speed = np.sqrt((directions**2).sum(1))
    linear = _sky(directions[:, 2] / speed)
    seen = np.flatnonzero(hits.ids >= 0)
    points = origin + hits.t[seen, None] * directions[seen]
    cosine = -(hits.normals[seen] * directions[seen]).sum(1) / speed[seen]
    # Samples lie sqrt(1/2) pixel apart: this far on a facing surface, and on a slanted one the geometric mean of its
    # two directions.
    footprint = np.sqrt(0.5 / np.maximum(cosine, 0.04)) * hits.t[seen] / camera.focal_length
    linear[seen] = scene.color(points, hits.normals[seen], hits.ids[seen], footprint)
    num_pixels = height * width
    center = linear[:num_pixels].reshape(height, width, 3)
    corner = linear[num_pixels:].reshape(height + 1, width + 1, 3)
    corners = corner[:-1, :-1] + corner[:-1, 1:] + corner[1:, :-1] + corner[1:, 1:]
    depth = np.where(hits.ids >= 0, hits.t, 0)[:num_pixels].astype(np.float32)
    return srgb_from_linear(center * np.float32(0.5) + corners * np.float32(0.125)), depth.reshape(height, width)


def cast(scene: Scene, camera: Camera, cam_from_world: Array, pixels: Array) -> tuple[Array, Array, Hits]:
    """Rays of pixels (N, 2) through the scene: the origin (1, 3), directions (N, 3), and hits.

    Directions have z = 1 in the camera frame, so that ``t`` is depth.
    """
    rotation, translation = cam_from_world[:, :3], cam_from_world[:, 3]
    origin = -(rotation.T @ translation)[None]
    directions = transform(rotation.T, unproject(pixels, camera))
    return origin, directions, scene.intersect(origin, directions)


def _sky(up: Array) -> Floats:
    """Linear colour of directions by their upward component: (N,) to (N, 3), pale at the horizon, blue above."""
    blend = np.clip(2 * up, 0, 1).astype(np.float32)
    horizon, zenith = linear_from_hex("#e6e9ea"), linear_from_hex("#6f9bd1")
    return np.stack([a + (b - a) * blend for a, b in zip(horizon, zenith, strict=True)]).T
