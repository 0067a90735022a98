# SPDX-License-Identifier: Apache-2.0
"""Space carving: the voxels whose colour the photographs agree on, the photo hull."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call
from ..scene import Camera
from ._memory import require_memory
from ._photo_carving import PhotoCarving, Progress, Rule
from ._photographs import pack_photographs
from ._surface_colors import estimate_gains, surface_colors
from .carve import carve
from .grid import VoxelGrid
from .occupancy import Occupancy
from .photo_hull import PhotoHull


def space_carve(
    images: Any,
    cameras: Sequence[ArrayLike] | Sequence[tuple[Camera, ArrayLike]] | NDArray[np.floating],
    grid: VoxelGrid,
    *,
    masks: Any = None,
    start: Occupancy | None = None,
    threshold: float = 8.0,
    slack: float = 1.0,
    min_views: int = 3,
    gains: ArrayLike | None = None,
    max_rounds: int | None = None,
    progress: Progress | None = None,
    num_threads: int = 0,
) -> PhotoHull:
    """Take away the voxels of a surface whose colour differs between the photographs that see them, until none does.

    In every round a ray through the centre of each pixel looks for the first voxel that is left; a pixel sees a voxel
    if its ray ends within the voxel's slab of depths. A view sees it if the pixel under its centre does, and what the
    view sees is the mean colour, times the view's gain, of the pixels that do in the voxel's footprint, the rectangle
    as large as the voxel's front but at least a pixel wide. Where at least ``min_views`` views see a voxel and the
    variance of their colours (the mean of the channels') exceeds ``threshold² + slack² r²``, it is taken away; r is the
    standard deviation of the levels of 3 × 3 pixels, averaged over a footprint, squared and averaged over views: near
    edges a small displacement makes a large difference, so that more is forgiven there. All voxels of a round are
    judged by what was left before it; taking voxels away only uncovers others.

    With masks, background says nothing of colour, and a silhouette stays filled: a voxel is held for good if without
    it, or what else is to go, a foreground pixel would see nothing any more. Without that a hole once drilled into an
    object of one colour grows until the object is gone.

    Everything that decides is the same for every number of threads, instruction set and device.

    Parameters
    ----------
    images : (V, H, W, 3) uint8 or float32 array, or sequence of V (H, W, 3) arrays
        RGB photographs, of any sizes; float32 in [0, 1]. On a GPU where they are torch or CuPy arrays there.
    cameras : (V, 3, 4) array, or sequence of (3, 4) arrays or of pairs (Camera, cam_from_world)
        As for ``carve``; photographs with lens distortion are resampled once. A voxel that a camera stands in counts as
        empty.
    grid : VoxelGrid
        The voxels.
    masks : (V, H, W) bool or uint8 array, or sequence of V (H, W) arrays, optional
        Silhouettes; False or 0 is background.
    start : Occupancy, optional
        What to take away from, a shape that contains the object. By default what ``carve`` makes of the masks, or the
        whole grid where there are none.
    threshold : float, optional
        Standard deviation between views that noise, reflections and calibration explain, in levels of 255.
    slack : float, optional
        How many standard deviations of the levels around a pixel views may differ by in addition.
    min_views : int, optional
        How many views must see a voxel before it can be taken away, 2 or more.
    gains : (V,) or (V, 3) array, optional
        What to multiply the levels of each photograph, or of each of its channels, by. By default they are estimated
        from the surface that carving starts with, robustly; where that is the whole grid they are 1.
    max_rounds : int, optional
        Stop after so many.
    progress : callable, optional
        Called after each round with its number and how many voxels it took away.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    PhotoHull
        In numpy arrays, wherever the images are.

    Raises
    ------
    TypeError
        Images or masks of another dtype.
    ValueError
        No image; another number of cameras or masks; an image of another size than its camera or mask; a float image
        with values that are NaN or not in [0, 1]; a singular matrix; a pose that is not rigid; a number out of its
        range; a start on another grid; photographs and a grid that do not fit into memory.

    References
    ----------
    Seitz & Dyer 1997, "Photorealistic scene reconstruction by voxel coloring". Kutulakos & Seitz 2000, "A theory of
    shape by space carving". Culbertson, Malzbender & Slabaugh 1999, "Generalized voxel coloring". Slabaugh et al. 2004,
    "Methods for volumetric reconstruction of visual scenes", for the adaptive threshold.

    Examples
    --------
    Four cameras around a red cube agree on its colour, so that it stays what their silhouettes leave:

    >>> from fastcv import voxels
    >>> image = np.zeros((40, 40, 3), np.uint8)
    >>> image[10:30, 10:30] = [200, 0, 0]
    >>> K = np.array([[2000.0, 0, 20], [0, 2000.0, 20], [0, 0, 1]])
    >>> turns = [np.array([[c, 0.0, s], [0, 1, 0], [-s, 0, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    >>> cameras = [K @ np.c_[turn, [0, 0, 100]] for turn in turns]
    >>> grid = voxels.VoxelGrid([-1, -1, -1], 1 / 16, (32, 32, 32))
    >>> hull = voxels.space_carve([image] * 4, cameras, grid, masks=[image.any(-1)] * 4)
    >>> hull.occupancy.num_occupied, np.unique(hull.colors, axis=0), hull.converged
    (4096, array([[200,   0,   0]], dtype=uint8), True)
    """
    _check(images, cameras, masks, grid, start, threshold, slack, min_views, max_rounds)
    call = Call()
    photos = pack_photographs(call, images, masks, cameras, grid, num_threads)
    if start is not None:
        states = start.to_dense().view(np.uint8)
    elif masks is not None:
        states = carve(masks, cameras, grid, num_threads=num_threads).to_dense().view(np.uint8)
    else:
        states = np.ones(grid.shape, np.uint8)
    carving = PhotoCarving(call, photos, states, num_threads)
    rule = Rule(float(threshold) ** 2, float(slack) ** 2, int(min_views), masks is not None)
    estimate = gains is None and not (start is None and masks is None)
    levels = estimate_gains(carving) if estimate else _gains(gains, len(images))
    if estimate:
        # The start may be far from the object: what is clearly wrong goes before the gains are relied on.
        carving.run(rule._replace(level_variance=4 * rule.level_variance), levels, max_rounds, progress)
        levels = estimate_gains(carving)
    converged = carving.run(rule, levels, max_rounds, progress)
    occupancy = Occupancy.from_dense(carving.fetch_states() != 0, grid)
    voxels, colors, num_views = surface_colors(carving, levels)
    return PhotoHull(occupancy, voxels, colors, num_views, levels, carving.rounds, converged)


def _gains(gains: ArrayLike | None, num_views: int) -> NDArray[np.float64]:
    """(V, 3)."""
    if gains is None:
        return np.ones((num_views, 3))
    levels = np.asarray(gains, np.float64)
    if levels.shape not in ((num_views,), (num_views, 3)):
        raise ValueError(f"gains: expected shape ({num_views},) or ({num_views}, 3), got {levels.shape}")
    if not (np.isfinite(levels) & (levels > 0)).all():
        raise ValueError(f"gains: expected positive finite numbers, got {levels.tolist()}")
    return np.ascontiguousarray(np.broadcast_to(levels.reshape(num_views, -1), (num_views, 3)))


def _check(
    images: Any,
    cameras: Any,
    masks: Any,
    grid: VoxelGrid,
    start: Occupancy | None,
    threshold: float,
    slack: float,
    min_views: int,
    max_rounds: int | None,
) -> None:
    if len(images) == 0:
        raise ValueError("images: expected at least one, got none")
    for name, views in (("cameras", cameras), ("masks", masks)):
        if views is not None and len(views) != len(images):
            raise ValueError(f"{name}: expected one per image ({len(images)}), got {len(views)}")
    if start is not None and start.grid != grid:
        raise ValueError(f"start: expected an occupancy of the grid {grid}, got one of {start.grid}")
    for name, value in (("threshold", threshold), ("slack", slack)):
        if not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"{name}: expected a finite number, 0 or more, got {value}")
    if operator.index(min_views) < 2:
        raise ValueError(f"min_views: expected 2 or more, got {min_views}")
    if max_rounds is not None and operator.index(max_rounds) < 1:
        raise ValueError(f"max_rounds: expected 1 or more, got {max_rounds}")
    require_memory("grid", 3 * grid.num_voxels, f"the voxels {grid.shape}")
