# SPDX-License-Identifier: Apache-2.0
"""Options: what is refused, and what a calibration file may look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastcv.pipeline import PRESETS, STAGES, Options, OptionsError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"quality": "best"}, "quality: expected one of low, medium, high, got 'best'"),
        ({"until": "mesh"}, "until: expected one of features, .*, got 'mesh'"),
        ({"camera_model": "BAL"}, "camera_model: expected one of SIMPLE_PINHOLE, .*, got 'BAL'"),
        ({"max_size": 63}, "max_size: expected 64 or more pixels, got 63"),
        ({"num_threads": -1}, "num_threads: expected 0 or more, got -1"),
    ],
)
def test_bad_values_are_named(values: dict, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        Options(**values)


def test_until_cuts_the_stages() -> None:
    assert Options().stages == STAGES
    assert Options(until="verify").stages == ("features", "matches", "verify")


def test_max_size_only_makes_images_smaller() -> None:
    assert Options(quality="low").preset == PRESETS["low"]
    assert Options(quality="low", max_size=600).preset.feature_size == 600
    assert Options(quality="low", max_size=600).preset.depth_size == PRESETS["low"].depth_size == 480
    assert Options(quality="low", max_size=5000).preset == PRESETS["low"]


@pytest.mark.parametrize("text", ["800 0 320.5\n0 810 240\n0 0 1\n", "800, 0, 320.5; 0, 810, 240; 0, 0, 1"])
def test_intrinsics_from_a_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "K.txt"
    path.write_text(text)
    assert Options(intrinsics=path).known_intrinsics() == (800, 810, 320.5, 240)


@pytest.mark.parametrize(
    "text", ["", "800 0 320 0 810 240", "800 1 320 0 810 240 0 0 1", "a b c", "-1 0 3 0 1 2 0 0 1"]
)
def test_a_file_that_is_no_calibration(tmp_path: Path, text: str) -> None:
    path = tmp_path / "K.txt"
    path.write_text(text)
    with pytest.raises(OptionsError, match="intrinsics: expected"):
        Options(intrinsics=path).known_intrinsics()


def test_a_missing_calibration_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Options(intrinsics=tmp_path / "nowhere.txt").known_intrinsics()


@pytest.mark.parametrize("values", [(0.0, 1.0, 2.0, 3.0), (1.0, 1.0, 2.0), (float("nan"), 1.0, 2.0, 3.0)])
def test_numbers_that_are_no_calibration(values: tuple) -> None:
    with pytest.raises(OptionsError, match="intrinsics: expected fx, fy, cx, cy"):
        Options(intrinsics=values).known_intrinsics()
