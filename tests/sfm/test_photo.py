# SPDX-License-Identifier: Apache-2.0
"""Which photographs share a camera, and what is assumed of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastcv import sfm
from fastcv.scene import Camera


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


def test_a_known_calibration_is_that_of_all() -> None:
    known = (1000.0, 1010.0, 2001.0, 1502.0)
    cameras, ids = sfm.cameras_from_photos([info(), info(model="C")], intrinsics=known)
    assert ids == [1, 1]
    assert cameras == {1: Camera("PINHOLE", 4000, 3000, np.array(known))}
    assert cameras[1].has_prior_focal_length


def test_the_model_that_was_asked_for_starts_without_distortion() -> None:
    cameras, _ = sfm.cameras_from_photos([info()], camera_model="OPENCV")
    assert cameras == {1: Camera("OPENCV", 4000, 3000, np.array([3100.0, 3100, 2000, 1500, 0, 0, 0, 0]))}
    cameras, _ = sfm.cameras_from_photos([info()], camera_model="SIMPLE_RADIAL", intrinsics=(900, 900, 2001, 1502))
    assert cameras == {1: Camera("SIMPLE_RADIAL", 4000, 3000, np.array([900.0, 2001, 1502, 0]))}


def test_one_camera_takes_the_focal_length_that_exif_knows() -> None:
    infos = [info(focal_length_px=None), info(model="C"), info(focal_length_px=5000.0)]
    cameras, ids = sfm.cameras_from_photos(infos, single_camera=True)
    assert ids == [1, 1, 1]
    assert cameras[1].focal_length == 3100
    assert cameras[1].has_prior_focal_length


def test_a_camera_for_each_photograph() -> None:
    cameras, ids = sfm.cameras_from_photos([info(), info()], single_camera=False)
    assert ids == [1, 2]
    assert cameras[1] == cameras[2]
    known = (1000.0, 1010.0, 2001.0, 1502.0)
    cameras, ids = sfm.cameras_from_photos([info(), info()], single_camera=False, intrinsics=known)
    assert ids == [1, 2]
    assert cameras[2].params.tolist() == list(known)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"intrinsics": (300, 300, 200, 150)}, "intrinsics: expected photographs of one size, got 10x3000, 4000x3000"),
        ({"single_camera": True}, "single_camera: expected photographs of one size, got 10x3000, 4000x3000"),
        ({"camera_model": "BAL"}, "camera_model: expected one with a principal point, got 'BAL'"),
        ({"camera_model": "FISH"}, "camera_model: expected one with a principal point, got 'FISH'"),
    ],
)
def test_what_does_not_fit_the_photographs(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sfm.cameras_from_photos([info(), info(width=10)], **arguments)


def test_one_focal_length_cannot_stand_for_two() -> None:
    with pytest.raises(ValueError, match=r"camera_model: expected one with two focal lengths for 300\.0 and 310\.0"):
        sfm.cameras_from_photos([info()], camera_model="RADIAL", intrinsics=(300.0, 310.0, 200.0, 150.0))


def test_no_photos() -> None:
    assert sfm.cameras_from_photos([]) == ({}, [])


def test_photos_check_their_arrays() -> None:
    with pytest.raises(ValueError, match=r"colors: expected shape \(M, 3\) with M = 2"):
        sfm.Photo("a", 1, np.zeros((2, 2)), np.zeros((3, 3), np.uint8))
    with pytest.raises(TypeError, match="keypoints: expected dtype"):
        sfm.Photo("a", 1, np.zeros((2, 2), int), np.zeros((2, 3), np.uint8))
