# SPDX-License-Identifier: Apache-2.0
"""Space carving in numpy, every surface voxel in every round: slow, readable, what the kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._photographs import view_geometry
from .grid import VoxelGrid

Array = NDArray[np.float64]

_SUBPIXELS = 256  # positions of footprints are rounded down to 1 / 256 of a pixel


Voxel = tuple[int, int, int]  # z, y, x
Sight = dict[tuple[int, int], list[tuple[Voxel, float]]]  # by row and column: voxels, and the depths of their entry


class View(NamedTuple):
    """Levels (H, W, 4) with roughness last, all voxels on the rays of pixels that take part, and the projection."""

    levels: NDArray[np.int64]
    rays: Sight
    image_from_voxel: Array
    sides: Array


class Result(NamedTuple):
    """What is left (Z, Y, X), the rounds, and the mean colours of surface voxels that are seen, by z, y, x."""

    occupied: NDArray[np.bool_]
    rounds: int
    colors: dict[Voxel, Array]


def space_carve(
    images: Sequence[NDArray[np.uint8]],
    image_from_world: Sequence[Array],
    grid: VoxelGrid,
    start: NDArray[np.bool_],
    *,
    masks: Sequence[NDArray] | None = None,
    threshold: float = 8.0,
    slack: float = 1.0,
    min_views: int = 3,
    gains: NDArray[np.float64],
) -> Result:
    """As ``voxels.space_carve`` from a (Z, Y, X) start, with gains (V, 3)."""
    shows = [np.ones(image.shape[:2], bool) for image in images] if masks is None else [mask != 0 for mask in masks]
    views = [_view(*view, grid) for view in zip(images, shows, image_from_world, strict=True)]
    occupied, held, rounds = start.copy(), np.zeros_like(start), 0
    while True:
        rounds += 1
        sights = [_look(view, occupied) for view in views]
        marked = np.zeros_like(occupied)
        for voxel in _surface(occupied & ~held, occupied):
            seen = [(g, *_observe(v, sight, voxel, True)) for g, v, sight in zip(gains, views, sights, strict=True)]
            colors = np.array([gain * color for gain, color, _, share in seen if share > 0])
            rough = np.array([roughness**2 for _, _, roughness, share in seen if share > 0])
            if len(colors) < min_views:
                continue
            marked[voxel] = _variance(colors) > threshold**2 + slack**2 * (_sum(rough) / len(rough))
        if not marked.any():
            return Result(occupied, rounds, _colors(views, sights, occupied, gains))
        if masks is not None:
            held |= _without(sights, marked)
        occupied &= ~marked | held


def _view(image: NDArray[np.uint8], shows: NDArray[np.bool_], matrix: Array, grid: VoxelGrid) -> View:
    padded = np.pad(image.astype(np.int64), ((1, 1), (1, 1), (0, 0)))
    windows = [np.lib.stride_tricks.sliding_window_view(a, (3, 3), (0, 1)).sum((-1, -2)) for a in (padded, padded**2)]
    count = np.pad(np.ones(shows.shape, np.int64), 1)
    count = np.lib.stride_tricks.sliding_window_view(count, (3, 3)).sum((-1, -2))
    variance = (count[..., None] * windows[1] - windows[0] ** 2).sum(-1)
    roughness = np.floor(np.sqrt(variance / (3 * count**2)) + 0.5).astype(np.int64)
    levels = np.concatenate([image.astype(np.int64), roughness[..., None]], axis=-1)
    row = view_geometry(matrix, grid)
    rays = {(y, x): _voxels_on_ray(row, y, x, grid.shape) for y, x in np.argwhere(shows).tolist()}
    return View(levels, rays, row[:12].reshape(3, 4), row[24:])


def _voxels_on_ray(geometry: Array, row: int, column: int, shape: tuple[int, ...]) -> list[tuple[Voxel, float]]:
    """Voxels in the order in which a ray comes to them, and the depths at which it does."""
    center, m, size = geometry[12:15], geometry[15:24].reshape(3, 3), np.array(shape[::-1])
    direction = m[:, 0] * (column + 0.5) + (m[:, 1] * (row + 0.5) + m[:, 2])
    step = np.sign(direction).astype(int)
    moving = step != 0
    with np.errstate(divide="ignore"):
        inverse = np.where(moving, 1 / direction, 0.0)
    if not ((center >= 0) & (center < size))[~moving].all():
        return []
    entries = (np.where(step > 0, 0, size) - center) * inverse
    exits = (np.where(step > 0, size, 0) - center) * inverse
    begin = max(0.0, entries[moving].max(initial=0.0))
    if not begin < exits[moving].min(initial=np.inf):
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        voxel = np.floor(center + np.where(moving, begin / inverse, 0.0)).astype(int)
    voxel = np.clip(voxel, 0, size - 1)
    face = np.flatnonzero(moving & (entries == begin) & (begin > 0))[:1]
    voxel[face] = np.where(step[face] > 0, 0, size[face] - 1)
    found: list[tuple[Voxel, float]] = []
    while ((voxel >= 0) & (voxel < size)).all():
        entry = ((voxel + (step < 0)) - center) * inverse
        x, y, z = voxel.tolist()
        found.append(((z, y, x), max(0.0, entry[moving].max(initial=0.0))))
        axis = int(np.argmin(np.where(moving, ((voxel + (step > 0)) - center) * inverse, np.inf)))
        voxel[axis] += step[axis]
    return found


def _look(view: View, occupied: NDArray[np.bool_]) -> Sight:
    """For every pixel that takes part, the occupied voxels on its ray, the first one first."""
    return {pixel: [(voxel, depth) for voxel, depth in ray if occupied[voxel]] for pixel, ray in view.rays.items()}


def _without(sights: Sequence[Sight], marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels that pixels see which would see none if all that is marked went."""
    held = np.zeros_like(marked)
    for sight in sights:
        for ray in sight.values():
            if ray and all(marked[voxel] for voxel, _ in ray):
                held[ray[0][0]] = True
    return held


