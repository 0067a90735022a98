# SPDX-License-Identifier: Apache-2.0
"""The correspondence graph: which keypoints of which images are the same place in the scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .photo import Photo
from .two_view import TwoViewGeometry

Ints = NDArray[np.int64]


class Graph:
    """Keypoints of all images as *nodes*, numbered through, and their verified matches as edges.

    Attributes
    ----------
    offsets : (I + 1,) int64 array
        The nodes of image row i are ``offsets[i]`` up to ``offsets[i + 1]``. (Image id = row + 1.)
    image_of : (N,) int64 array
        Image row of each node.
    xy : (N, 2) float64 array
        Pixels.
    """

    def __init__(self, photos: Sequence[Photo], pairs: Mapping[tuple[int, int], TwoViewGeometry]):
        counts = [len(photo.keypoints) for photo in photos]
        self.offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        self.image_of = np.repeat(np.arange(len(photos)), counts)
        self.xy = np.concatenate([np.empty((0, 2)), *(photo.keypoints for photo in photos)]).astype(np.float64)
        ends = [
            self.offsets[[i - 1, j - 1]] + pair.matches
            for (i, j), pair in sorted(pairs.items())
            if pair.kind != "degenerate"
        ]
        edges = np.concatenate(ends) if ends else np.empty((0, 2), np.int64)
        # Every edge in both directions, sorted by where it starts: sources of node n are starts[n]:starts[n + 1].
        self.sources, self.targets = np.concatenate([edges, edges[:, ::-1]]).T
        order = np.lexsort((self.targets, self.sources))
        self.sources, self.targets = self.sources[order], self.targets[order]
        self.starts = np.searchsorted(self.sources, np.arange(len(self.xy) + 1))

    @property
    def num_images(self) -> int:
        return len(self.offsets) - 1

    def nodes(self, image: int) -> Ints:
        """All nodes of an image row."""
        return np.arange(self.offsets[image], self.offsets[image + 1])

    def neighbours(self, nodes: Ints) -> tuple[Ints, Ints]:
        """For every edge from ``nodes``: the position in ``nodes`` of its start, and the node where it ends."""
        owner, position = expand(self.starts[nodes], self.starts[nodes + 1] - self.starts[nodes])
        return owner, self.targets[position]


def expand(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Ranges ``starts[k] + 0 … counts[k] - 1`` laid end to end: which range each element is of, and its value.

    >>> owner, value = expand(np.array([5, 9]), np.array([2, 3]))
    >>> owner.tolist(), value.tolist()
    ([0, 0, 1, 1, 1], [5, 6, 9, 10, 11])
    """
    owner = np.repeat(np.arange(len(starts)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(len(owner)) + np.repeat(starts - (ends - counts), counts)
