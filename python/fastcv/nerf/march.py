# SPDX-License-Identifier: Apache-2.0
"""Samples along rays where an occupancy grid is not empty."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._arrays import Call, device_of, handle
from ..errors import DeviceError
from .occupancy import OccupancyGrid
from .samples import RaySamples

_NO_LIMIT = 2**62


def march(
    origins: Any,
    directions: Any,
    near: Any,
    far: Any,
    grid: OccupancyGrid,
    *,
    step: float | None = None,
    cone_angle: float = 0.0,
    max_step: float | None = None,
    seed: int | None = None,
    first_ray: int = 0,
    max_samples: int | None = None,
    points: bool = False,
    num_threads: int = 0,
) -> RaySamples:
    """Split rays into steps, and keep those whose middle lies in a cell that is set.

    Parameters
    ----------
    origins, directions : (R, 3) float32 array
        In the world; t counts lengths of the direction.
    near, far : float or (R,) float32 array
        Where rays begin and end, t along the ray. Infinity is a far end: the coarsest level's box ends rays.
    grid : OccupancyGrid
        On the rays' device.
    step : float, optional
        The length of a step, or the least one; ``grid.step`` by default.
    cone_angle : float, optional
        Steps are ``t * cone_angle`` long, if that is between ``step`` and ``max_step``: 1 / 256 in instant-ngp for
        scenes without bounds. All steps are alike where it is 0.
    max_step : float, optional
        By default the diagonal of a cell of the coarsest level.
    seed : int, optional
        Rays begin a random part of a step later, which depends on the seed and the number of the ray alone. Without
        one, they begin at ``near``, or where they enter the coarsest level's box.
    first_ray : int, optional
        The number of the first ray, for a batch in parts.
    max_samples : int, optional
        How many samples there may be: the first ray that would need more has none, nor have rays after it, and
        ``complete`` of the result is False. With it a GPU's call waits for nothing (:class:`RaySamples`).
    points : bool, optional
        Whether to write the middles of intervals too, in the unit box of ``grid.coarsest_box``.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    RaySamples
        A step is left out or kept as a whole, so the last one can reach beyond ``far`` by less than half its length.
        No samples: rays with NaN or infinite numbers, directions of 0, near > far, rays beside the box, and rays with
        more than 2^22 steps to their ends, which single precision cannot tell apart.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or an option beside its range.
    DeviceError
        The grid is on another device than the rays.

    Notes
    -----
    The finest level that has the middle of the step decides, or a coarser one whose cells are longer than two steps.

    References
    ----------
    Müller et al. 2022, "Instant neural graphics primitives with a multiresolution hash encoding", appendix C.

    Examples
    --------
    >>> from fastcv import nerf
    >>> occupied = np.zeros((16, 16, 16), bool)
    >>> occupied[:, :, 8] = True
    >>> grid = nerf.OccupancyGrid.from_occupied(occupied)
    >>> origins, directions = np.array([[-1, 0.5, 0.5]], np.float32), np.array([[1, 0, 0]], np.float32)
    >>> samples = nerf.march(origins, directions, 0.0, np.inf, grid, step=1 / 32)
    >>> samples.starts, samples.offsets
    (array([1.5    , 1.53125], dtype=float32), array([0, 2]))
    """
    step = grid.step if step is None else float(step)
    if max_step is None:
        size = grid.coarsest_box[1] - grid.coarsest_box[0]
        max_step = max(step, float(np.linalg.norm(size)) / grid.resolution)
    _check_options(step, float(cone_angle), float(max_step), seed, first_ray, max_samples)
    call = Call()
    origins = call.input("origins", origins, ("R", 3), ("float32",))
    directions = call.input("directions", directions, ("R", 3), ("float32",))
    ends = [per_ray(call, name, value) for name, value in (("near", near), ("far", far))]
    if device_of(grid.words) != call.device:
        raise DeviceError(f"grid: expected one on {call.device}, got one on {device_of(grid.words)}")
    execution = call.execution(num_threads)
    marching = call.backend.nerf.March(
        grid.numbers, *(handle(array) for array in (grid.nodes, grid.words, origins, directions, *ends)),
        np.array([step, cone_angle, max_step]), seed, first_ray,
    )  # fmt: skip
    offsets, wanted = call.empty((call.dims["R"] + 1,), "int64"), call.empty((1,), "int64")
    capacity = _NO_LIMIT if max_samples is None else max_samples
    marching.count(capacity, handle(offsets), handle(wanted), execution)
    size = max_samples if max_samples is not None and call.device != "cpu" else int(offsets[-1])
    starts, stops = call.empty((size,), "float32"), call.empty((size,), "float32")
    ray_indices = call.empty((size,), "int32")
    middles = call.empty((size, 3), "float32") if points else None
    marching.fill(*(handle(array) for array in (offsets, starts, stops, ray_indices, middles)), execution)
    arrays = (starts, stops, offsets, ray_indices, wanted, middles)
    return RaySamples(*(None if array is None else call.result(array) for array in arrays))


def _check_options(
    step: float, cone_angle: float, max_step: float, seed: int | None, first_ray: int, max_samples: int | None
) -> None:
    for name, value, rule, holds in (
        ("step", step, "a positive number", 0 < step < math.inf),
        ("cone_angle", cone_angle, "0 or more", 0 <= cone_angle < math.inf),
        ("max_step", max_step, f"{step} or more", step <= max_step < math.inf),
        ("seed", seed, "0 to 2**64 - 1", seed is None or 0 <= seed < 2**64),
        ("first_ray", first_ray, "0 to 2**56 - 1", 0 <= first_ray < 2**56),
        ("max_samples", max_samples, "0 to 2**62", max_samples is None or 0 <= max_samples <= _NO_LIMIT),
    ):
        if not holds:
            raise ValueError(f"{name}: expected {rule}, got {value}")


def per_ray(call: Call, name: str, value: Any) -> Any:
    """An (R,) array from one, or from a number for all rays."""
    if getattr(value, "ndim", 0) > 0:
        return call.input(name, value, ("R",), ("float32",))
    array = call.empty(("R",), "float32")
    array[...] = float(value)
    return array
