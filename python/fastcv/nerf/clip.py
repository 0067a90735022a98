# SPDX-License-Identifier: Apache-2.0
"""Where rays are within a box or a sphere."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, check, handle


class RayRanges(NamedTuple):
    """Where rays begin and end.

    Parameters
    ----------
    near, far : (R,) float32 array
        Along the directions; both 0 for a ray that has no part within.
    """

    near: Any
    far: Any


def clip_box(
    origins: Any, directions: Any, box: ArrayLike, *, near: float = 0.0, far: float = math.inf, num_threads: int = 0
) -> RayRanges:
    """Where rays are within a box whose sides are along the axes.

    Parameters
    ----------
    origins, directions : (R, 3) float32 array
        Directions may have any length; t counts in it.
    box : (2, 3) array
        Its lowest and highest corner.
    near, far : float, optional
        t never lies outside of these.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    RayRanges
        Both 0 where a ray misses the box, is NaN or has a direction of zero.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, a box without volume, or a range that is none.

    Examples
    --------
    >>> from fastcv import nerf
    >>> origin, direction = np.float32([[0, 0, -3]]), np.float32([[0, 0, 1]])
    >>> nerf.clip_box(origin, direction, [[-1, -1, -1], [1, 1, 1]])
    RayRanges(near=array([2.], dtype=float32), far=array([4.], dtype=float32))
    """
    shape = np.ascontiguousarray(box, np.float64)
    check("box", shape, (2, 3))
    if not (shape[0] < shape[1]).all():
        raise ValueError(f"box: expected a lowest corner below the highest one, got {shape.tolist()}")
    return _clip("clip_box", shape.ravel(), origins, directions, near, far, num_threads)


def clip_sphere(
    origins: Any,
    directions: Any,
    center: ArrayLike,
    radius: float,
    *,
    near: float = 0.0,
    far: float = math.inf,
    num_threads: int = 0,
) -> RayRanges:
    """Where rays are within a sphere.

    Parameters
    ----------
    origins, directions, near, far, num_threads
        As for :func:`clip_box`.
    center : (3,) array
    radius : float

    Returns
    -------
    RayRanges
        Both 0 where a ray misses the sphere, is NaN or has a direction of zero.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, a radius that is not positive, or a range that is none.

    Examples
    --------
    >>> from fastcv import nerf
    >>> origin, direction = np.float32([[0, 0, -3]]), np.float32([[0, 0, 1]])
    >>> nerf.clip_sphere(origin, direction, [0, 0, 0], 1.0, far=3.5)
    RayRanges(near=array([2.], dtype=float32), far=array([3.5], dtype=float32))
    """
    middle = np.ascontiguousarray(center, np.float64)
    check("center", middle, (3,))
    if not (np.isfinite(middle).all() and 0 < radius < math.inf):
        raise ValueError(
            f"center, radius: expected a positive radius around a place, got {radius} at {middle.tolist()}"
        )
    return _clip("clip_sphere", np.append(middle, radius), origins, directions, near, far, num_threads)


def _clip(
    op: str, shape: NDArray[np.float64], origins: Any, directions: Any, near: float, far: float, num_threads: int
) -> RayRanges:
    if not near < far:
        raise ValueError(f"near, far: expected near < far, got {near} and {far}")
    call = Call()
    origins = call.input("origins", origins, ("R", 3), ("float32",))
    directions = call.input("directions", directions, ("R", 3), ("float32",))
    execution = call.execution(num_threads)
    results = [call.empty(("R",), "float32") for _ in range(2)]
    arrays = (handle(array) for array in (origins, directions, *results))
    getattr(call.backend.nerf, op)(shape, np.array([near, far]), *arrays, execution)
    return RayRanges(*(call.result(array) for array in results))
