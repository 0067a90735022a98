# SPDX-License-Identifier: Apache-2.0
"""The box around an object and the voxels that are left in it, by each of the methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .. import io, voxels
from .carve_options import CarveOptions
from .carve_source import CarveError, SilhouetteFile
from .masks import mask_from_picture
from .run_folder import RunFolder
from .stage_masks import load_mask, load_soft_mask

Array = NDArray[np.float64]

_POSSIBLE = 0.1  # probability from which a pixel of a soft mask may show the object
_MARGIN = 1.5  # voxels: half the diagonal of one, and as much for noise of depth maps
_POINTS = 10_000  # of a depth map that tell where the object is
_FAR_OFF = 0.5  # per cent of them, on either side, that do not count
_AROUND = 0.05  # of the box of the others that it is wider on every side


def find_bounds(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> Array:
    """(2, 3) the lowest and the highest corner of the box."""
    if options.bounds is not None:
        return np.array(options.bounds, np.float64).reshape(2, 3)
    run.detail("carve", "find the box")
    if options.method == "depths":
        return _bounds_of_depths([_points(run, view) for view in views])
    least = _POSSIBLE if options.method == "soft-masks" else 0.5
    masks, violations = [load_mask(run, view.name, least) for view in views], options.violations(len(views))
    return voxels.hull_bounds(masks, [view.for_carving for view in views], max_violations=violations)


def carve(
    run: RunFolder, views: Sequence[SilhouetteFile], grid: voxels.VoxelGrid, options: CarveOptions
) -> voxels.Occupancy:
    """The voxels that are left."""
    cameras, num_threads = [view.for_carving for view in views], options.num_threads
    if options.method == "soft-masks":
        masks = [load_soft_mask(run, view.name) for view in views]
        probability = voxels.carve_soft(masks, cameras, grid, num_threads=num_threads)
        return voxels.Occupancy.from_dense(probability > 0.5, grid)
    counts: dict[str, Any] = {
        "min_views": min(options.min_views, len(views)),
        "max_violations": options.violations(len(views)),
        "num_threads": num_threads,
    }
    if options.method == "depths":
        depths = [_depth(view) for view in views]
        return voxels.carve_depths(depths, cameras, grid, margin=_MARGIN * grid.voxel_size, **counts)
    return voxels.carve([load_mask(run, view.name) for view in views], cameras, grid, **counts)


def _depth(view: SilhouetteFile) -> NDArray[np.float32]:
    """The depth map, 0 for none, infinity where the mask says that there is no object."""
    assert view.depth is not None
    depth = view.depth.read_depth()
    if view.mask is None:
        return depth
    return np.where(mask_from_picture(io.read_photo(view.mask)), depth, np.float32(np.inf))


def _points(run: RunFolder, view: SilhouetteFile) -> Array:
    """(P, 3) some of the places that a depth map shows, in the world."""
    assert view.depth is not None
    depth = view.depth.read_depth()
    rows, columns = np.nonzero((depth > 0) & load_mask(run, view.name))
    some = slice(None, None, len(rows) // _POINTS + 1)
    rows, columns = rows[some], columns[some]
    rays = camera_room.unproject(np.stack([columns + 0.5, rows + 0.5], axis=1), view.depth.camera)
    in_cam = rays * (depth[rows, columns] / rays[:, 2])[:, None]
    pose = view.depth.cam_from_world
    return np.asarray((in_cam - pose[:, 3]) @ pose[:, :3])


def _bounds_of_depths(points: Sequence[Array]) -> Array:
    low, high = np.percentile(np.concatenate(points), (_FAR_OFF, 100 - _FAR_OFF), axis=0)
    if not (high > low).all():
        raise CarveError(f"the depth maps show no body, but places from {low.tolist()} to {high.tolist()}")
    return np.array([low, high]) + _AROUND * (high - low) * [[-1], [1]]
