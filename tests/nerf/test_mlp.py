# SPDX-License-Identifier: Apache-2.0
"""Networks on numpy arrays, against the reference in float64, and what must not change them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from fastcv.nerf import Mlp, _reference_mlp, mlp, mlp_vjp
from fastcv.nerf.network import ACTIVATIONS

# Odd sizes, none and one hidden layer, several tiles of each vector's length.
SHAPES = [
    Mlp(3, 1, width=16, hidden_layers=1),
    Mlp(5, 7, hidden_layers=0, bias=True, output_activation="sigmoid"),
    Mlp(33, 17, width=50, hidden_layers=2, bias=True),
    Mlp(7, 40, width=33, hidden_layers=3, activation="softplus", output_activation="exp"),
    Mlp(6, 3, width=1, hidden_layers=8, activation="tanh", bias=True),
]


def arrays(net: Mlp, rows: int, dtype: str = "float64") -> tuple[np.ndarray, ...]:
    """Inputs, parameters (biases too), and a gradient by the outputs."""
    rng = np.random.default_rng(0)
    parameters = net.initial_parameters(seed=1, dtype="float64") + rng.normal(size=net.num_parameters) * 0.05
    drawn = rng.normal(size=(rows, net.inputs)), parameters, rng.normal(size=(rows, net.outputs))
    return tuple(a.astype(dtype) for a in drawn)


def close(a, b, tolerance):
    """To a share of the largest value: sums cancel."""
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize("net", SHAPES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 3e-6)])
def test_against_the_reference(net, dtype, tolerance, device):
    inputs, parameters, grad = arrays(net, 70, dtype)  # no multiple of a block
    exact = [a.astype(float) for a in (inputs, parameters, grad)]
    on_device = [device.put(a) for a in (inputs, parameters, grad)]
    result = device.get(mlp(*on_device[:2], net))
    assert result.dtype == dtype
    close(result, _reference_mlp.mlp(*exact[:2], net), tolerance)
    by_inputs, by_parameters = _reference_mlp.mlp_vjp(*exact[:2], net, exact[2])
    gradients = mlp_vjp(*on_device[:2], net, on_device[2])
    close(device.get(gradients.inputs), by_inputs, tolerance)
    close(device.get(gradients.parameters), by_parameters, tolerance)


def root(z):
    return np.sqrt(z * z + 4)


# Values and slopes in float64, without cancellation; and by how much slopes may differ, beside in proportion: a slope
# made of 1 - a is as exact as a.
CLOSED_FORMS = {
    "none": (lambda z: z, np.ones_like, 0),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0), 0),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01), 0),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (2 + np.exp(z) + np.exp(-z)), 3e-7),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2, 3e-7),
    "exp": (np.exp, np.exp, 0),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z)), 0),
    "squareplus": (
        lambda z: np.where(z > 0, z + root(z), 4 / (root(z) + np.abs(z))) / 2,
        lambda z: np.where(z > 0, z + root(z), 4 / (root(z) + np.abs(z))) / 2 / root(z),
        0,
    ),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, device):
    """Relative to their own size, far from 0 on both sides."""
    value, slope, loss = CLOSED_FORMS[activation]
    net = Mlp(1, 1, hidden_layers=0, output_activation=activation)
    z = np.concatenate([np.linspace(-80, 80, 3001), [1e-6, -1e-6, 0.0]])[:, None].astype(np.float32)
    put = [device.put(a) for a in (z, np.ones(1, np.float32), np.ones_like(z))]
    result, gradients = device.get(mlp(*put[:2], net)), device.get(mlp_vjp(*put[:2], net, put[2]).inputs)
    np.testing.assert_allclose(result, value(z.astype(float)), rtol=1e-6)
    np.testing.assert_allclose(gradients, slope(z.astype(float)), rtol=2e-6, atol=loss)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_not_finite(activation):
    """What is infinite or NaN goes through one layer as numpy's operations let it."""
    net = Mlp(2, 1, hidden_layers=0, output_activation=activation)
    inputs = np.float32([[np.inf, 0], [-np.inf, 0], [np.nan, 0], [np.inf, -np.inf], [100, 0], [-200, 0]])
    with np.errstate(all="ignore"):
        expected = _reference_mlp.ACTIVATIONS[activation](inputs.sum(1, keepdims=True).astype(np.float32))
        if activation in ("softplus", "squareplus"):
            expected[[0, 4]] = [[np.inf], [100]]  # of the reference's intermediate results, which overflow
            expected[[1, 5]] = [[0], [0.005 if activation == "squareplus" else 0]]
    np.testing.assert_allclose(mlp(inputs, np.ones(2, np.float32), net), expected, rtol=1e-4)


