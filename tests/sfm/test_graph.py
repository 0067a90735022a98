# SPDX-License-Identifier: Apache-2.0
"""The correspondence graph on a case small enough to write down."""

from __future__ import annotations

import numpy as np

from fastcv import sfm
from fastcv.sfm.graph import Graph, expand


def photo(count: int) -> sfm.Photo:
    return sfm.Photo("p", 1, np.arange(2.0 * count).reshape(count, 2), np.zeros((count, 3), np.uint8))


def pair(*matches: tuple[int, int], kind: str = "calibrated") -> sfm.TwoViewGeometry:
    return sfm.TwoViewGeometry(kind, np.array(matches, np.int32).reshape(-1, 2))  # type: ignore[arg-type]


def test_nodes_and_neighbours() -> None:
    # Images of 3, 0, 2 and 2 keypoints: nodes 0 1 2 | | 3 4 | 5 6.
    pairs = {(1, 3): pair((0, 1), (2, 0)), (4, 1): pair((1, 2)), (3, 4): pair((0, 0), kind="degenerate")}
    graph = Graph([photo(3), photo(0), photo(2), photo(2)], pairs)
    assert graph.offsets.tolist() == [0, 3, 3, 5, 7]
    assert graph.image_of.tolist() == [0, 0, 0, 2, 2, 3, 3]
    assert graph.nodes(2).tolist() == [3, 4]
    owner, other = graph.neighbours(np.array([2, 5, 4]))
    assert owner.tolist() == [0, 0, 2]
    assert other.tolist() == [3, 6, 0]


def test_without_edges() -> None:
    graph = Graph([photo(2), photo(1)], {})
    owner, other = graph.neighbours(np.arange(3))
    assert owner.size == other.size == 0


def test_expand() -> None:
    owner, value = expand(np.array([7, 0, 3]), np.array([2, 0, 3]))
    assert owner.tolist() == [0, 0, 2, 2, 2]
    assert value.tolist() == [7, 8, 3, 4, 5]
    owner, value = expand(np.empty(0, np.int64), np.empty(0, np.int64))
    assert owner.size == value.size == 0
