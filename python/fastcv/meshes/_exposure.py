# SPDX-License-Identifier: Apache-2.0
"""How much brighter, channel by channel, each photograph is than the others: exposure and white balance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._leveling import solve_differences

_LEAST, _MOST = 8.0, 247.0  # levels that a gain scales: darker ones are mostly noise, brighter ones were cut off
_OUTLIER = 0.1  # ratios this far off count half: highlights, shadows, passers-by
_ROUNDS = 4
_MOST_FACES = 1 << 14  # that gains are estimated from, evenly among all


def estimate_gains(quality: NDArray[np.float32], colors: NDArray[np.float32]) -> NDArray[np.float64]:
    """(V, 3) gains, 1 in the geometric mean, of photographs whose (V, F, 3) colours of triangles are a gain times the
    triangle's own colour; ``quality`` (V, F) is 0 where a photograph does not show a triangle.

    Least squares of the logarithms, reweighted so that they are a Cauchy distribution's most likely values (Holland &
    Welsch 1977, "Robust regression using iteratively reweighted least-squares").
    """
    step = quality.shape[1] // _MOST_FACES + 1
    quality, colors = quality[:, ::step], colors[:, ::step]
    num_views, num_faces = quality.shape
    usable = (quality > 0) & ((colors > _LEAST) & (colors < _MOST)).all(2)
    view, face = np.nonzero(usable & (usable.sum(0) >= 2))
    reliable = (quality[view, face] / quality.max(0)[face]).astype(np.float64)
    gains = np.ones((num_views, 3))
    for channel in range(3):
        levels = colors[view, face, channel].astype(np.float64)
        logs = np.log(levels)
        logs -= (np.bincount(face, logs, num_faces) / np.maximum(np.bincount(face, minlength=num_faces), 1))[face]
        # The same noise of levels is less of a logarithm where it is bright.
        weights = certain = reliable * (levels / 255) ** 2
        for _ in range(_ROUNDS):
            solved = solve_differences(num_views + num_faces, view, num_views + face, weights, logs)
            rest = logs - solved[view] + solved[num_views + face]
            weights = certain / (1 + (rest / _OUTLIER) ** 2)
        gains[:, channel] = np.exp(solved[:num_views] - solved[:num_views].mean())
    return gains
