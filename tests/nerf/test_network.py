# SPDX-License-Identifier: Apache-2.0
"""The layout of a network's parameters."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import Mlp


def test_layout():
    net = Mlp(3, 5, width=20, hidden_layers=2, bias=True)
    assert net.shapes == [(20, 3), (20, 20), (5, 20)]
    assert net.num_parameters == 20 * 4 + 20 * 21 + 5 * 21
    flat = np.arange(net.num_parameters)
    (w0, b0), (w1, b1), (w2, b2) = net.split(flat)
    np.testing.assert_array_equal(w0, np.arange(60).reshape(20, 3))
    np.testing.assert_array_equal(b0, np.arange(60, 80))
    np.testing.assert_array_equal(w1[0], np.arange(80, 100))
    np.testing.assert_array_equal(b1, np.arange(480, 500))
    np.testing.assert_array_equal(w2[-1], np.arange(580, 600))
    np.testing.assert_array_equal(b2, np.arange(600, 605))
    assert w0.base is not None  # parts, not copies
    assert Mlp(4, 2, hidden_layers=0).shapes == [(2, 4)]
    assert Mlp(4, 2, hidden_layers=0).activations == ["none"]


def test_initial_parameters():
    net = Mlp(100, 100, width=200, hidden_layers=1, bias=True)
    parameters = net.initial_parameters(seed=2)
    assert parameters.dtype == np.float32
    for weights, biases in net.split(parameters):
        limit = np.sqrt(6 / 300)
        assert np.abs(weights).max() <= limit
        assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)  # uniform, 20000 samples
        assert not biases.any()
    np.testing.assert_array_equal(parameters, net.initial_parameters(seed=2))
    assert (parameters != net.initial_parameters(seed=3)).any()
    assert net.initial_parameters(dtype="float16").dtype == np.float16


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"inputs": 0}, ValueError, "inputs: expected 1 or more, got 0"),
        ({"outputs": -1}, ValueError, "outputs: expected 1 or more, got -1"),
        ({"width": 257}, ValueError, "width: expected 1 to 256, got 257"),
        ({"width": 64.0}, TypeError, "width: expected an int, got float"),
        ({"hidden_layers": 9}, ValueError, "hidden_layers: expected 0 to 8, got 9"),
        ({"activation": "swish"}, ValueError, "activation: expected none or relu or .* or squareplus, got swish"),
        ({"output_activation": None}, ValueError, "output_activation: expected none or .* got None"),
    ],
)
def test_bad_layouts(options, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        Mlp(**{"inputs": 3, "outputs": 2, **options})
