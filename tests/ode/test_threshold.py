# SPDX-License-Identifier: Apache-2.0
"""Dynamic thresholding against numpy's quantiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fastcv import ode
from fastcv.ode import _reference as reference


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 40001])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.995, 1.0])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_quantiles(device, size, ratio, dtype):
    data = (3 * np.random.default_rng(size).standard_normal((3, size))).astype(dtype)
    out, thresholds = ode.dynamic_threshold(device.put(data), ratio=ratio, maximum=2.5)
    truth, expected = reference.dynamic_threshold(data.astype(np.float64), ratio, 2.5)
    np.testing.assert_allclose(device.get(thresholds), expected, rtol=1e-14)
    np.testing.assert_allclose(device.get(out), truth, rtol=1e-15 if dtype == "float64" else 6e-8)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_small_floats_as_torch(device, dtype):
    data = (3 * torch.randn((2, 999), generator=torch.Generator().manual_seed(1))).to(dtype)
    out, thresholds = ode.dynamic_threshold(data.to(device.name), ratio=0.9)
    quantiles = torch.quantile(data.double().abs(), 0.9, dim=1)
    torch.testing.assert_close(thresholds.cpu(), quantiles, rtol=1e-14, atol=0)
    expected = (data.double().clamp(-quantiles[:, None], quantiles[:, None]) / quantiles[:, None]).to(dtype)
    torch.testing.assert_close(out.cpu(), expected, rtol=0, atol=0)


def test_in_place_and_within_range():
    data = np.array([[0.5, -0.25], [4.0, -2.0]])
    out, thresholds = ode.dynamic_threshold(data, ratio=1.0, out=data)
    assert out is data
    np.testing.assert_array_equal(thresholds, [1, 4])
    np.testing.assert_array_equal(data, [[0.5, -0.25], [1.0, -0.5]])


def test_nan_stays_in_its_sample(device):
    data = np.array([[0.5, np.nan, 2.0], [4.0, -2.0, 1.0]])
    out, thresholds = ode.dynamic_threshold(device.put(data), ratio=1.0)
    np.testing.assert_array_equal(device.get(thresholds), [np.nan, 4])
    np.testing.assert_array_equal(device.get(out), [[np.nan] * 3, [1.0, -0.5, 0.25]])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_empty(device, shape):
    out, thresholds = ode.dynamic_threshold(device.put(np.ones(shape)))
    assert device.get(out).shape == shape
    np.testing.assert_array_equal(device.get(thresholds), np.ones(shape[0]))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"ratio": 1.5}, ValueError, "ratio: expected 0 to 1, got 1.5"),
        ({"maximum": 0.5}, ValueError, "maximum: expected 1 or more, got 0.5"),
        ({"data": np.ones((2, 3), int)}, TypeError, "data: expected dtype float64"),
        ({"data": np.array(1.0)}, ValueError, "data: expected shape"),
        ({"out": np.ones((2, 3), np.float32)}, TypeError, "out: expected dtype float64, got float32"),
        ({"out": np.ones((3, 2))}, ValueError, "out: expected shape"),
    ],
)
def test_guards(change, error, message):
    with pytest.raises(error, match=message):
        ode.dynamic_threshold(**{"data": np.ones((2, 3)), **change})
