# SPDX-License-Identifier: Apache-2.0
"""Space carving of the 16 photographs of templeSparseRing, the visual hull included, against a loop over all voxels.

The C++ loop casts all rays and judges all surface voxels anew in every round, with the same rule and the same gains; it
is compiled here, for this processor. Silhouettes are pixels whose red exceeds their blue, as stone's does and the dark
cloth's does not, closed by 5 × 5, the largest component, its holes below 150 pixels filled.
"""

from __future__ import annotations

import ctypes
import functools
from typing import NamedTuple

import cv2
import numpy as np
from benchmarks._harness import Contest, case, data_dir
from benchmarks.voxels.tools import compiler, compiler_version, library, with_memory

from fastcv import Camera, get_num_threads, io, voxels
from fastcv._backend import backend
from fastcv.voxels._photographs import view_geometry

LOOP = "brute_space_carve.cpp"
THRESHOLD, SLACK, MIN_VIEWS = 8.0, 1.0, 3  # the defaults
LOW, HIGH = np.array([-0.073568, 0.021728, -0.012445]), np.array([0.028855, 0.181892, 0.062736])  # its README's box
MARGIN = 0.003  # metres around the box
STONE = 26  # levels by which red exceeds blue
HELD_OUT = (6, 9)


class Temple(NamedTuple):
    """RGB photographs, silhouettes and projection matrices."""

    images: np.ndarray
    masks: np.ndarray
    matrices: np.ndarray

    def without(self, view: int) -> Temple:
        """All other views."""
        others = [i for i in range(len(self.images)) if i != view]
        return Temple(*(array[others] for array in self))


def silhouette(image: np.ndarray) -> np.ndarray:
    """(H, W) bool."""
    levels = image.astype(np.int64)
    stone = (levels[..., 0] - levels[..., 2] >= STONE).astype(np.uint8)
    closed = cv2.morphologyEx(stone, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=4)
    mask = labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 150
    small[0] = False
    return mask | small[labels]


@functools.cache
def temple() -> Temple:
    folder = data_dir() / "mvs" / "templeSparseRing"
    photos = io.read_middlebury(folder / "templeSR_par.txt")
    images = [io.read_photo(folder / photo.name) for photo in photos]
    matrices = [Camera("PINHOLE", 640, 480, photo.params).matrix @ photo.cam_from_world for photo in photos]
    return Temple(np.stack(images), np.stack([silhouette(image) for image in images]), np.stack(matrices))


def grid_of(millimetres: float) -> voxels.VoxelGrid:
    size = 1e-3 * millimetres
    x, y, z = np.ceil((HIGH - LOW + 2 * MARGIN) / size).astype(int).tolist()
    return voxels.VoxelGrid(LOW - MARGIN, size, (z, y, x))


def ours(views: Temple, grid: voxels.VoxelGrid, gains: np.ndarray | None = None) -> voxels.PhotoHull:
    return voxels.space_carve(views.images, views.matrices, grid, masks=views.masks, gains=gains)


def loop(views: Temple, grid: voxels.VoxelGrid, gains: np.ndarray) -> np.ndarray:
    """(Z, Y, X), 0 for what is carved."""
    states = voxels.carve(views.masks, views.matrices, grid).to_dense().view(np.uint8)
    pixels = np.empty(views.masks.shape, np.int32)
    for image, out in zip(views.images, pixels, strict=True):
        backend("cpu").voxels.pack_photograph(image, out, 0)
    facing = [matrix / np.linalg.norm(matrix[2, :3]) for matrix in views.matrices]
    geometry = np.stack([view_geometry(matrix, grid) for matrix in facing])
    sizes = np.array([*pixels.shape, *grid.shape, MIN_VIEWS], np.int64)
    arrays = (sizes, geometry, pixels, views.masks, gains, states)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
    library(LOOP).space_carve(*pointers, ctypes.c_double(THRESHOLD), ctypes.c_double(SLACK), get_num_threads())
    return states


def overlap(hull: voxels.PhotoHull, views: Temple) -> list[float]:
    """Intersection over union of each silhouette and what the result shows there."""
    shown = [hull.render(matrix, size=views.masks[0].shape)[1] for matrix in views.matrices]
    pairs = zip(shown, views.masks, strict=True)
    return [float((a & b).sum() / (a | b).sum()) for a, b in pairs]


def held_out(millimetres: float, view: int) -> dict[str, float]:
    """PSNR of a view that had no part, from the visual hull and the photo hull, both coloured by the others.

    ``median`` is that of the median squared error: most of the mean comes from edges a pixel beside their place.
    """
    views, grid = temple(), grid_of(millimetres)
    others = views.without(view)
    inputs = (others.images, others.matrices, grid)
    coloured = voxels.space_carve(*inputs, masks=others.masks, threshold=1e3)  # nothing goes
    facts = {}
    for name, hull in (("visual", coloured), ("photo", ours(others, grid))):
        picture, shown = hull.render(views.matrices[view], size=views.masks[0].shape)
        where = shown & views.masks[view]
        photo, ours_there = views.images[view][where].astype(float), picture[where].astype(float)
        gain = np.median(photo / np.maximum(ours_there, 1), axis=0)
        errors = ((photo - gain * ours_there) ** 2).mean(1)
        facts[f"{name}_hull_psnr"] = float(10 * np.log10(255**2 / errors.mean()))
        facts[f"{name}_hull_psnr_median"] = float(10 * np.log10(255**2 / np.median(errors)))
    return facts


def contest_of(contest: Contest, millimetres: float) -> None:
    if contest.quick and millimetres < 1:
        return
    if not compiler():
        contest.skip("no C++ compiler for the loop")
        return
    views, grid = temple(), grid_of(millimetres)
    whole = ours(views, grid)
    ious = overlap(whole, views)
    contest.note(
        views=len(views.images),
        shape=grid.shape,
        visual_hull_voxels=voxels.carve(views.masks, views.matrices, grid).num_occupied,
        photo_hull_voxels=whole.occupancy.num_occupied,
        surface_voxels=len(whole.voxels),
        rounds_with_gains_estimated=whole.rounds,
        silhouette_iou=[round(iou, 4) for iou in ious],
        gains=whole.gains.mean(1).round(3).tolist(),
    )
    if not contest.quick:
        contest.note(held_out={str(view): held_out(millimetres, view) for view in HELD_OUT})

    def same(mine: voxels.PhotoHull, theirs: np.ndarray) -> tuple[str, bool]:
        wrong = np.count_nonzero(mine.occupancy.to_dense() != (theirs != 0))
        how = f"{wrong} of {theirs.size} voxels differ, IoU of silhouettes {min(ious):.3f} and more"
        return how, wrong == 0 and min(ious) >= 0.95 and mine.converged

    library(LOOP)
    contest.ours(with_memory(lambda: ours(views, grid, whole.gains)))
    contest.peer("c++ loop, gcc", compiler_version(), lambda: loop(views, grid, whole.gains), check=same)


@case
def space_carve_temple_1mm(contest: Contest) -> None:
    contest_of(contest, 1.0)


@case
def space_carve_temple(contest: Contest) -> None:
    contest.rounds = 1  # the loop takes minutes
    contest_of(contest, 0.5)
