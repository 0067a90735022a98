# SPDX-License-Identifier: Apache-2.0
"""Matches against SciPy's distances, and the rules about order, repeats and empty input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from fastcv.features import Features, match


def make(descriptors: NDArray[np.uint8], keypoints: NDArray[np.float32] | None = None) -> Features:
    n = len(descriptors)
    places = np.arange(2 * n, dtype=np.float32).reshape(n, 2) if keypoints is None else keypoints
    zero = np.zeros(n, np.float32)
    return Features(places, zero, zero, descriptors, np.zeros((n, 3), np.uint8))


def pair(na: int, nb: int, seed: int = 0) -> tuple[Features, Features]:
    """Descriptors of which half of the smaller set have a noisy partner."""
    rng = np.random.default_rng(seed)
    # SIFT's norm: the exactness of the float32 product rests on it.
    raw = rng.exponential(size=(na + nb, 128))
    a, b = np.split(raw / np.linalg.norm(raw, axis=1, keepdims=True), [na])
    shared = min(na, nb) // 2
    b[rng.permutation(nb)[:shared]] = a[:shared] + rng.normal(0, 0.03, (shared, 128))
    return make(np.rint(512 * a).clip(0, 255).astype(np.uint8)), make(np.rint(512 * b).clip(0, 255).astype(np.uint8))


def expected(a: Features, b: Features, ratio: float, mutual: bool) -> list[tuple[int, int]]:
    """The definition, on SciPy's distances."""

    def one_way(d: NDArray[np.float64]) -> dict[int, tuple[int, float]]:
        order = np.argsort(d, axis=1, kind="stable")
        rows = np.arange(len(d))
        ratios = d[rows, order[:, 0]] / d[rows, order[:, 1]]
        return {int(i): (int(order[i, 0]), float(ratios[i])) for i in rows if ratios[i] < ratio}

    distances = cdist(a.descriptors.astype(float), b.descriptors.astype(float))
    forth, back = one_way(distances), one_way(distances.T)
    found = {
        (i, j): max(r, back[j][1]) if mutual else r
        for i, (j, r) in forth.items()
        if not mutual or (j in back and back[j][0] == i)
    }
    return sorted(found, key=lambda ij: (found[ij], ij))


@pytest.mark.parametrize("mutual", [True, False])
@pytest.mark.parametrize(("na", "nb", "ratio"), [(300, 417, 0.8), (513, 129, 0.9), (2, 2, 1.0), (7, 600, 0.95)])
def test_against_scipy(na: int, nb: int, ratio: float, mutual: bool) -> None:
    a, b = pair(na, nb)
    want = expected(a, b, ratio, mutual)
    got = match(a, b, ratio=ratio, mutual=mutual)
    assert got.dtype == np.int32
    assert sorted(map(tuple, got.tolist())) == sorted(want)
    # float32 ratios may swap neighbours that differ in the eighth digit: compare the order by the distances.
    assert got[:5].tolist() == [list(ij) for ij in want[:5]]


def test_exchange_of_the_images() -> None:
    a, b = pair(200, 300)
    np.testing.assert_array_equal(match(a, b)[:, ::-1], match(b, a))


def test_one_match_per_place() -> None:
    a, b = pair(100, 100)
    # Every place of b appears with a second orientation, described otherwise; a's rows 50.. repeat a's first places.
    rng = np.random.default_rng(5)
    raw = rng.exponential(size=(200, 128))
    other = np.rint(512 * raw / np.linalg.norm(raw, axis=1, keepdims=True)).clip(0, 255).astype(np.uint8)
    doubled_a = make(np.vstack([a.descriptors, other[:100]]), np.vstack([a.keypoints, a.keypoints]))
    doubled_b = make(np.vstack([b.descriptors, other[:100]]), np.vstack([b.keypoints, b.keypoints]))
    matches = match(doubled_a, doubled_b)
    assert len(np.unique(matches, axis=0)) == len(matches)
    assert matches.max() < 100
    # Rows 100.. are equal in both, so place i of a pairs with place i of b, and the noisy partners come on top.
    assert {(i, i) for i in range(100)} <= set(map(tuple, matches.tolist()))


def test_equal_candidates_are_ambiguous() -> None:
    a, _ = pair(4, 2)
    twice = make(np.repeat(a.descriptors, 2, axis=0))
    assert len(match(a, twice, ratio=1.0)) == 0


def test_empty_and_single() -> None:
    a, b = pair(5, 1)
    empty = make(np.empty((0, 128), np.uint8))
    for first, second in ((a, empty), (empty, a), (empty, empty)):
        assert match(first, second).shape == (0, 2)
    # A lone candidate has no rival, so the ratio test says nothing: the mutual check decides.
    assert len(match(a, b)) <= 1
    assert len(match(a, b, mutual=False)) == 5


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1.1, float("nan")])
def test_wrong_ratio(ratio: float) -> None:
    a, b = pair(3, 3)
    with pytest.raises(ValueError, match=r"ratio: expected in \(0, 1\]"):
        match(a, b, ratio=ratio)
