# SPDX-License-Identifier: Apache-2.0
"""Which photographs share a camera, and what is assumed of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastcv import sfm


def info(**facts: Any) -> Any:
    return SimpleNamespace(
        **{"width": 4000, "height": 3000, "make": "A", "model": "B", "focal_length_px": 3100.0, **facts}
    )


def test_photos_of_one_lens_share_a_camera() -> None:
    different = [info(), info(focal_length_px=5000.0), info(width=3000, height=4000), info(model="C"), info(make="D")]
    cameras, ids = sfm.cameras_from_photos([*different, *different])
    assert ids == [1, 2, 3, 4, 5] * 2
    assert sorted(cameras) == [1, 2, 3, 4, 5]
    assert cameras[2].params.tolist() == [5000, 2000, 1500, 0]
    assert cameras[2].model == "SIMPLE_RADIAL"
    assert cameras[2].has_prior_focal_length


def test_an_unknown_focal_length_is_guessed() -> None:
    cameras, _ = sfm.cameras_from_photos([info(width=900, height=1000, focal_length_px=None)])
    assert cameras[1].focal_length == 1200
    assert not cameras[1].has_prior_focal_length


def test_a_known_calibration() -> None:
    K = np.array([[1000.0, 0, 2001], [0, 1010, 1502], [0, 0, 1]])
    cameras, ids = sfm.cameras_from_photos([info(), info(model="C")], K=K)
    assert ids == [1, 1]
    assert cameras[1].model == "PINHOLE"
    np.testing.assert_array_equal(cameras[1].matrix, K)
    assert cameras[1].has_prior_focal_length


def test_wrong_calibrations() -> None:
    with pytest.raises(ValueError, match=r"K: expected shape \(3, 3\)"):
        sfm.cameras_from_photos([info()], K=np.eye(4))
    with pytest.raises(ValueError, match="one image size"):
        sfm.cameras_from_photos([info(), info(width=10)], K=np.eye(3))


def test_no_photos() -> None:
    assert sfm.cameras_from_photos([]) == ({}, [])


def test_photos_check_their_arrays() -> None:
    with pytest.raises(ValueError, match=r"colors: expected shape \(M, 3\) with M = 2"):
        sfm.Photo("a", 1, np.zeros((2, 2)), np.zeros((3, 3), np.uint8))
    with pytest.raises(TypeError, match="keypoints: expected dtype"):
        sfm.Photo("a", 1, np.zeros((2, 2), int), np.zeros((2, 3), np.uint8))
