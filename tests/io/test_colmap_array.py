# SPDX-License-Identifier: Apache-2.0
"""COLMAP's dense maps against pycolmap, and damage."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import FormatError
from fastcv.io import read_colmap_array, write_colmap_array


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 2)])
def test_depth_maps_of_pycolmap(tmp_path: Path, shape: tuple[int, int]) -> None:
    depth = np.random.default_rng(0).uniform(1, 9, shape).astype(np.float32)
    pycolmap.DepthMap.from_array(depth, 0, 10).write(tmp_path / "theirs.bin")
    np.testing.assert_array_equal(read_colmap_array(tmp_path / "theirs.bin"), depth)
    write_colmap_array(tmp_path / "ours.bin", depth)
    assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "theirs.bin").read_bytes()


def test_normal_maps_of_pycolmap(tmp_path: Path) -> None:
    normals = np.random.default_rng(0).normal(size=(3, 5, 3)).astype(np.float32)
    write_colmap_array(tmp_path / "ours.bin", normals)
    theirs = pycolmap.NormalMap()
    theirs.read(tmp_path / "ours.bin")
    # to_array() of pycolmap 4.2.1 lays the planes out as if they were interleaved; the numbers are the file's.
    np.testing.assert_array_equal(theirs.to_array().ravel(), normals.transpose(2, 0, 1).ravel())
    theirs.write(tmp_path / "theirs.bin")
    assert (tmp_path / "theirs.bin").read_bytes() == (tmp_path / "ours.bin").read_bytes()
    np.testing.assert_array_equal(read_colmap_array(tmp_path / "theirs.bin"), normals)


def test_layout_by_hand(tmp_path: Path) -> None:
    """x runs fastest, then y, then the channel."""
    (tmp_path / "a").write_bytes(b"2&1&2&" + struct.pack("<4f", 1, 2, 3, 4))
    np.testing.assert_array_equal(read_colmap_array(tmp_path / "a"), [[[1, 3], [2, 4]]])
    strided = np.asfortranarray(np.array([[[1, 3], [2, 4]]], np.float32))
    strided.flags.writeable = False
    write_colmap_array(tmp_path / "b", strided)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at byte 0: expected a header"),
        (b"1&1&", "at byte 0: expected a header"),
        (b"-1&1&1&1234", "at byte 0: expected a header"),
        (b"1&1&0&", "at byte 0: expected sizes of 1 or more, got 1 × 1 × 0"),
        (b"0&9999999999&9999999999&", "expected sizes of 1 or more"),
        (b"9999999999&9999999999&3&1234", "at byte 24: expected 1199999999760000000012 bytes of values, got 4"),
        (b"1&1&1&123", "at byte 6: expected 4 bytes of values, got 3"),
        (b"1&1&1&12345", "at byte 10: expected the end of the file, got 1 more"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_colmap_array(tmp_path / "a")


def test_random_damage(tmp_path: Path, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / "a"
    write_colmap_array(path, np.ones((2, 3), np.float32))
    survives_damage(path, lambda: read_colmap_array(path), flips=300)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="array: expected dtype float32, got float64"):
        write_colmap_array(tmp_path / "a", np.zeros((2, 2)))
    for shape in ((4,), (2, 2, 0), (0, 2), (1, 1, 1, 1)):
        with pytest.raises(ValueError, match=r"array: expected shape \(H, W\) or \(H, W, C\)"):
            write_colmap_array(tmp_path / "a", np.zeros(shape, np.float32))