def _surface(candidates: NDArray[np.bool_], occupied: NDArray[np.bool_]) -> list[Voxel]:
    padded = np.pad(occupied, 1)
    inner = np.ones_like(occupied)
    for axis in range(3):
        for shift in (-1, 1):
            inner &= np.roll(padded, shift, axis)[1:-1, 1:-1, 1:-1]
    return [(z, y, x) for z, y, x in np.argwhere(candidates & ~inner).tolist()]


def _observe(view: View, sight: Sight, voxel: Voxel, centrally: bool) -> tuple[Array, float, float]:
    """Mean colour and roughness of a voxel's footprint, and the share of it that is seen."""
    nothing = np.zeros(3), 0.0, 0.0
    M = view.image_from_voxel
    x, y, z = (index + 0.5 for index in voxel[::-1])
    xw, yw, w = (row[0] * x + (row[1] * y + (row[2] * z + row[3])) for row in M)
    reach = 0.5 * (abs(M[2, 0]) + abs(M[2, 1]) + abs(M[2, 2]))
    if not w - reach > 0:
        return nothing
    height, width = view.levels.shape[:2]
    middles = xw * (1 / w), yw * (1 / w)
    if not (0 <= middles[0] < width and 0 <= middles[1] < height):
        return nothing

    def sees(pixel: tuple[int, int]) -> bool:
        ray = sight.get(pixel, [])
        return len(ray) > 0 and w - reach <= float(np.float32(ray[0][1])) <= w + reach

    if centrally and not sees((int(middles[1]), int(middles[0]))):
        return nothing
    halves = np.maximum(0.5 * view.sides * (1 / w), 0.5)
    low, high = ([int(np.floor((m + sign * h) * _SUBPIXELS)) for m, h in zip(middles, halves, strict=True)]
                 for sign in (-1, 1))  # fmt: skip
    if min(low) < 0 or high[0] > width * _SUBPIXELS or high[1] > height * _SUBPIXELS:
        return nothing
    weight, sums = 0, np.zeros(4, np.int64)
    for row in range(low[1] // _SUBPIXELS, -(-high[1] // _SUBPIXELS)):
        for column in range(low[0] // _SUBPIXELS, -(-high[0] // _SUBPIXELS)):
            if not sees((row, column)):
                continue
            covered = _cover(low[1], high[1], row) * _cover(low[0], high[0], column)
            weight += covered
            sums += covered * view.levels[row, column]
    if weight == 0:
        return nothing
    means = np.asarray(sums * (1 / weight), np.float64)
    return means[:3], float(means[3]), weight / ((high[0] - low[0]) * (high[1] - low[1]))


def _cover(low: int, high: int, pixel: int) -> int:
    return min(high, (pixel + 1) * _SUBPIXELS) - max(low, pixel * _SUBPIXELS)


def _variance(colors: Array) -> float:
    """The mean of the channels' variances."""
    n = len(colors)
    squares = _sum(colors.ravel() ** 2)
    sums = [_sum(channel) for channel in colors.T]
    return (squares - (sums[0] * sums[0] + sums[1] * sums[1] + sums[2] * sums[2]) / n) / (3 * (n - 1))


def _sum(values: Array) -> float:
    """One after the other: numpy adds long arrays up in another order."""
    total = 0.0
    for value in values:
        total += value
    return total


def _colors(views: Sequence[View], sights: Sequence[Sight], occupied: NDArray, gains: Array) -> dict[Voxel, Array]:
    colors = {}
    for voxel in _surface(occupied, occupied):
        seen = [(g, *_observe(v, sight, voxel, False)) for g, v, sight in zip(gains, views, sights, strict=True)]
        weight = sum(share for *_, share in seen)
        if weight > 0:
            colors[voxel] = sum(share * gain * color for gain, color, _, share in seen) / weight
    return colors
