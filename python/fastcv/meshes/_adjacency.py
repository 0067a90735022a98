# SPDX-License-Identifier: Apache-2.0
"""Which triangles lie beside one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def face_neighbors(faces: NDArray[np.int32]) -> NDArray[np.int64]:
    """(F, 3) the triangle on the other side of the edge opposite of each corner; -1 at borders.

    Edges of three triangles and more count as borders too.
    """
    edges = np.sort(faces[:, [[1, 2], [2, 0], [0, 1]]], axis=-1).reshape(-1, 2).astype(np.int64)
    keys = edges[:, 0] * (int(faces.max(initial=0)) + 1) + edges[:, 1]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    alone = np.concatenate([[False], same, [False]])  # whether an entry equals the one before it
    first = np.flatnonzero(same & ~alone[:-2] & ~alone[2:])
    a, b = order[first], order[first + 1]
    neighbors = np.full(len(keys), -1, np.int64)
    neighbors[a], neighbors[b] = b // 3, a // 3
    return neighbors.reshape(-1, 3)
