# SPDX-License-Identifier: Apache-2.0
"""PFM against OpenCV, both byte orders, and damage."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fastcv import FormatError
from fastcv.io import read_pfm, write_pfm


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3, 3), (1, 7, 3)])
def test_opencv_reads_and_writes_the_same(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    write_pfm(tmp_path / "ours.pfm", image)
    np.testing.assert_array_equal(read_pfm(tmp_path / "ours.pfm"), image)
    theirs = cv2.imread(str(tmp_path / "ours.pfm"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(theirs[..., ::-1] if len(shape) == 3 else theirs, image)
    cv2.imwrite(str(tmp_path / "theirs.pfm"), image[..., ::-1] if len(shape) == 3 else image)
    np.testing.assert_array_equal(read_pfm(tmp_path / "theirs.pfm"), image)


@pytest.mark.parametrize(("order", "scale"), [("<", "-1"), (">", "1.0"), (">", "+2e-1")])
def test_byte_orders_and_bottom_up_rows(tmp_path: Path, order: str, scale: str) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(f"Pf\n2 2\n{scale}\n".encode() + struct.pack(f"{order}4f", 3, 4, 1, np.inf))
    result = read_pfm(path)
    np.testing.assert_array_equal(result, [[1, np.inf], [3, 4]])
    assert result.dtype == np.dtype(np.float32)
    assert result.flags.c_contiguous


def test_strided_read_only_and_other_byte_order(tmp_path: Path) -> None:
    image = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::-3]
    image.flags.writeable = False
    write_pfm(tmp_path / "a.pfm", image)
    np.testing.assert_array_equal(read_pfm(tmp_path / "a.pfm"), [[5, 2], [17, 14]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at byte 0: expected a header"),
        (b"P6\n1 1\n-1\n1234", "at byte 0: expected a header"),
        (b"Pf\n1 -1\n-1\n1234", "at byte 0: expected a header"),
        (b"Pf\n1 1\n0\n1234", "at byte 7: expected a scale that is a number other than 0"),
        (b"Pf\n1 1\n1e-\n1234", "at byte 7: expected a scale"),
        (b"Pf\n1 1\n1e999\n1234", "at byte 7: expected a scale"),
        (b"Pf\n1 0\n-1\n", "at byte 3: expected sizes of 1 or more, got 1 × 0"),
        (b"Pf\n9999999999 9999999999\n-1\n1234", "expected 399999999920000000004 bytes of pixels, got 4"),
        (b"PF\n1 1\n-1\n1234", "at byte 10: expected 12 bytes of pixels, got 4"),
        (b"Pf\n1 1\n-1\n12345", "at byte 14: expected the end of the file, got 1 more"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.pfm").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_pfm(tmp_path / "a.pfm")


def test_random_damage(tmp_path: Path, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / "a.pfm"
    write_pfm(path, np.ones((2, 3), np.float32))
    survives_damage(path, lambda: read_pfm(path), flips=300)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="image: expected dtype float32, got float64"):
        write_pfm(tmp_path / "a", np.zeros((2, 2)))
    for shape in ((2, 2, 4), (4,), (0, 3)):
        with pytest.raises(ValueError, match=r"image: expected shape \(H, W\) or \(H, W, 3\)"):
            write_pfm(tmp_path / "a", np.zeros(shape, np.float32))
