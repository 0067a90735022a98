# SPDX-License-Identifier: Apache-2.0
"""Exact nearest-neighbour matching of descriptors, with ratio test and mutual check."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .extract import Features

# Rows of the score matrix in work at a time: bounds the memory (8 MiB for 8192 candidates) and fills the caches.
BLOCK_ROWS = 256


def match(a: Features, b: Features, *, ratio: float = 0.8, mutual: bool = True) -> NDArray[np.int32]:
    """Match every feature of ``a`` to its nearest in ``b`` where the second nearest is clearly farther.

    All descriptors are compared, none approximately. Bytes of norm 512 make every partial sum of a float32 product an
    exact integer or half below 2^24, so the result depends neither on the BLAS library nor on threads.

    Parameters
    ----------
    a, b : Features
    ratio : float, optional
        Largest allowed distance to the nearest relative to the second nearest, in (0, 1]. Lowe's test.
    mutual : bool, optional
        Also ask for the same test from ``b`` to ``a``, and that both agree.

    Returns
    -------
    (K, 2) int32 array
        Rows of ``a`` and ``b``, smallest ratio first (the order that PROSAC wants). A place detected with several
        orientations counts once, by the first row that has its keypoint.

    References
    ----------
    Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004, section 7.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import features
    >>> image = np.random.default_rng(0).integers(0, 256, (64, 96), np.uint8)
    >>> found = features.extract(image)
    >>> matches = features.match(found, found)
    >>> bool((matches[:, 0] == matches[:, 1]).all())
    True
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"ratio: expected in (0, 1], got {ratio}")
    if not len(a) or not len(b):
        return np.empty((0, 2), np.int32)
    nearest, ratios = _nearest(a.descriptors, b.descriptors)
    rows = np.flatnonzero(ratios < ratio)
    if mutual:
        # Only what passed needs the way back, so that costs a fraction of the way there.
        back, back_ratios = _nearest(b.descriptors[nearest[rows]], a.descriptors)
        ratios[rows] = np.maximum(ratios[rows], back_ratios)
        rows = rows[(back == rows) & (back_ratios < ratio)]
    rows = rows[np.argsort(ratios[rows], kind="stable")]
    pairs = np.stack([_first_at_place(a)[rows], _first_at_place(b)[nearest[rows]]], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    return pairs[np.sort(first)].astype(np.int32)


def _nearest(queries: NDArray[np.uint8], candidates: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Row of the nearest candidate of each query, and its distance relative to that of the second nearest."""
    query, candidate = queries.astype(np.float32), candidates.astype(np.float32)
    query_norms, candidate_norms = np.einsum("ij,ij->i", query, query), np.einsum("ij,ij->i", candidate, candidate)
    # |q - c|² = |q|² - 2 (q·c - |c|²/2): the bracket, as one product, ranks the candidates.
    query = np.hstack([query, np.ones((len(query), 1), np.float32)])
    candidate = np.vstack([candidate.T, -0.5 * candidate_norms])
    nearest = np.empty(len(query), np.intp)
    squared = np.full((len(query), 2), np.inf, np.float32)
    buffer = np.empty((BLOCK_ROWS, len(candidates)), np.float32)
    for start in range(0, len(query), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        row = np.arange(len(query[block]))
        scores = np.matmul(query[block], candidate, out=buffer[: len(row)])
        for rank in range(min(2, len(candidates))):
            best = scores.argmax(axis=1)
            squared[block, rank] = query_norms[block] - 2 * scores[row, best]
            if rank == 0:
                nearest[block] = best
                scores[row, best] = -np.inf
    # Two candidates at distance 0 are as ambiguous as can be.
    share = np.divide(squared[:, 0], squared[:, 1], out=np.ones(len(query), np.float32), where=squared[:, 1] > 0)
    return nearest, np.sqrt(share)


def _first_at_place(features: Features) -> NDArray[np.intp]:
    """For every row the first row with the same keypoint."""
    places = np.ascontiguousarray(features.keypoints).view(np.complex64)[:, 0]
    _, first, place = np.unique(places, return_index=True, return_inverse=True)
    return first[place]