def test_nan_stays_in_its_row():
    net = Mlp(20, 4, bias=True)
    inputs, parameters, grad = arrays(net, 130, "float32")
    clean, gradients = mlp(inputs, parameters, net), mlp_vjp(inputs, parameters, net, grad)
    inputs[77, 3] = np.nan
    dirty = mlp(inputs, parameters, net)
    assert np.isnan(dirty[77]).all()
    np.testing.assert_array_equal(np.delete(dirty, 77, 0), np.delete(clean, 77, 0))
    by_inputs = mlp_vjp(inputs, parameters, net, grad).inputs
    np.testing.assert_array_equal(np.delete(by_inputs, 77, 0), np.delete(gradients.inputs, 77, 0))


def test_infinite_bias_of_an_unused_row():
    """Rows beside the last one of a block are nowhere in a gradient: 0 times infinity would be."""
    net = Mlp(1, 1, width=1, hidden_layers=1, activation="none", bias=True)
    parameters = np.float32([1, np.inf, 0.5, 0])
    gradients = mlp_vjp(np.float32([[2]]), parameters, net, np.float32([[3]]))
    np.testing.assert_array_equal(gradients.parameters, np.float32([3, 1.5, np.inf, 3]))


def test_half_precision():
    """Storage alone: the result is that of float32, rounded."""
    net = Mlp(19, 5, width=32, bias=True, activation="leaky_relu")
    half = [a.astype(np.float16) for a in arrays(net, 67)]
    single = [a.astype(np.float32) for a in half]
    result, expected = mlp(*half[:2], net), mlp(*single[:2], net)
    assert result.dtype == np.float16
    np.testing.assert_array_equal(result, expected.astype(np.float16))
    gradients, exact = mlp_vjp(*half[:2], net, half[2]), mlp_vjp(*single[:2], net, single[2])
    assert (gradients.inputs.dtype, gradients.parameters.dtype) == (np.float16, np.float32)
    np.testing.assert_array_equal(gradients.inputs, exact.inputs.astype(np.float16))
    np.testing.assert_array_equal(gradients.parameters, exact.parameters)


@pytest.mark.parametrize("net", [Mlp(32, 16, bias=True), Mlp(3, 4, width=256, hidden_layers=3)], ids=str)
def test_threads_change_no_bit(net):
    inputs, parameters, grad = arrays(net, 3001, "float32")
    one, *others = (
        (mlp(inputs, parameters, net, num_threads=n), *mlp_vjp(inputs, parameters, net, grad, num_threads=n))
        for n in (1, 2, 8)
    )
    for other in others:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    # Rows are independent, wherever in a block they lie.
    np.testing.assert_array_equal(mlp(inputs[7:], parameters, net), one[0][7:])


