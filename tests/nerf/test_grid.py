# SPDX-License-Identifier: Apache-2.0
"""The layout of a hash grid's table, against counts that tiny-cuda-nn printed and against its formulas."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import HashGrid


@pytest.mark.parametrize(
    ("growth", "parameters"),
    # What instant-ngp logs as total_encoding_params for boxes of 1 and of 4 (finest resolutions 2048 and 8192).
    [(1.3819129, 12196240), (1.51572, 13074912)],
)
def test_number_of_parameters_is_instant_ngp_s(growth, parameters):
    grid = HashGrid(dims=3, levels=16, features=2, log2_table_size=19, base_resolution=16, growth=growth)
    assert grid.num_entries * grid.features == parameters


def test_layout():
    grid = HashGrid(dims=2, levels=4, features=2, log2_table_size=8, base_resolution=5, growth=2.0)
    np.testing.assert_array_equal(grid.scales, np.float32([4, 9, 19, 39]))
    np.testing.assert_array_equal(grid.resolutions, [5, 10, 20, 40])
    np.testing.assert_array_equal(grid.sizes, [32, 104, 256, 256])  # 25 and 100 rounded up to multiples of 8
    np.testing.assert_array_equal(grid.offsets, [0, 32, 136, 392])
    np.testing.assert_array_equal(grid.hashed, [False, False, True, True])
    assert (grid.num_entries, grid.width) == (648, 8)


def test_tiled_and_dense_layouts():
    options = {"dims": 3, "levels": 3, "base_resolution": 3, "growth": 2.0}
    tiled, dense = (HashGrid(indexing=indexing, **options) for indexing in ("tiled", "dense"))
    np.testing.assert_array_equal(tiled.sizes, [27, 27, 27])  # the smaller of 3^3 and what is rounded up
    np.testing.assert_array_equal(dense.sizes, [32, 216, 1728])
    assert not tiled.hashed.any()
    assert not dense.hashed.any()


def test_between():
    grid = HashGrid.between(16, 512, levels=6, dims=2)
    assert grid.growth == pytest.approx(2)
    assert grid.resolutions[[0, -1]].tolist() == [16, 512]
    assert HashGrid.between(8, 8, levels=1).resolutions.tolist() == [8]


def test_initial_table():
    grid = HashGrid(levels=2, log2_table_size=12)
    table = grid.initial_table(seed=3)
    assert (table.shape, table.dtype) == ((8192, 2), np.float32)
    assert np.abs(table).max() <= 1e-4
    assert table.std() == pytest.approx(1e-4 / np.sqrt(3), rel=0.02)  # of a uniform distribution, 16384 samples
    np.testing.assert_array_equal(table, grid.initial_table(seed=3))
    assert grid.initial_table(dtype="float16").dtype == np.float16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": 5}, "dims: expected 2, 3 or 4, got 5"),
        ({"levels": 33}, "levels: expected 1 to 32, got 33"),
        ({"features": 3}, "features: expected 1, 2, 4 or 8, got 3"),
        ({"log2_table_size": 2}, "log2_table_size: expected 3 to 30, got 2"),
        ({"base_resolution": 0}, "base_resolution: expected 1 or more, got 0"),
        ({"growth": 0.5}, "growth: expected a finite number of 1 or more, got 0.5"),
        ({"growth": float("nan")}, "growth: expected a finite number of 1 or more, got nan"),
        ({"indexing": "sparse"}, "indexing: expected dense or tiled or hash, got sparse"),
        ({"interpolation": "nearest"}, "interpolation: expected linear or smoothstep, got nearest"),
        ({"levels": 32}, "growth: expected a finest resolution of 4194304 or less, got one of 3.43597e+10"),
        (
            {"indexing": "dense", "levels": 8},
            "features: expected 1073741824 values in a level or fewer, got 17179869184",
        ),
    ],
)
def test_bad_descriptions(options, message):
    with pytest.raises(ValueError) as caught:
        HashGrid(**options)
    assert str(caught.value) == message


def test_bad_finest_resolution():
    with pytest.raises(ValueError, match=r"^finest_resolution: expected 16 or more, got 8$"):
        HashGrid.between(16, 8)
