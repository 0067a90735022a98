# SPDX-License-Identifier: Apache-2.0
"""Exposed voxels, what views see of them, and the gains that make views agree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ._photo_carving import PhotoCarving

_CHUNK = 1 << 16  # voxels observed at once
_MOST_SAMPLES = 1 << 16  # voxels that gains are estimated from
_LEAST_SAMPLES = 32  # of a view; with fewer its gain stays 1
_DARKEST = 8.0  # levels: below, noise makes most of a ratio
_BRIGHTEST = 250.0
_SPREAD = 8  # voxels that colour spreads over from those that are seen


def exposed_voxels(states: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Numbers in raster order of the occupied voxels with an empty neighbour among six, or at the grid's side."""
    numbers = []
    empty = np.zeros_like(states[0], bool)
    for z, layer in enumerate(states):
        full = layer != 0
        inner = np.zeros_like(full)
        below = states[z - 1] != 0 if z > 0 else empty
        above = states[z + 1] != 0 if z + 1 < len(states) else empty
        across = full[1:-1, :-2] & full[1:-1, 2:] & full[:-2, 1:-1] & full[2:, 1:-1]
        inner[1:-1, 1:-1] = across & below[1:-1, 1:-1] & above[1:-1, 1:-1]
        numbers.append(np.flatnonzero(full & ~inner) + z * layer.size)
    return np.concatenate(numbers)


def estimate_gains(carving: PhotoCarving) -> NDArray[np.float64]:
    """Gains (V, 3), of geometric mean 1, under which a surface voxel has the same levels in every view that sees it.

    The logarithm of a view's gain is the median, over voxels, of how far the other views' mean lies above this view,
    again and again: it stands up to half of the voxels being in the wrong place.
    """
    numbers = exposed_voxels(carving.fetch_states())
    colors, shares = carving.observe(numbers[:: max(1, len(numbers) // _MOST_SAMPLES)])
    usable = (shares >= 0.5) & ((colors >= _DARKEST) & (colors <= _BRIGHTEST)).all(-1)
    usable &= usable.sum(1, keepdims=True) >= 2
    logs = np.log(np.where(usable[..., None], colors, 1).astype(np.float64))
    gains = np.zeros(logs.shape[1:])
    counts = np.maximum(usable.sum(1), 1)[:, None]
    for _ in range(20):
        views = _by_view(usable, logs, gains)
        means = sum(np.where(seen[:, None], log + gain, 0) for seen, log, gain in views) / counts
        for view, (seen, log, _) in enumerate(_by_view(usable, logs, gains)):
            if np.count_nonzero(seen) >= _LEAST_SAMPLES:
                gains[view] = np.median(means[seen] - log[seen], axis=0)
        gains -= gains.mean(0)
    return np.exp(gains)


def _by_view(weights: NDArray, levels: NDArray, gains: NDArray[np.float64]) -> Iterator[tuple[NDArray, ...]]:
    """(N,), (N, 3) and (3,) of every view."""
    return zip(weights.T, levels.transpose(1, 0, 2), gains.copy(), strict=True)


def surface_colors(
    carving: PhotoCarving, gains: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int32]]:
    """Surface voxels (M, 3), their colours (M, 3) and how many views see them (M,); see ``PhotoHull``."""
    states = carving.fetch_states()
    numbers = exposed_voxels(states)
    colors, num_views = np.zeros((len(numbers), 3), np.uint8), np.zeros(len(numbers), np.int32)
    for begin in range(0, len(numbers), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        levels, shares = carving.observe(numbers[chunk])
        num_views[chunk] = np.count_nonzero(shares, axis=1)
        total = sum(share[:, None] * (level * gain) for share, level, gain in _by_view(shares, levels, gains))
        weight = sum(shares.T.astype(np.float64), np.zeros(len(shares)))
        colors[chunk] = np.clip(np.rint(total / np.where(weight == 0, 1, weight)[:, None]), 0, 255)
    _spread(numbers, states.shape, colors, num_views > 0)
    return np.stack(np.unravel_index(numbers, states.shape), axis=1).astype(np.int32), colors, num_views


def _spread(
    numbers: NDArray[np.int64], shape: tuple[int, ...], colors: NDArray[np.uint8], known: NDArray[np.bool_]
) -> None:
    """Colour unknown voxels by the mean of their known neighbours, layer by layer; what is far from any, by all's."""
    if not known.any():
        return
    mean = np.rint(colors[known].mean(0))
    known = known.copy()
    for _ in range(_SPREAD):
        unknown = np.flatnonzero(~known)
        sums, counts = np.zeros((len(unknown), 3), np.int64), np.zeros(len(unknown), np.int64)
        for there, at in _neighbors(numbers, shape, unknown):
            there = there & known[at]
            sums += np.where(there[:, None], colors[at], 0)
            counts += there
        found = counts > 0
        colors[unknown[found]] = np.rint(sums[found] / counts[found, None])
        known[unknown[found]] = True
    colors[~known] = mean


def _neighbors(
    numbers: NDArray[np.int64], shape: tuple[int, ...], rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """For each of 26 directions, whether the rows' voxels have a neighbour in ``numbers``, and its row."""
    places = np.stack(np.unravel_index(numbers[rows], shape))
    limit = np.array(shape)[:, None]
    for step in np.ndindex(3, 3, 3):
        if step == (1, 1, 1):
            continue
        moved = places + (np.array(step) - 1)[:, None]
        inside = ((moved >= 0) & (moved < limit)).all(0)
        wanted = np.ravel_multi_index(tuple(np.where(inside, moved, 0)), shape)
        at = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
        yield inside & (numbers[at] == wanted), at
