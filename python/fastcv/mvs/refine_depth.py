# SPDX-License-Identifier: Apache-2.0
"""Refinement of depth maps: a slanted plane for every pixel, found by propagation and small changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, handle
from ._sweep import Options, prepare
from .depth_normals import depth_normals
from .planes import inverse_depth_planes, num_inverse_depth_planes
from .views import PIXEL_CENTERS, Array, DepthMap, RefinedDepth, View, camera_of, size_of, source_from_reference

MAX_WINDOW = 21
MAX_ITERATIONS = 20
_NUM_CHECKED = 16  # depths at which a source is asked whether it sees anything


def refine_depth(
    reference: View,
    sources: Sequence[View],
    depth: DepthMap | RefinedDepth | Any,
    *,
    normals: Any = None,
    source_depths: Sequence[Any] | None = None,
    geometric_weight: float = 0.2,
    depth_range: tuple[float, float] | None = None,
    window: int = 11,
    num_best: int | None = None,
    weights: ArrayLike | None = None,
    num_iterations: int = 3,
    seed: int = 0,
    num_threads: int = 0,
) -> RefinedDepth:
    """Depth and normals of slanted surfaces, from a depth map that knows them roughly.

    Each pixel carries a plane. It tries the planes of pixels around it, extended to where it is, then small changes of
    depth and normal and a plane at random, and keeps what matches best. Pixels of one colour of a checkerboard do so
    at once, those of the other colour after them. A pixel without depth takes that of its neighbours or a random one.

    The cost in a source is 1 - NCC of the windows, the source's one seen through the pixel's plane. Samples weigh less
    the farther they are from the pixel and the more their brightness differs, so that a window clings to its surface.
    With ``source_depths`` a reprojection error joins it: how far from the pixel its point comes back when it is carried
    into the source, takes the depth there, and returns, at most 3 pixels. A pixel's cost is the mean over its
    ``num_best`` cheapest sources.

    Parameters
    ----------
    reference : View
        The view of the depth map.
    sources : sequence of View
        1 to 32 views of any size.
    depth : DepthMap, RefinedDepth or (H, W) float32 array
        Where to start; 0 or NaN where there is none.
    normals : (H, W, 3) float32 array, optional
        Where to start, in the camera frame, of any length; None for those of a ``RefinedDepth``, else for those of
        ``depth_normals``. Where one does not face the camera (0, NaN), the plane is parallel to the image.
    source_depths : sequence of (H_i, W_i) float32 array, optional
        The sources' own depth maps, 0 or NaN where there is none.
    geometric_weight : float, optional
        Cost of a pixel of reprojection error.
    depth_range : (float, float), optional
        Nearest and farthest depth to find; None for those of ``depth``, with a tenth to spare on both sides.
    window : int, optional
        Odd side of the window in pixels, 3 to 21, of which every second row and column is sampled.
    num_best : int, optional
        How many of the cheapest sources count; None for half of them, rounded up.
    weights : (S,) array, optional
        How much each source counts in the mean; all the same by default.
    num_iterations : int, optional
        0 to 20; with 0 the planes that were given are only judged.
    seed : int, optional
        Of the random planes.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    RefinedDepth
        In the framework and on the device of the images. A pixel has no depth where the reference shows no texture, as
        in ``plane_sweep``, or where no source sees its window.

    Raises
    ------
    ValueError
        For what ``plane_sweep`` refuses; arrays of another size than their view; a depth map without any depth where no
        range is given; a range that is not positive and increasing.

    References
    ----------
    Bleyer, Rhemann, Rother 2011, "PatchMatch stereo". Galliani, Lasinger, Schindler 2015, "Massively parallel multiview
    stereopsis by surface normal diffusion" (checkerboard). Schönberger et al. 2016, "Pixelwise view selection for
    unstructured multi-view stereo" (weights, reprojection error). Xu, Tao 2019, "Multi-scale geometric consistency
    guided multi-view stereo" (which neighbours).

    Examples
    --------
    >>> from fastcv import mvs
    >>> rng = np.random.default_rng(0)
    >>> wall = rng.integers(0, 256, (40, 80), np.uint8)
    >>> K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    >>> left = mvs.View(wall[:, :60], K, np.eye(3, 4))
    >>> right = mvs.View(wall[:, 10:70], K, np.c_[np.eye(3), [-1.0, 0, 0]])  # 10 pixels at f = 50: 5 units away
    >>> rough = rng.uniform(4.8, 5.2, (40, 60)).astype(np.float32)
    >>> refined = mvs.refine_depth(left, [right], rough)
    >>> print(f"{np.median(abs(rough - 5)):.2f} -> {np.median(abs(refined.depth - 5)):.3f}")
    0.10 -> 0.003
    """
    _check_numbers(geometric_weight, num_iterations, seed)
    size = size_of("reference", reference)
    if isinstance(depth, RefinedDepth) and normals is None:
        normals = depth.normals
    if isinstance(depth, (DepthMap, RefinedDepth)):
        depth = depth.depth
    near, far = _range_of(Call().input("depth", depth, size, ("float32",)), depth_range)
    if not 3 <= window <= MAX_WINDOW:
        raise ValueError(f"window: expected an odd number from 3 to {MAX_WINDOW}, got {window}")
    sweep = prepare(
        reference,
        sources,
        inverse_depth_planes(near, far, _NUM_CHECKED),
        Options("ncc", window, num_best, weights),
        num_threads,
    )
    call = sweep.call
    depth = call.input("depth", depth, size, ("float32",))
    if normals is None:
        normals = depth_normals(reference, depth, num_threads=num_threads)
    else:
        normals = call.input("normals", normals, (*size, 3), ("float32",))
    maps = [call.empty(shape, "float32") for shape in (size, (*size, 3), size, size, (3, *size))]
    maps[0][:], maps[1][:] = depth, normals
    step = (1 / near - 1 / far) / (num_inverse_depth_planes(reference, sources, near, far) - 1)
    depths, to_reference = _source_depths(call, reference, sources, source_depths)
    call.backend.mvs.refine_depth(
        *sweep.native(),
        _intrinsics(reference),
        step,
        [handle(d) for d in depths],
        to_reference,
        float(geometric_weight),
        int(seed),
        int(num_iterations),
        *map(handle, maps),
        call.execution(num_threads),
    )
    return RefinedDepth(*map(call.result, maps[:4]))


def _check_numbers(geometric_weight: float, num_iterations: int, seed: int) -> None:
    if not 0 <= geometric_weight < np.inf:
        raise ValueError(f"geometric_weight: expected 0 or more, got {geometric_weight}")
    if not 0 <= num_iterations <= MAX_ITERATIONS:
        raise ValueError(f"num_iterations: expected 0 to {MAX_ITERATIONS}, got {num_iterations}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed: expected 0 to 2^64 - 1, got {seed}")


def _range_of(depth: Any, depth_range: tuple[float, float] | None) -> tuple[float, float]:
    """Nearest and farthest depth."""
    if depth_range is not None:
        near, far = map(float, depth_range)
        if not 0 < near < far < np.inf:
            raise ValueError(f"depth_range: expected 0 < near < far, got {near}, {far}")
        return near, far
    known = depth[(depth > 0) & (depth < np.inf)]
    if 0 in known.shape:
        raise ValueError("depth: expected at least one depth where no depth_range is given, got none")
    return 0.9 * float(known.min()), 1.1 * float(known.max())


def _intrinsics(reference: View) -> NDArray[np.float32]:
    """fx, skew, cx, fy, cy, counted from the first pixel's centre."""
    K = PIXEL_CENTERS @ camera_of("reference", reference)[0]
    return np.array([K[0, 0], K[0, 1], K[0, 2], K[1, 1], K[1, 2]], np.float32)


def _source_depths(
    call: Call, reference: View, sources: Sequence[View], source_depths: Sequence[Any] | None
) -> tuple[list[Any], NDArray[np.float32]]:
    """The sources' depth maps, checked, and rows of ``SourceDepth.to_reference`` (cpp/mvs/refine_depth.h)."""
    if source_depths is None:
        return [], np.empty((0, 12), np.float32)
    if len(source_depths) != len(sources):
        raise ValueError(f"source_depths: expected one per source ({len(sources)}), got {len(source_depths)}")
    depths, rows = [], []
    for k, (source, depth) in enumerate(zip(sources, source_depths, strict=True)):
        size = size_of(f"sources[{k}]", source)
        depths.append(call.input(f"source_depths[{k}]", depth, size, ("float32",)))
        A, b = source_from_reference(_centered(f"sources[{k}]", source), _centered("reference", reference))
        rows.append(np.concatenate([A.ravel(), b]))
    return depths, np.array(rows, np.float32)


def _centered(name: str, view: View) -> tuple[Array, Array]:
    """The camera with pixels that count from the first one's centre."""
    K, pose = camera_of(name, view)
    return PIXEL_CENTERS @ K, pose
