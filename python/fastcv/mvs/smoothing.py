# SPDX-License-Identifier: Apache-2.0
"""Semi-global smoothing of the costs of a sweep: neighbouring pixels agree on their surfaces, unless it costs much."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._arrays import Call, handle

COST_LEVELS = 32  # kCostLevels and kMaxCostPenalty in cpp/mvs/smoothing.h
MAX_PENALTY = (255 - COST_LEVELS) / COST_LEVELS
MAX_SURFACES = 16384  # two rows of them fit the shared memory of a GPU's block
_BAND = 32  # rows; the height of a sweep's tiles


class SemiGlobal(NamedTuple):
    """How semi-global smoothing weighs a change of surface against a cost.

    Parameters
    ----------
    p1 : float
        Penalty, in multiples of ``max_cost``, of a pixel whose surface is the one before or after its neighbour's. A
        larger one makes smoother maps, a smaller one follows slanted surfaces.
    p2 : float
        Penalty of a larger step, ``p1 <= p2 <= 6.97``. It carries depths into walls without texture.
    max_cost : float, optional
        Larger costs count as this one, and so do missing ones. By default 1 for NCC, 0.5 for census, and for SAD and
        gradient the sweep's truncation.
    max_bytes : int
        Most memory to use for costs, 2 bytes for each pixel and surface (surfaces rounded up to 64). Where that does
        not hold all of them, they are computed twice, with the least memory that is possible if need be. The result
        does not depend on it. On a GPU all are held, in 3 bytes.
    """

    p1: float = 0.1
    p2: float = 1.5
    max_cost: float | None = None
    max_bytes: int = 1 << 30


def smooth_costs(costs: Any, smoothing: SemiGlobal | None = None, *, out: Any = None, num_threads: int = 0) -> Any:
    """Costs of a sweep with those along eight straight paths to each pixel, as ``winner_take_all`` takes them.

    Costs are rounded to 1/32 of ``max_cost``. Along a path from the image's border the cost of a surface is that of the
    pixel, and of the cheapest way there, where each change of the surface is charged; the result is the mean over the
    paths from the left, the right, above, below and the four diagonals. So pixels without texture, or without any cost,
    go by their neighbours, and the confidence that ``winner_take_all`` finds says how much they have to go by.

    Parameters
    ----------
    costs : (D, H, W) float32 array
        Of ``plane_sweep`` on planes or ``SlantedPlanes``; NaN where there is none.
    smoothing : SemiGlobal, optional
        Its ``max_cost`` is 1 by default.
    out : (D, H, W) float32 array, optional
        Where to write the result; the costs themselves are welcome.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    (D, H, W) float32 array
        Finite, for pixels without any cost too. Same framework and device as the costs.

    Raises
    ------
    ValueError
        For costs of another shape, or penalties that are out of range.

    References
    ----------
    Hirschmüller 2008, "Stereo processing by semiglobal matching and mutual information".

    Examples
    --------
    >>> from fastcv import mvs
    >>> costs = np.full((8, 30, 40), 0.9, np.float32)
    >>> costs[3] = 0.1  # a wall on surface 3 ...
    >>> costs[:, 10:20, 10:20] = 0.5  # ... with a bare spot
    >>> smooth = mvs.smooth_costs(costs)
    >>> int(smooth[:, 15, 15].argmin())
    3
    """
    call = Call()
    costs = call.input("costs", costs, ("D", "H", "W"), ("float32",))
    out = call.output("out", out, ("D", "H", "W"), "float32")
    num, height, width = (call.dims[name] for name in "DHW")
    arguments = native_smoothing(smoothing or SemiGlobal(), num, height, width, 1.0)
    call.backend.mvs.smooth_costs(handle(costs), *arguments, handle(out), call.execution(num_threads))
    return call.result(out)


def native_smoothing(
    smoothing: SemiGlobal, num_surfaces: int, height: int, width: int, max_cost: float
) -> tuple[float, int, int, int]:
    """The fields of ``Smoothing`` in smoothing.h, checked. max_cost: where the smoothing has none."""
    p1, p2 = smoothing.p1, smoothing.p2
    if not 0 < p1 <= p2 <= MAX_PENALTY:
        raise ValueError(f"smoothing: expected penalties 0 < p1 <= p2 <= {MAX_PENALTY:.2f}, got {p1} and {p2}")
    max_cost = max_cost if smoothing.max_cost is None else smoothing.max_cost
    if not 0 < max_cost < np.inf:
        raise ValueError(f"smoothing.max_cost: expected a finite number above 0, got {max_cost}")
    if num_surfaces > MAX_SURFACES:
        raise ValueError(f"depths: expected at most {MAX_SURFACES} surfaces to smooth, got {num_surfaces}")
    rows = band_rows(num_surfaces, height, width, smoothing.max_bytes)
    return max_cost, max(round(p1 * COST_LEVELS), 1), max(round(p2 * COST_LEVELS), 1), rows


def band_rows(num_surfaces: int, height: int, width: int, max_bytes: int) -> int:
    """Rows whose costs are held at a time: as many as fit, else those with which the least memory is needed."""
    padded = (num_surfaces + 63) // 64 * 64
    choices = range(_BAND, height + _BAND, _BAND)
    # Levels and sums of the rows; paths from above at each band, and those that are at work.
    needs = {rows: width * padded * (2 * min(rows, height) + 3 * (-(-height // rows) + 1)) for rows in choices}
    return max((rows for rows in choices if needs[rows] <= max_bytes), default=min(choices, key=needs.__getitem__))
