# SPDX-License-Identifier: Apache-2.0
"""Similarities against their definition and SciPy's rotations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv.geometry import umeyama

rng = np.random.default_rng(11)
ROTATION = Rotation.from_rotvec([0.3, -1.1, 2.0]).as_matrix()
SHIFT = np.array([3.0, -2.0, 10.0])


def test_umeyama_recovers_a_similarity() -> None:
    source = rng.normal(size=(20, 3))
    found = umeyama(source, 2.5 * source @ ROTATION.T + SHIFT)
    assert found.scale == pytest.approx(2.5, abs=1e-12)
    np.testing.assert_allclose(found.rotation, ROTATION, atol=1e-12)
    np.testing.assert_allclose(found.translation, SHIFT, atol=1e-12)


def test_umeyama_agrees_with_scipy_on_noisy_points() -> None:
    source = rng.normal(size=(30, 3))
    target = 0.4 * source @ ROTATION.T + SHIFT + 0.05 * rng.normal(size=(30, 3))
    found = umeyama(source, target)
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    expected, _ = Rotation.align_vectors(b, a)
    np.testing.assert_allclose(found.rotation, expected.as_matrix(), atol=1e-9)
    # The best scale for a given rotation is a projection.
    rotated = a @ found.rotation.T
    assert found.scale == pytest.approx((rotated * b).sum() / (a**2).sum(), rel=1e-12)


def test_umeyama_does_not_reflect() -> None:
    source = rng.normal(size=(10, 3))
    found = umeyama(source, source * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((2, 3)), "at least three points, got 2"),
        (np.outer(np.arange(5.0), [1, 2, 3]), "collinear"),
        (np.ones((5, 3)), "collinear"),
        (np.zeros((5, 2)), r"source: expected shape \(N, 3\)"),
    ],
)
def test_wrong_points(source: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        umeyama(source, np.zeros((len(source), 3)))
