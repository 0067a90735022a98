# SPDX-License-Identifier: Apache-2.0
"""Carving of a shape that is known, by depths without noise: how exact it is at three sizes of voxels.

A ring of balls around a box, seen from 24 places. Pixels, 1.5 a voxel, and the margin, half a voxel's diagonal, shrink
with the voxels. Of the notes, ``lost`` counts voxels of the shape that were carved away; ``iou`` is that of the voxels
kept with those of the shape; ``surface_error`` is the mean distance from the shape of the outermost voxels kept, in
units of its diameter.
"""

from __future__ import annotations

import numpy as np
from benchmarks._harness import Contest, case
from benchmarks.voxels.bench_carve import same_voxels
from benchmarks.voxels.bench_carve_depths import brute_force
from benchmarks.voxels.tools import compiler, compiler_version, library

from fastcv import Camera, voxels
from fastcv.synthetic import Material, Scene, Solid, look_at
from fastcv.synthetic.render import cast

STONE = Material(("#808080", "#a09080", "#404040"))
SIDE = 1.2  # of the grid, scene units
NUM_VIEWS, DISTANCE = 24, 4.0
TILE = 64  # pixels that are cast at once


def scene() -> Scene:
    angles = 2 * np.pi * np.arange(20) / 20
    balls = [Solid("ball", (0.4 * np.cos(a), 0.4 * np.sin(a), 0.0), [0.15] * 3, STONE) for a in angles]
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    return Scene([*balls, Solid("box", (0, 0, 0), (0.1, 0.15, 0.12), STONE, turn)])


def views(shape: Scene, size: int) -> tuple[np.ndarray, list[tuple[Camera, np.ndarray]]]:
    """Depths from a spiral of equal areas, the least of each pixel and its neighbours, infinite for background."""
    camera = Camera("PINHOLE", size, size, np.array([3.0 * size, 3.0 * size, size / 2, size / 2]))
    depths, cameras = np.full((NUM_VIEWS, size, size), np.inf, np.float32), []
    for i, depth in enumerate(depths):
        z, angle = 1 - (2 * i + 1) / NUM_VIEWS, i * np.pi * (3 - np.sqrt(5))
        eye = DISTANCE * np.array([np.sqrt(1 - z * z) * np.cos(angle), np.sqrt(1 - z * z) * np.sin(angle), z])
        cameras.append((camera, look_at(eye, np.zeros(3))))
        for top in range(0, size, TILE):
            for left in range(0, size, TILE):
                tile = depth[top : top + TILE, left : left + TILE]
                y, x = np.indices(tile.shape) + np.array([top, left])[:, None, None] + 0.5
                _, _, hits = cast(shape, camera, cameras[-1][1], np.stack([x.ravel(), y.ravel()], 1))
                tile[:] = hits.t.reshape(tile.shape)
        padded = np.pad(depth, 1, constant_values=np.inf)
        depth[:] = np.min([padded[i : i + size, j : j + size] for i in range(3) for j in range(3)], axis=0)
    return depths, cameras


def distances(shape: Scene, grid: voxels.VoxelGrid, reach: float) -> np.ndarray:
    """Of voxels' centres from the shape, as far as they are at most ``reach``; 0 inside."""
    result = np.full(grid.shape, np.float32(reach))
    origin = np.asarray(grid.origin)
    for solid in shape.solids:
        low = np.floor((solid.center - solid.radius - reach - origin) / grid.voxel_size).astype(int)
        high = np.ceil((solid.center + solid.radius + reach - origin) / grid.voxel_size).astype(int)
        (left, top, front), (right, bottom, back) = np.maximum(low, 0), np.minimum(high, grid.shape[::-1])
        for z in range(front, back):
            layer = result[z, top:bottom, left:right]
            points = grid.centers(z)[top:bottom, left:right].reshape(-1, 3)
            np.minimum(layer, solid.distance(points).reshape(layer.shape), out=layer)
    return result


def surface_of(kept: np.ndarray) -> np.ndarray:
    """Kept voxels with one of six neighbours that is not; none touches the grid's border."""
    hidden = kept.copy()
    for axis in range(3):
        for step in (-1, 1):
            hidden &= np.roll(kept, step, axis)
    return kept & ~hidden


def contest_of(contest: Contest, side: int) -> None:
    if contest.quick and side > 128:
        return
    if not compiler():
        contest.skip("no C++ compiler for the loop")
        return
    shape, grid = scene(), voxels.VoxelGrid([-SIDE / 2] * 3, SIDE / side, (side, side, side))
    depths, cameras = views(shape, side * 3 // 2)
    margin = 0.5 * np.sqrt(3) * grid.voxel_size
    kept = voxels.carve_depths(depths, cameras, grid, margin=margin).to_dense()
    distance = distances(shape, grid, 0.1)
    inside = distance == 0
    contest.note(
        views=NUM_VIEWS,
        voxels=grid.num_voxels,
        voxel_size=grid.voxel_size,
        lost=int((inside & ~kept).sum()),
        iou=float((inside & kept).sum() / (inside | kept).sum()),
        surface_error=float(distance[surface_of(kept)].mean(dtype=float) / 1.1),
    )
    hull = voxels.carve(np.isfinite(depths), cameras, grid).to_dense()
    contest.note(hull_lost=int((inside & ~hull).sum()), hull_iou=float(inside.sum() / (inside | hull).sum()))

    def check(ours: voxels.Occupancy, theirs: np.ndarray) -> tuple[str, bool]:
        how, ok = same_voxels(ours, theirs)
        lost = contest.notes["lost"] + contest.notes["hull_lost"]
        return f"{how}, {lost} of {inside.sum()} of the shape lost", ok and lost == 0

    contest.ours(lambda: voxels.carve_depths(depths, cameras, grid, margin=margin))
    library()
    contest.peer("c++ loop, gcc", compiler_version(), lambda: brute_force(depths, cameras, grid, margin), check=check)


@case
def known_shape_128(contest: Contest) -> None:
    contest_of(contest, 128)


@case
def known_shape_256(contest: Contest) -> None:
    contest_of(contest, 256)


@case
def known_shape_512(contest: Contest) -> None:
    contest_of(contest, 512)
