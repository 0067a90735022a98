# SPDX-License-Identifier: Apache-2.0
"""Focal lengths from exact fundamental matrices of known cameras."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fastcv import sfm
from fastcv.scene import Camera


def camera(focal: float, known: bool = False, width: int = 1000, height: int = 800) -> Camera:
    return Camera("SIMPLE_RADIAL", width, height, np.array([focal, width / 2, height / 2, 0]), known)


def geometry(a: Camera, b: Camera, seed: int, kind: str = "uncalibrated") -> sfm.TwoViewGeometry:
    """A pair with a random motion that converges on the scene."""
    rng = np.random.default_rng(seed)
    rotation = Rotation.from_rotvec(rng.normal(0, 0.3, 3)).as_matrix()
    x, y, z = rng.normal(size=3)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    F: NDArray[np.float64] = np.linalg.inv(b.matrix).T @ cross @ rotation @ np.linalg.inv(a.matrix)
    return sfm.TwoViewGeometry(kind, np.zeros((100, 2), np.int32), F=F / np.linalg.norm(F))  # type: ignore[arg-type]


def test_a_shared_focal_length() -> None:
    true = camera(777)
    pairs = {(1, j): geometry(true, true, j) for j in range(2, 8)}
    found = sfm.calibrate_focals({1: camera(1200)}, [1] * 7, pairs)
    # The grid is 2 % wide.
    assert found[1].focal_length == pytest.approx(777, rel=0.011)
    assert not found[1].has_prior_focal_length


def test_a_guess_beside_a_known_camera() -> None:
    known, true = camera(900, True), camera(1500, width=1200)
    cameras = {3: known, 5: camera(1440, width=1200)}
    pairs = {(1, 2): geometry(known, true, 0), (2, 3): geometry(true, known, 1), (1, 4): geometry(known, true, 2)}
    cameras[5] = camera(700, width=1200)
    found = sfm.calibrate_focals(cameras, [3, 5, 3, 5], pairs)
    assert found[3] == known
    assert found[5].focal_length == pytest.approx(1500, rel=0.011)


def test_known_focal_lengths_stay() -> None:
    true = camera(777)
    wrong = camera(1200, known=True)
    found = sfm.calibrate_focals({1: wrong}, [1, 1], {(1, 2): geometry(true, true, 0)})
    assert found[1] == wrong


@pytest.mark.parametrize("kind", ["planar", "panoramic", "degenerate"])
def test_pairs_without_an_epipolar_geometry_do_not_vote(kind: str) -> None:
    true = camera(777)
    found = sfm.calibrate_focals({1: camera(1200)}, [1, 1], {(1, 2): geometry(true, true, 0, kind)})
    assert found[1] == camera(1200)


def test_no_pairs() -> None:
    assert sfm.calibrate_focals({1: camera(1200)}, [1], {}) == {1: camera(1200)}


def test_outvoted_pairs() -> None:
    true, other = camera(777), camera(2500)
    pairs = {(1, j): geometry(true if j < 8 else other, true if j < 8 else other, j) for j in range(2, 11)}
    found = sfm.calibrate_focals({1: camera(1200)}, [1] * 10, pairs)
    assert found[1].focal_length == pytest.approx(777, rel=0.011)
