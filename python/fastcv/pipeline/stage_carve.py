# SPDX-License-Identifier: Apache-2.0
"""Stage "carve": the box around the object, and the voxels that the silhouettes leave in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import voxels
from . import carve_by
from .carve_options import CarveOptions
from .carve_source import CarveError, SilhouetteFile
from .memory import process_bytes
from .options import OptionsError
from .run_folder import RunFolder
from .store import load_arrays, save_arrays
from .tasks import Made, Task

_FILE = "hull.npz"
_PER_SIDE = 300  # bytes
_MARGIN = 1  # voxels around the box, so that the surface closes


def run(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> None:
    """Write ``hull.npz``."""
    used = [[run.digests("masks", view.name), view.describe()] for view in views]
    bounds = None if options.bounds is None else list(options.bounds)
    by = options.method if options.method in ("soft-masks", "depths") else "silhouettes"
    choices = [options.resolution, options.voxel_size, bounds, options.min_views, options.max_violations, by]
    run.execute("carve", [Task("hull", [used, choices], lambda: _carve(run, views, options))])


def load_hull(run: RunFolder) -> voxels.Occupancy:
    """The voxels that were left."""
    return load_occupancy(load_arrays(run.path / _FILE))


def occupancy_arrays(occupancy: voxels.Occupancy) -> dict[str, NDArray[Any]]:
    """Voxels as arrays for a file."""
    grid = occupancy.grid
    place = {"origin": np.asarray(grid.origin), "voxel_size": np.array(grid.voxel_size), "shape": np.array(grid.shape)}
    return {"states": occupancy.states, "bits": occupancy.bits, **place}


def load_occupancy(arrays: Mapping[str, NDArray[Any]]) -> voxels.Occupancy:
    """What ``occupancy_arrays`` made arrays of."""
    shape = tuple(arrays["shape"].tolist())
    grid = voxels.VoxelGrid(arrays["origin"], float(arrays["voxel_size"]), shape)
    return voxels.Occupancy(grid, arrays["states"], arrays["bits"])


def _carve(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> Made:
    try:
        bounds = carve_by.find_bounds(run, views, options)
        grid = _grid(bounds, options)
        sizes = [run.info("masks")[view.name] for view in views]
        _check_memory(sum(size["width"] * size["height"] for size in sizes), grid, options)
        run.detail("carve", f"{grid.shape[2]} × {grid.shape[1]} × {grid.shape[0]} voxels")
        hull = carve_by.carve(run, views, grid, options)
    except OptionsError:
        raise
    except ValueError as error:  # silhouettes and cameras that do not fit: it says which and why
        hint = "; bounds gives one" if "bound a box" in str(error) else ""
        raise CarveError(_with_names(str(error), views) + hint) from None
    if hull.num_occupied == 0:
        raise CarveError(_nothing_left(run, views, options))
    path = run.path / _FILE
    save_arrays(path, occupancy_arrays(hull))
    facts = {
        "bounds": bounds.tolist(),
        "shape": list(grid.shape),
        "voxel_size": grid.voxel_size,
        "voxels": hull.num_occupied,
    }
    return Made([path], facts)


def _nothing_left(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> str:
    """Why, and what helps."""
    violations = options.violations(len(views))
    reasons = {
        "soft-masks": "no place is more probable than not; 0 is background and 255 the object in masks",
        "depths": f"all but {violations} of the depth maps look through every place; forgive more with max_violations",
    }
    usual = f"no place is foreground in all of them but {violations}; forgive more with max_violations"
    return f"the views leave nothing: {reasons.get(str(options.method), usual)}; look at {run.path / 'masks'}"


def _grid(bounds: np.ndarray, options: CarveOptions) -> voxels.VoxelGrid:
    extent = np.ptp(bounds, axis=0)
    size = options.voxel_size or float(extent.max()) / options.resolution
    counts = np.ceil(extent / size - 1e-6).astype(np.int64) + 2 * _MARGIN
    low = bounds.mean(axis=0) - 0.5 * size * counts
    return voxels.VoxelGrid(low, size, tuple(counts[::-1].tolist()))


def _check_memory(num_pixels: int, grid: voxels.VoxelGrid, options: CarveOptions) -> None:
    """Raise OptionsError where the limit is lower than what carving and the mesh take, about: measured, per pixel of
    the views, per voxel (where there are colours, each has a byte or three), and per voxel of the box's sides."""
    depth, height, width = grid.shape
    sides = 2 * (depth * height + height * width + width * depth)
    colored = options.colors or options.method == "photos"
    per_pixel, per_voxel = (30, 4) if colored else (3, 1 / 512)
    if options.method == "soft-masks":  # probabilities, and which are more than one half
        per_pixel, per_voxel = max(per_pixel, 12), max(per_voxel, 6)
    elif options.method == "depths":
        per_pixel = max(per_pixel, 16)
    least = process_bytes() + per_pixel * num_pixels + per_voxel * grid.num_voxels + _PER_SIDE * sides
    if least > options.max_bytes:
        rule = f"expected {least / 2**20:.0f}M or more for {width} × {height} × {depth} voxels"
        got = f"{options.max_bytes / 2**20:.0f}M; larger voxels need less"
        raise OptionsError(f"max_memory: {rule}, got {got}")


def _with_names(message: str, views: Sequence[SilhouetteFile]) -> str:
    """A message about ``masks[3]`` or ``cameras[3]`` with the name of that view."""
    for name in ("masks", "cameras"):
        for row, view in enumerate(views):
            message = message.replace(f"{name}[{row}]:", f"{view.name}:")
    return message
