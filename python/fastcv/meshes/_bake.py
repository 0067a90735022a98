# SPDX-License-Identifier: Apache-2.0
"""The pixels of an atlas from the photographs, mixed where views meet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ._atlas import PADDING, Atlas
from ._leveling import Corrections
from ._raster import rasterize
from ._sources import Source

_REACH = 8.0  # how far beyond a triangle it is continued, in its own size
_PART = 1 << 18  # pixels that are worked on together
_SHARPNESS = 4  # the power of a view's share in mixtures: how fast it falls off behind a seam


def bake(
    vertices: NDArray[np.floating],
    faces: NDArray[np.int32],
    labels: NDArray[np.int64],
    quality: NDArray[np.float32],
    sources: list[Source],
    corrections: Corrections,
    atlas: Atlas,
    num_threads: int,
) -> NDArray[np.float32]:
    """(H, W, 3), 0 where no chart is near. Charts go on beyond their borders, as bilinear sampling there needs it.

    A pixel's colour mixes the views that have charts at the corners of its triangle and see the triangle: each by how
    near such corners are, so that both sides of a seam come to the same colour.
    """
    corners = np.arange(3 * len(faces), dtype=np.int32).reshape(-1, 3)
    flat = np.concatenate([atlas.uv.reshape(-1, 2), np.ones((3 * len(faces), 1))], axis=1)
    flat[np.repeat(labels < 0, 3)] = np.nan  # triangles of no view are not drawn
    raster = rasterize(flat, corners, atlas.shape, num_threads)
    grown = _grown(raster.faces)
    del raster
    texels = np.flatnonzero(grown >= 0)
    face = grown.ravel()[texels]
    del grown
    weights = np.empty((len(texels), 3), np.float32)
    for part in _parts(len(texels)):
        places = np.stack([texels[part] % atlas.shape[1], texels[part] // atlas.shape[1]], 1) + 0.5
        f = face[part]
        weights[part] = _in_space(_weights(atlas.uv[f], places), vertices, faces[f], labels[f], sources)
    colors, total = np.zeros((len(texels), 3), np.float32), np.zeros(len(texels), np.float32)
    for view, source in enumerate(_shrunk(source, atlas.scale) for source in sources):
        shares, values = _share(view, faces, labels, quality[view], corrections)
        mine = np.flatnonzero(np.any(shares, axis=1)[face])
        for part in _parts(len(mine)):
            at = mine[part]
            f, w = face[at], weights[at].astype(np.float64)
            w[:, 2] = 1 - w[:, 0] - w[:, 1]  # places far from the origin need more digits than are kept
            within = np.clip(w, 0, 1)
            within /= within.sum(1, keepdims=True)
            share = (np.einsum("pk,pk->p", within, shares[f]) ** _SHARPNESS).astype(np.float32)
            share[labels[f] == view] = 1.0
            points = np.einsum("pk,pkc->pc", w, vertices[faces[f]])
            found = source.sample(source.project(points)[0]) + np.einsum("pk,pkc->pc", within, values[f])
            colors[at] += share[:, None] * found
            total[at] += share
    image = np.zeros((*atlas.shape, 3), np.float32)
    colors /= np.maximum(total, 1e-12)[:, None]
    image.reshape(-1, 3)[texels] = colors
    return image


def _parts(count: int) -> Iterator[slice]:
    """Rows bit by bit: all at once would take many times the memory of the result."""
    return (slice(start, start + _PART) for start in range(0, count, _PART))


def _in_space(
    weights: NDArray[np.float64],
    vertices: NDArray[np.floating],
    corners: NDArray[np.int32],
    labels: NDArray[np.int64],
    sources: list[Source],
) -> NDArray[np.float64]:
    """Weights of corners in space from those in the photograph that a chart is a part of: over depth."""
    result = weights.copy()
    for view, source in enumerate(sources):
        mine = np.flatnonzero(labels == view)
        result[mine] /= source.project(vertices[corners[mine]])[1]
    return result / result.sum(1, keepdims=True)


def _share(
    view: int,
    faces: NDArray[np.int32],
    labels: NDArray[np.int64],
    quality: NDArray[np.float32],
    corrections: Corrections,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(F, 3) whether a view has a chart at a corner of triangles that it may colour, and (F, 3, 3) its corrections."""
    mine = corrections.keys % corrections.num_views == view
    vertices = corrections.keys[mine] // corrections.num_views
    count = int(faces.max()) + 1
    has, values = np.zeros(count, bool), np.zeros((count, 3))
    has[vertices], values[vertices] = True, corrections.values[mine]
    at = has[faces] & (((quality > 0) | (labels == view)) & (labels >= 0))[:, None]
    found = values[faces]
    # A corner that the view has no chart at takes the mean of those that have one.
    mean = (found * at[..., None]).sum(1, keepdims=True) / np.maximum(at.sum(1), 1)[:, None, None]
    return at, np.where(at[..., None], found, mean)


def _shrunk(source: Source, scale: float) -> Source:
    """The photograph in half its size, as often as its pixels are smaller than those of the atlas by half."""
    image, matrix = source.image, source.image_from_world
    while scale <= 0.5 and min(image.shape[:2]) >= 2:
        height, width = (size // 2 * 2 for size in image.shape[:2])
        quads = image[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
        image = np.round(quads.mean((1, 3))).astype(np.uint8)
        matrix, scale = np.diag([0.5, 0.5, 1.0]) @ matrix, 2 * scale
    return source._replace(image=image, image_from_world=matrix)


def _grown(faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pixels up to PADDING away from a triangle get it too: a neighbour's."""
    for _ in range(PADDING):
        padded = np.pad(faces, 1, constant_values=-1)
        around = [
            padded[1 + dy : 1 + dy + faces.shape[0], 1 + dx : 1 + dx + faces.shape[1]]
            for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
        ]
        grown = faces.copy()
        for neighbor in around:
            np.copyto(grown, neighbor, where=(grown < 0) & (neighbor >= 0))
        faces = grown
    return faces


def _weights(corners: NDArray[np.float64], places: NDArray[np.floating]) -> NDArray[np.float64]:
    """(P, 3) weights of (P, 3, 2) corners that give (P, 2) places, beyond the triangle too, within reason."""
    a, b, p = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], places - corners[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    area = np.where(np.abs(area) > 1e-9, area, 1e-9)
    second = (p[:, 0] * b[:, 1] - p[:, 1] * b[:, 0]) / area
    third = (a[:, 0] * p[:, 1] - a[:, 1] * p[:, 0]) / area
    return np.clip(np.stack([1 - second - third, second, third], axis=1), -_REACH, 1 + _REACH)