SCRIPT = """
import sys, numpy as np
from fastcv.nerf import Mlp, mlp, mlp_vjp
rng = np.random.default_rng(0)
results = []
for activation in ("relu", "tanh", "softplus"):
    net = Mlp(20, 9, 40, 2, activation, "sigmoid", True)
    parameters = net.initial_parameters(seed=1)
    x, g = (rng.normal(size=(150, n)).astype(np.float32) for n in (20, 9))
    for dtype in (np.float32, np.float16, np.float64):
        a = [v.astype(dtype) for v in (x, parameters, g)]
        results += [mlp(*a[:2], net), *mlp_vjp(*a[:2], net, a[2])]
np.savez(sys.argv[1], *results)
"""


def test_instruction_sets_agree(tmp_path):
    """To rounding: a product and its sum are one operation where the processor has it."""
    results = []
    for isa in ("v2", "v3", "v4"):
        path = tmp_path / f"{isa}.npz"
        subprocess.run([sys.executable, "-c", SCRIPT, path], env={**os.environ, "FASTCV_ISA": isa}, check=True)
        results.append(list(np.load(path).values()))
    tolerances = {"float32": 3e-6, "float16": 1e-3, "float64": 1e-13}
    for first, *others in zip(*results, strict=True):
        for other in others:
            close(other.astype(float), first.astype(float), tolerances[first.dtype.name])


def test_layouts():
    net = Mlp(6, 3)
    inputs, parameters, grad = arrays(net, 20, "float32")
    expected = mlp(inputs, parameters, net)
    strided, fortran = np.repeat(inputs, 2, axis=0)[::2], np.asfortranarray(inputs)
    for array in (inputs, parameters, grad):
        array.flags.writeable = False
    np.testing.assert_array_equal(mlp(strided, parameters, net), expected)
    np.testing.assert_array_equal(mlp(fortran, np.repeat(parameters, 2)[::2], net), expected)
    mlp_vjp(inputs, parameters, net, grad)
    out = np.empty_like(expected)
    assert mlp(inputs, parameters, net, out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows, device):
    net = Mlp(6, 3, bias=True)
    inputs, parameters, grad = (device.put(a) for a in arrays(net, rows))
    assert device.get(mlp(inputs, parameters, net)).shape == (rows, 3)
    gradients = mlp_vjp(inputs, parameters, net, grad)
    assert device.get(gradients.inputs).shape == (rows, 6)
    assert device.get(gradients.parameters).any() == (rows > 0)


def test_bad_arguments():
    net = Mlp(6, 3)
    inputs, parameters, grad = arrays(net, 4, "float32")
    with pytest.raises(ValueError, match=r"^inputs: expected shape \(N, 6\), got \(4, 5\)$"):
        mlp(inputs[:, :5], parameters, net)
    with pytest.raises(TypeError, match=r"^inputs: expected dtype float32 or .* or bfloat16, got int64$"):
        mlp(inputs.astype(int), parameters, net)
    with pytest.raises(ValueError, match=r"^parameters: expected shape \(4672,\), got \(4671,\)$"):
        mlp(inputs, parameters[1:], net)
    with pytest.raises(TypeError, match=r"^parameters: expected dtype float32, got float64$"):
        mlp(inputs, parameters.astype(float), net)
    with pytest.raises(ValueError, match=r"^out: expected shape \(N, 3\) with N = 4, got \(4, 4\)$"):
        mlp(inputs, parameters, net, out=np.empty((4, 4), np.float32))
    with pytest.raises(ValueError, match=r"^out: expected a writeable C-contiguous array, got one that is not$"):
        mlp(inputs, parameters, net, out=np.empty((4, 6), np.float32)[:, ::2])
    with pytest.raises(ValueError, match=r"^grad: expected shape \(N, 3\) with N = 4, got \(3, 3\)$"):
        mlp_vjp(inputs, parameters, net, grad[:3])
    with pytest.raises(TypeError, match=r"^grad: expected dtype float32, got float64$"):
        mlp_vjp(inputs, parameters, net, grad.astype(float))
    with pytest.raises(ValueError, match=r"^num_threads: expected 0 \(default\) or more, got -1$"):
        mlp(inputs, parameters, net, num_threads=-1)
