# SPDX-License-Identifier: Apache-2.0
"""Which photographs count, and which camera is thought to have taken each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcv import io
from fastcv.pipeline import Options, OptionsError
from fastcv.pipeline.photos import assign_cameras, find_photos
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


def test_cameras_are_those_of_the_options() -> None:
    known = (300.0, 310.0, 201.0, 151.0)
    facts = {"a": fact(), "b": fact(focal=350.0)}
    cameras, ids = assign_cameras(facts, Options(intrinsics=known, camera_model="OPENCV"))
    assert ids == {"a": 1, "b": 1}
    assert cameras == {1: Camera("OPENCV", 400, 300, np.array([*known, 0, 0, 0, 0]))}
    assert assign_cameras(facts, Options(single_camera=False))[1] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(single_camera=True), "^single_camera: expected photographs of one size, got 300x400, 400x300"),
        (Options(intrinsics=(300.0, 300.0, 200.0, 150.0)), "^intrinsics: expected photographs of one size"),
    ],
)
def test_options_that_do_not_fit_the_photographs(options: Options, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        assign_cameras({"a": fact(), "b": fact(300, 400)}, options)
