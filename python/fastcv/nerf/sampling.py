# SPDX-License-Identifier: Apache-2.0
"""Intervals along rays without an occupancy grid: even ones, and finer ones where weights are large."""

from __future__ import annotations

from typing import Any

from .._arrays import Call, handle
from .samples import RaySamples

SPACINGS = ("linear", "disparity")
_MAX_INTERVALS = 2**20


def _check(num_intervals: int, seed: int | None, first_ray: int) -> None:
    for name, value, rule, holds in (
        ("num_intervals", num_intervals, f"1 to {_MAX_INTERVALS}", 1 <= num_intervals <= _MAX_INTERVALS),
        ("seed", seed, "0 to 2**64 - 1", seed is None or 0 <= seed < 2**64),
        ("first_ray", first_ray, "0 to 2**56 - 1", 0 <= first_ray < 2**56),
    ):
        if not holds:
            raise ValueError(f"{name}: expected {rule}, got {value}")


def sample_stratified(
    near: Any,
    far: Any,
    num_intervals: int,
    *,
    spacing: str = "linear",
    seed: int | None = None,
    first_ray: int = 0,
    num_threads: int = 0,
) -> Any:
    """Edges of intervals that part rays from near to far.

    Parameters
    ----------
    near, far : (R,) float32 array
        Where rays begin and end, t along the ray.
    num_intervals : int
        N, 1 to 2^20.
    spacing : str, optional
        ``"linear"``: even steps of t. ``"disparity"``: even steps of 1 / t, near > 0; far may be infinite.
    seed : int, optional
        Edges between the first and the last move by up to half an interval either way, as the seed and the number of
        the ray say. Without one they stay.
    first_ray : int, optional
        The number of the first ray, for a batch in parts.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (R, N + 1) float32 array
        Rising. All 0 where near > far or one is NaN. Gradients do not flow through it.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or an option beside its range.

    References
    ----------
    Mildenhall et al. 2020, "NeRF", section 4; Barron et al. 2021, "Mip-NeRF", for edges instead of points.

    Examples
    --------
    >>> from fastcv import nerf
    >>> ends = np.array([1], np.float32), np.array([4], np.float32)
    >>> nerf.sample_stratified(*ends, 3)
    array([[1., 2., 3., 4.]], dtype=float32)
    >>> nerf.sample_stratified(*ends, 3, spacing="disparity")
    array([[1.      , 1.333333, 2.      , 4.      ]], dtype=float32)
    """
    _check(num_intervals, seed, first_ray)
    if spacing not in SPACINGS:
        raise ValueError(f"spacing: expected {' or '.join(SPACINGS)}, got {spacing}")
    call = Call()
    near, far = call.input("near", near, ("R",), ("float32",)), call.input("far", far, ("R",), ("float32",))
    execution, options = call.execution(num_threads), (spacing == "disparity", seed, first_ray)
    if call.is_torch:
        from . import _torch_sampling

        return _torch_sampling.sample_stratified(near, far, num_intervals, *options, num_threads)
    out = call.empty(("R", num_intervals + 1), "float32")
    call.backend.nerf.sample_stratified(handle(near), handle(far), *options, handle(out), execution)
    return call.result(out)


def sample_pdf(
    intervals: Any,
    weights: Any,
    num_intervals: int,
    *,
    seed: int | None = None,
    first_ray: int = 0,
    num_threads: int = 0,
) -> Any:
    """Edges of intervals that all have the same share of a ray's weight: many where weights are large.

    Within an interval, weight counts as spread evenly. The distribution function is inverted at k / N, or with a seed
    at a random place within half an interval of it.

    Parameters
    ----------
    intervals : (R, M + 1) float32 array or RaySamples
        Edges of intervals, rising, or packed ones.
    weights : (R, M) or (S,) float32 array
        What is negative or NaN counts as 0. A ray without any weight has it spread over its length.
    num_intervals : int
        N, 1 to 2^20.
    seed, first_ray, num_threads
        As for :func:`sample_stratified`.

    Returns
    -------
    (R, N + 1) float32 array
        Rising, from where the first weight begins to where the last one ends; 0 for a ray without intervals. Gradients
        do not flow through it, as in the papers.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or an option beside its range.

    References
    ----------
    Mildenhall et al. 2020, "NeRF", section 5.2; Barron et al. 2022, "Mip-NeRF 360", section 3.

    Examples
    --------
    >>> from fastcv import nerf
    >>> edges, weights = np.array([[0, 1, 2, 3]], np.float32), np.array([[0, 3, 1]], np.float32)
    >>> nerf.sample_pdf(edges, weights, 4)
    array([[1.      , 1.333333, 1.666667, 2.      , 3.      ]], dtype=float32)
    """
    _check(num_intervals, seed, first_ray)
    call = Call()
    if isinstance(intervals, RaySamples):
        starts = call.input("intervals.starts", intervals.starts, ("S",), ("float32",))
        ends = call.input("intervals.ends", intervals.ends, ("S",), ("float32",))
        weights = call.input("weights", weights, ("S",), ("float32",))
        is_jax = call.framework == "jax"  # which has 32 bits alone, unless told otherwise
        offsets = call.input("intervals.offsets", intervals.offsets, (None,), ("int64", *(("int32",) * is_jax)))
        offsets = offsets.astype("int64") if is_jax else offsets
        rays = offsets.shape[0] - 1
    else:
        starts = call.input("intervals", intervals, ("R", "M + 1"), ("float32",))
        rays, count = starts.shape[0], starts.shape[1] - 1
        if count < 1:
            raise ValueError(f"intervals: expected edges of one interval or more, got shape {tuple(starts.shape)}")
        weights, ends, offsets = call.input("weights", weights, (rays, count), ("float32",)), None, None
    execution, arrays = call.execution(num_threads), (starts, ends, weights, offsets)
    if call.is_torch:
        from . import _torch_sampling

        return _torch_sampling.sample_pdf(*arrays, num_intervals, seed, first_ray, num_threads)
    out = call.empty((rays, num_intervals + 1), "float32")
    call.backend.nerf.sample_pdf(*(handle(array) for array in arrays), seed, first_ray, handle(out), execution)
    return call.result(out)


def merge_edges(a: Any, b: Any, *, num_threads: int = 0) -> Any:
    """Coarse and fine edges in one rising row.

    Parameters
    ----------
    a, b : (R, A) and (R, B) float32 array
        Rising rows.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (R, A + B) float32 array
        Gradients do not flow through it.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.merge_edges(np.array([[0, 2]], np.float32), np.array([[1, 2, 3]], np.float32))
    array([[0., 1., 2., 2., 3.]], dtype=float32)
    """
    call = Call()
    a, b = call.input("a", a, ("R", "A"), ("float32",)), call.input("b", b, ("R", "B"), ("float32",))
    execution = call.execution(num_threads)
    if call.is_torch:
        from . import _torch_sampling

        return _torch_sampling.merge_edges(a, b, num_threads)
    out = call.empty(("R", call.dims["A"] + call.dims["B"]), "float32")
    call.backend.nerf.merge_edges(handle(a), handle(b), handle(out), execution)
    return call.result(out)
