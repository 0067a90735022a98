# SPDX-License-Identifier: Apache-2.0
"""Text files of cameras: the pixel convention, real data, damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastcv import FormatError
from fastcv.io import read_middlebury, read_projections

LINE = "500 0 320 0  0 500 240 0  0 0 1 2"
PAR = "a.png 500 0 320 0 600 240 0 0 1 0 -1 0 1 0 0 0 0 1 4 5 6"


def test_pixels_count_from_the_corner(tmp_path: Path) -> None:
    (tmp_path / "P.txt").write_text(f"# 3x4\n{LINE}\n\n{LINE.replace('2', '3')}\n")
    first, second = read_projections(tmp_path / "P.txt")
    x, y, w = first @ [0, 0, 3, 1]
    # The file's pixel (320 · 3 / 5, 240 · 3 / 5) of the point at depth 5, half a pixel further.
    assert (x / w, y / w, w) == (pytest.approx(192.5), pytest.approx(144.5), 5)
    assert second[2, 3] == 3


def test_middlebury(tmp_path: Path) -> None:
    (tmp_path / "x_par.txt").write_text(f"1\n{PAR}\n")
    (photo,) = read_middlebury(tmp_path / "x_par.txt")
    assert (photo.name, photo.params.tolist()) == ("a.png", [500, 600, 320.5, 240.5])
    np.testing.assert_allclose(photo.cam_from_world, [[0, -1, 0, 4], [1, 0, 0, 5], [0, 0, 1, 6]], atol=1e-15)


def test_the_temple_lies_in_its_box(data_dir: Path) -> None:
    """README.txt of the data gives a tight box around the object: it is in front of every camera and in its image."""
    photos = read_middlebury(data_dir / "mvs" / "templeSparseRing" / "templeSR_par.txt")
    assert len(photos) == 16
    middle = np.mean([(-0.073568, 0.021728, -0.012445), (0.028855, 0.181892, 0.062736)], axis=0)
    for photo in photos:
        x, y, z = photo.cam_from_world @ [*middle, 1]
        fx, fy, cx, cy = photo.params
        assert z > 0
        assert abs(fx * x / z + cx - 320) < 120
        assert abs(fy * y / z + cy - 240) < 120


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected projection matrices, twelve numbers a line, got none"),
        (f"{LINE}\n1 2 3\n", "in line 2: expected 12 numbers"),
        (f"{LINE} 5\n", "in line 1: expected 12 numbers, got 13"),
        (LINE.replace("240", "lots"), "in line 1: expected a number, got 'lots'"),
        (LINE.replace("240", "nan"), "in line 1: expected finite numbers"),
        (LINE.replace("0 500 240", "1000 0 640"), "in line 1: expected a projection matrix whose left 3x3 part is not"),
        ("0 " * 12, "in line 1: expected a projection matrix whose left 3x3 part is not singular"),
    ],
)
def test_projections_that_are_none(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "P.txt").write_text(content)
    with pytest.raises(FormatError, match=message):
        read_projections(tmp_path / "P.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected the number of photographs in the first line, got none"),
        (PAR, "expected the number of photographs in the first line"),
        (f"2\n{PAR}\n", "expected 2 photographs, got 1 lines of them"),
        (f"2\n{PAR}\n{PAR}\n", r"in line 3: expected different names, got a\.png again"),
        (f"1\n{PAR} 7\n", "in line 2: expected 21 numbers, got 22"),
        (f"1\n{PAR.replace('500', '-500')}\n", r"in line 2: expected \[fx 0 cx; 0 fy cy; 0 0 1\] with positive focal"),
        (f"1\n{PAR.replace('500 0', '500 7')}\n", r"in line 2: expected \[fx 0 cx; 0 fy cy; 0 0 1\]"),
        (f"1\n{PAR.replace('0 -1 0', '0 -2 0')}\n", "in line 2: expected a rotation and a translation"),
        (f"1\n{PAR.replace('0 -1 0 1 0 0', '0 1 0 1 0 0')}\n", "in line 2: expected a rotation and a translation"),
    ],
)
def test_parameters_that_are_none(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x_par.txt").write_text(content)
    with pytest.raises(FormatError, match=message):
        read_middlebury(tmp_path / "x_par.txt")


def test_random_damage(tmp_path: Path, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{LINE}\n{LINE}")
    survives_damage(path, lambda: read_projections(path), flips=300, lengths=range(len(LINE) + 2, 2 * len(LINE) - 1))
    path.write_text(f"1\n{PAR}")
    survives_damage(path, lambda: read_middlebury(path), flips=300, lengths=range(len(PAR)))
