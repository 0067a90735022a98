# SPDX-License-Identifier: Apache-2.0
"""Which photograph each triangle gets: a good one, and mostly that of its neighbours, so that seams are few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._backend import backend

_SPREADS = 12  # how far, in triangles, a view's quality speaks for the triangles around
_SMOOTHNESS = 0.4  # what a neighbour with another label costs, where the best view has quality 1
_SWEEPS = 30


def choose_views(quality: NDArray[np.float32], neighbors: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F,) a view for each triangle, -1 for one that no view shows.

    Minimises, as far as iterated conditional modes get from the best spread-out quality, the cost of Lempitsky & Ivanov
    2007: for each triangle how much worse its view is than its best, for each pair of neighbours whether views differ.
    """
    usable = quality > 0
    best = quality.max(0)
    relative = quality / np.where(best > 0, best, 1)
    beside = neighbors >= 0
    count = 1 + beside.sum(1)
    spread = relative.copy()
    for _ in range(_SPREADS):
        spread = (spread + sum(np.where(beside[:, k], spread[:, neighbors[:, k]], 0) for k in range(3))) / count
    labels = np.where(usable.any(0), np.where(usable, spread, -1).argmax(0), -1)
    cost = np.where(usable, 1 - relative, np.inf).astype(np.float32)
    # Triangles that share an edge never change in the same half of a sweep, or they would take each other's label.
    color = _two_groups(neighbors)
    for sweep in range(2 * _SWEEPS):
        faces = np.flatnonzero((color == sweep % 2) & (labels >= 0))
        changed = _improve(faces, labels, cost, neighbors)
        if sweep % 2 and not changed:
            break
    return labels


def _improve(
    faces: NDArray[np.int64], labels: NDArray[np.int64], cost: NDArray[np.float32], neighbors: NDArray[np.int64]
) -> bool:
    """Give triangles the cheapest of their own and their neighbours' labels; whether any changed."""
    around = np.where(neighbors[faces] >= 0, labels[neighbors[faces]], -1)
    options = np.concatenate([labels[faces][:, None], around], axis=1)
    differ = (around[:, None, :] != options[:, :, None]) & (around[:, None, :] >= 0)
    total = cost[np.maximum(options, 0), faces[:, None]] + _SMOOTHNESS * differ.sum(2)
    total[options < 0] = np.inf
    new = options[np.arange(len(faces)), total.argmin(1)]
    changed = bool((new != labels[faces]).any())
    labels[faces] = new
    return changed


def _two_groups(neighbors: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 or 1 by a hash of the number: about half of the neighbours differ, which is enough to keep labels settling."""
    number = np.arange(len(neighbors), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (number >> np.uint64(63)).astype(np.int64)


def charts_of(labels: NDArray[np.int64], neighbors: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F,) numbers from 0 on of connected triangles with one label, -1 where the label is."""
    beside = neighbors >= 0
    same = beside & (labels[np.where(beside, neighbors, 0)] == labels[:, None])
    # A union over triangles in place of vertices: rows (triangle, neighbour, neighbour).
    number = np.arange(len(labels))[:, None]
    links = np.concatenate([number, np.where(same, neighbors, number)], axis=1).astype(np.int32)
    roots = np.empty(len(labels), np.int32)
    pairs = np.ascontiguousarray(np.concatenate([links[:, [0, 1, 2]], links[:, [0, 3, 3]]]))
    backend("cpu").meshes.connected_vertices(pairs, roots)
    charts = np.full(len(labels), -1, np.int64)
    known = labels >= 0
    charts[known] = np.unique(roots[known], return_inverse=True)[1].reshape(-1)
    return charts
