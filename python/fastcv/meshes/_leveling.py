# SPDX-License-Identifier: Apache-2.0
"""Colour corrections that make photographs agree along the seams between them, and change slowly elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._sources import Source

_SMOOTHNESS = 1.0  # 1 / lambda of Waechter et al., who take 10; charts of low-polygon meshes have few triangles across
_DAMPING = 1e-3  # keeps the mean colour of the whole mesh
_ITERATIONS, _TOLERANCE = 300, 1e-4
_ALONG = ((0.0, 1.0), (0.2, 0.8), (0.4, 0.6))  # of a seam's edge, and how much a sample there counts


class Corrections(NamedTuple):
    """``unknown`` (F, 3): which row of ``values`` (U, 3) is to be added at a corner of a triangle, -1 for none."""

    unknown: NDArray[np.int64]
    values: NDArray[np.float64]
    keys: NDArray[np.int64]
    num_views: int

    def at(self, vertices: NDArray[np.int64], views: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of vertices in views, which have to have one another."""
        return self.values[np.searchsorted(self.keys, vertices * self.num_views + views)]


def level_colors(
    vertices: NDArray[np.floating],
    faces: NDArray[np.int32],
    neighbors: NDArray[np.int64],
    labels: NDArray[np.int64],
    sources: list[Source],
) -> Corrections:
    """Solve for one colour at each vertex and view that a chart has there (Waechter et al. 2014, eq. 3)."""
    known = np.flatnonzero(labels >= 0)
    count = len(sources)
    corner_keys = faces[known].astype(np.int64) * count + labels[known][:, None]
    keys, inverse = np.unique(corner_keys, return_inverse=True)
    unknown = np.full(faces.shape, -1, np.int64)
    unknown[known] = inverse.reshape(-1, 3)
    colors = _seam_colors(vertices, faces, neighbors, labels, keys, sources)
    first, second = _seam_pairs(keys // count, ~np.isnan(colors[:, 0]))
    sides = np.concatenate([unknown[known][:, [0, 1]], unknown[known][:, [1, 2]], unknown[known][:, [2, 0]]])
    sides = np.unique(np.sort(sides, axis=1), axis=0)
    i, j = np.concatenate([first, sides[:, 0]]), np.concatenate([second, sides[:, 1]])
    weights = np.concatenate([np.ones(len(first)), np.full(len(sides), _SMOOTHNESS)])
    wanted = np.zeros((len(i), 3))
    wanted[: len(first)] = colors[second] - colors[first]
    values = np.stack([solve_differences(len(keys), i, j, weights, wanted[:, c]) for c in range(3)], axis=1)
    return Corrections(unknown, values, keys, count)


def _seam_colors(
    vertices: NDArray[np.floating],
    faces: NDArray[np.int32],
    neighbors: NDArray[np.int64],
    labels: NDArray[np.int64],
    keys: NDArray[np.int64],
    sources: list[Source],
) -> NDArray[np.float64]:
    """(U, 3) mean colour along the seams at a vertex as a view has it; NaN where there is no seam."""
    beside = np.where(neighbors >= 0, labels[np.maximum(neighbors, 0)], -1)
    face, corner = np.nonzero((beside >= 0) & (labels[:, None] >= 0) & (beside != labels[:, None]))
    a, b = faces[face, (corner + 1) % 3].astype(np.int64), faces[face, (corner + 2) % 3].astype(np.int64)
    start, end = np.concatenate([a, b]), np.concatenate([b, a])
    view = np.concatenate([labels[face], labels[face]])
    sums, total = np.zeros((len(keys), 3)), np.zeros(len(keys))
    row = np.searchsorted(keys, start * len(sources) + view)
    for t, weight in _ALONG:
        points = (1 - t) * vertices[start].astype(np.float64) + t * vertices[end]
        for number, source in enumerate(sources):
            mine = np.flatnonzero(view == number)
            if len(mine):
                found = source.sample(source.project(points[mine])[0])
                for c in range(3):
                    sums[:, c] += np.bincount(row[mine], weight * found[:, c], minlength=len(keys))
                total += np.bincount(row[mine], np.full(len(mine), weight), minlength=len(keys))
    return np.where(total[:, None] > 0, sums / np.maximum(total, 1e-9)[:, None], np.nan)


def _seam_pairs(vertex: NDArray[np.int64], on_seam: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of unknowns at one vertex; ``vertex`` is sorted, so each belongs with the next ones."""
    rows = np.flatnonzero(on_seam)
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    step = 1
    while step < len(rows):
        pair = np.flatnonzero(vertex[rows[step:]] == vertex[rows[:-step]])
        if not len(pair):
            break
        firsts.append(rows[pair])
        seconds.append(rows[pair + step])
        step += 1
    return np.concatenate(firsts), np.concatenate(seconds)


def solve_differences(
    size: int, i: NDArray[np.int64], j: NDArray[np.int64], weights: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Least squares of weights (x_i - x_j - wanted)² + damping x² by conjugate gradients with the diagonal in front."""

    def spread(values: NDArray[np.float64]) -> NDArray[Any]:
        return np.bincount(i, values, minlength=size) - np.bincount(j, values, minlength=size)

    # Sums, and no products by BLAS, whose threads wait longer for one another here than they work.
    diagonal = np.bincount(i, weights, minlength=size) + np.bincount(j, weights, minlength=size) + _DAMPING
    x, residual = np.zeros(size), spread(weights * wanted)
    start = float(np.sum(residual**2 / diagonal))
    direction = residual / diagonal
    rho = start
    for _ in range(_ITERATIONS):
        if rho <= _TOLERANCE**2 * start:
            break
        image = spread(weights * (direction[i] - direction[j])) + _DAMPING * direction
        alpha = rho / float(np.sum(direction * image))
        x += alpha * direction
        residual -= alpha * image
        scaled = residual / diagonal
        rho, before = float(np.sum(residual * scaled)), rho
        direction = scaled + rho / before * direction
    return x
