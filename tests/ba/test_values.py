# SPDX-License-Identifier: Apache-2.0
"""Checks of single arrays, longer than the parts that they are looked at in."""

import numpy as np
import pytest

from fastcv.ba._values import check_finite, check_indices, count_rows


@pytest.mark.parametrize("row", [0, 2**14 - 1, 2**14, 40_000])
def test_names_the_first_wrong_row(row):
    values = np.ones((40_001, 2))
    values[row:, 1] = np.nan
    with pytest.raises(ValueError, match=rf"values\[{row}\]: expected finite values, got \[1.0, nan\]"):
        check_finite("values", values)


@pytest.mark.parametrize("wrong", [-1, 100])
def test_names_the_first_wrong_index(wrong):
    indices = np.arange(40_000, dtype=np.int32) % 100
    check_indices("indices", indices, 100)
    indices[30_000] = wrong
    with pytest.raises(ValueError, match=rf"indices\[30000\]: expected a row below 100, got {wrong}"):
        check_indices("indices", indices, 100)


def test_counts_as_numpy_does():
    indices = np.random.default_rng(0).integers(0, 7, 10_001).astype(np.int32)
    np.testing.assert_array_equal(count_rows(indices, 9), np.bincount(indices, minlength=9))
