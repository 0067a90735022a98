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


def render(
    scene: Scene, camera: Camera, cam_from_world: Array, *, supersample: int = 2, noise: float = 0.0, seed: int = 0
) -> View:
    """Photograph a scene.

    Parameters
    ----------
    scene : Scene
    camera : Camera
        SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL or RADIAL.
    cam_from_world : (3, 4) float64 array
    supersample : int
        Colour is the mean, in linear light, of a grid of this many samples along each side of a pixel.
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
        For a camera model that is not supported, and for ``supersample`` or ``noise`` out of range.

    Examples
    --------
    >>> from fastcv.synthetic import make_camera, make_poses, make_scene, render
    >>> camera = make_camera("PINHOLE", 64, 48)
    >>> view = render(make_scene("courtyard"), camera, make_poses("courtyard", 1)[0])
    >>> view.image.shape, view.depth.dtype, bool((view.mask == (view.depth > 0)).all())
    ((48, 64, 3), dtype('float32'), True)
    """
    if supersample < 1:
        raise ValueError(f"supersample: expected at least 1, got {supersample}")
    if not noise >= 0:
        raise ValueError(f"noise: expected 0 or more, got {noise}")
    levels = np.empty((camera.height, camera.width, 3), np.float32)
    depth = np.empty((camera.height, camera.width), np.float32)
    for rows, columns in _tiles(camera):
        depth[rows, columns] = _tile_depth(scene, camera, cam_from_world, rows, columns)
        levels[rows, columns] = _tile_levels(scene, camera, cam_from_world, rows, columns, supersample)
    if noise > 0:
        levels += noise * np.random.Generator(np.random.Philox(seed)).standard_normal(levels.shape, np.float32)
    return View(np.rint(np.clip(levels, 0, 255)).astype(np.uint8), depth, depth > 0)


def _tiles(camera: Camera) -> Iterator[tuple[slice, slice]]:
    for top in range(0, camera.height, _TILE):
        for left in range(0, camera.width, _TILE):
            yield slice(top, min(top + _TILE, camera.height)), slice(left, min(left + _TILE, camera.width))


def cast(scene: Scene, camera: Camera, cam_from_world: Array, pixels: Array) -> tuple[Array, Array, Hits]:
    """Rays of pixels (N, 2) through the scene: origins, directions (whose z in the camera frame is 1, so that
    ``t`` is depth), and hits."""
    rotation, translation = cam_from_world[:, :3], cam_from_world[:, 3]
    directions = transform(rotation.T, unproject(camera, pixels))
    origins = np.repeat((-rotation.T @ translation)[:, None], len(pixels), axis=1).T
    return origins, directions, scene.intersect(origins, directions)


def _tile_depth(scene: Scene, camera: Camera, cam_from_world: Array, rows: slice, columns: slice) -> Floats:
    x, y = np.meshgrid(np.arange(columns.start, columns.stop) + 0.5, np.arange(rows.start, rows.stop) + 0.5)
    _, _, hits = cast(scene, camera, cam_from_world, np.stack([x.ravel(), y.ravel()]).T)
    return np.where(np.isfinite(hits.t), hits.t, 0).astype(np.float32).reshape(x.shape)


def _tile_levels(
    scene: Scene, camera: Camera, cam_from_world: Array, rows: slice, columns: slice, supersample: int
) -> Floats:
    """Display values of one tile, (h, w, 3) float32 in [0, 255]."""
    ys, xs = (
        (np.arange(s.start * supersample, s.stop * supersample) + 0.5) / supersample for s in (rows, columns)
    )
    x, y = np.meshgrid(xs, ys)
    origins, directions, hits = cast(scene, camera, cam_from_world, np.stack([x.ravel(), y.ravel()]).T)
    speed = np.sqrt((directions**2).sum(1))
    linear = _sky(directions[:, 2] / speed)
    seen = np.flatnonzero(hits.ids >= 0)
    points = origins[seen] + hits.t[seen, None] * directions[seen]
    normals = hits.normals[seen]
    cosine = -(normals * directions[seen]).sum(1) / speed[seen]
    # Samples are this far apart on a facing surface; slanted, by the geometric mean of the two directions.
    footprint = hits.t[seen] / (camera.focal_length * supersample) / np.sqrt(np.maximum(cosine, 0.04))
    linear[seen] = scene.color(points, normals, hits.ids[seen], footprint)
    tiles = linear.reshape(len(ys) // supersample, supersample, len(xs) // supersample, supersample, 3)
    return srgb_from_linear(tiles.mean((1, 3)))


def _sky(up: Array) -> Floats:
    """Linear colour of directions by their upward component: (N,) to (N, 3), pale at the horizon, blue above."""
    blend = np.sqrt(np.clip(up, 0, 1)).astype(np.float32)
    horizon, zenith = linear_from_hex("#e6e9ea"), linear_from_hex("#6f9bd1")
    return np.stack([a + (b - a) * blend for a, b in zip(horizon, zenith, strict=True)]).T
