# SPDX-License-Identifier: Apache-2.0
"""Grids: where voxels lie, and what is no grid."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastcv.voxels import VoxelGrid


def test_centers_and_matrix_agree():
    grid = VoxelGrid((1, 2, 3), 0.5, (2, 3, 4))
    z, y, x = 1, 2, 3
    center = grid.world_from_voxel @ [x + 0.5, y + 0.5, z + 0.5, 1]
    np.testing.assert_array_equal(center, [2.75, 3.25, 3.75, 1])
    np.testing.assert_array_equal(grid.centers(z)[y, x], center[:3])
    assert grid.centers(0).shape == (3, 4, 3)
    assert VoxelGrid([0, 0, 0], 1, (2**31 - 1,) * 3).num_voxels == (2**31 - 1) ** 3


def test_equality_and_copies():
    origin = np.zeros(3)
    grid = VoxelGrid(origin, 1, (2, 2, 2))
    origin[0] = 5
    assert grid == VoxelGrid([0, 0, 0], 1.0, (np.int64(2), 2, 2))
    assert grid != VoxelGrid([0, 0, 0], 1.0, (2, 2, 3))
    assert grid != VoxelGrid([0, 0, 1e-9], 1.0, (2, 2, 2))
    assert grid != "grid"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 0], 1, (1, 1, 1)), ValueError, "origin: expected 3 finite numbers, got [0, 0]"),
        (([0, 0, np.nan], 1, (1, 1, 1)), ValueError, "origin: expected 3 finite numbers"),
        (([0, 0, 0], 0, (1, 1, 1)), ValueError, "voxel_size: expected a positive finite number, got 0"),
        (([0, 0, 0], -0.1, (1, 1, 1)), ValueError, "voxel_size: expected a positive finite number, got -0.1"),
        (([0, 0, 0], np.nan, (1, 1, 1)), ValueError, "voxel_size: expected a positive finite number, got nan"),
        (([0, 0, 0], np.inf, (1, 1, 1)), ValueError, "voxel_size: expected a positive finite number, got inf"),
        (([0, 0, 0], 1, (1, 1)), ValueError, "shape: expected 3 positive integers (Z, Y, X) below 2**31, got (1, 1)"),
        (([0, 0, 0], 1, (0, 1, 1)), ValueError, "shape: expected 3 positive integers (Z, Y, X) below 2**31"),
        (([0, 0, 0], 1, (2**31, 1, 1)), ValueError, "shape: expected 3 positive integers (Z, Y, X) below 2**31"),
        (([0, 0, 0], 1, (1.5, 1, 1)), TypeError, "shape: expected 3 integers (Z, Y, X), got (1.5, 1, 1)"),
        (([0, 0, 0], 1, 5), TypeError, "shape: expected 3 integers (Z, Y, X), got 5"),
    ],
)
def test_bad_grids(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        VoxelGrid(*arguments)
