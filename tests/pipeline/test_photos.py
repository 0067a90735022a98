# SPDX-License-Identifier: Apache-2.0
"""Which photographs count, and which camera is thought to have taken each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcv import io
from fastcv.pipeline import Options, OptionsError
from fastcv.pipeline.photos import assign_cameras, find_photos, with_model
from fastcv.scene import Camera


def fact(width: int = 400, height: int = 300, focal: float | None = None, model: str | None = None) -> dict[str, Any]:
    return {"width": width, "height": height, "focal_length_px": focal, "make": None, "model": model, "features": 9}


def test_copies_are_skipped_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, grey in (("a.png", 1), ("b.png", 2), ("sub/c.png", 1)):
        io.write_image(tmp_path / name, np.full((4, 4), grey, np.uint8))
    photos, skipped = find_photos(tmp_path)
    assert [photo.name for photo in photos] == ["a.png", "b.png"]
    assert skipped == {"sub/c.png": "the same file as a.png"}


def test_a_dangling_link_is_skipped_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    assert find_photos(tmp_path) == ([], {"gone.jpg": "No such file or directory"})


def test_by_default_equal_photographs_share_a_camera() -> None:
    facts = {"a": fact(focal=350.0), "b": fact(focal=350.0), "c": fact(), "d": fact(300, 400)}
    cameras, ids = assign_cameras(facts, Options())
    assert ids == {"a": 1, "b": 1, "c": 2, "d": 3}
    assert cameras[1] == Camera("SIMPLE_RADIAL", 400, 300, np.array([350.0, 200, 150, 0]))
    assert [camera.has_prior_focal_length for camera in cameras.values()] == [True, False, False]


def test_one_camera_takes_the_focal_length_that_exif_knows() -> None:
    cameras, ids = assign_cameras({"a": fact(), "b": fact(focal=350.0)}, Options(single_camera=True))
    assert ids == {"a": 1, "b": 1}
    assert cameras[1].focal_length == 350.0


def test_a_camera_for_each_photograph() -> None:
    cameras, ids = assign_cameras({"a": fact(), "b": fact()}, Options(single_camera=False))
    assert ids == {"a": 1, "b": 2}
    assert sorted(cameras) == [1, 2]


@pytest.mark.parametrize("options", [Options(single_camera=True), Options(intrinsics=(300.0, 300.0, 200.0, 150.0))])
def test_one_camera_needs_one_size(options: Options) -> None:
    with pytest.raises(OptionsError, match="expected photographs of one size, got 300x400, 400x300"):
        assign_cameras({"a": fact(), "b": fact(300, 400)}, options)


def test_known_intrinsics_are_a_prior_under_any_model() -> None:
    known = (300.0, 310.0, 201.0, 151.0)
    cameras, _ = assign_cameras({"a": fact(), "b": fact()}, Options(intrinsics=known))
    assert cameras == {1: Camera("PINHOLE", 400, 300, np.array(known))}
    assert cameras[1].has_prior_focal_length
    cameras, _ = assign_cameras({"a": fact()}, Options(intrinsics=known, camera_model="OPENCV"))
    assert cameras[1].params.tolist() == [*known, 0, 0, 0, 0]


def test_one_focal_length_cannot_stand_for_two() -> None:
    camera = Camera("PINHOLE", 400, 300, np.array([300.0, 310, 200, 150]))
    with pytest.raises(OptionsError, match="RADIAL has one focal length, but intrinsics give 300"):
        with_model(camera, "RADIAL")
