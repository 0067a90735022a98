# SPDX-License-Identifier: Apache-2.0
"""Spherical harmonics, against SciPy, tiny-cuda-nn's table and the reference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import sph_harm_y

from fastcv.nerf import _reference_encodings as reference
from fastcv.nerf import spherical_harmonics, spherical_harmonics_vjp


@pytest.fixture
def directions():
    """Axes among them."""
    values = np.random.default_rng(0).normal(size=(37, 3))
    values[:6] = np.concatenate([np.eye(3), -np.eye(3)])
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def of_scipy(directions, degree):
    theta, phi = np.arccos(directions[:, 2]), np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for band in range(degree):
        for order in range(-band, band + 1):
            value = sph_harm_y(band, abs(order), theta, phi)
            columns.append(value.real if order == 0 else np.sqrt(2) * (value.real if order > 0 else value.imag))
    return np.stack(columns, 1)


@pytest.mark.parametrize("degree", range(1, 9))
def test_values_are_scipy_s(directions, degree, device):
    expected = of_scipy(directions, degree)
    result = device.get(spherical_harmonics(device.put(directions), degree))
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-13)
    single = device.get(spherical_harmonics(device.put(np.float32(directions)), degree))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=2e-6)  # slopes of degree 8 reach 12, and 7 steps round


def test_order_and_signs_are_tiny_cuda_nn_s(directions):
    """Its table, include/tiny-cuda-nn/encodings/spherical_harmonics.h, to four bands."""
    x, y, z = directions.T
    by_hand = [
        0.28209479177387814 + 0 * x,
        -0.48860251190291987 * y, 0.48860251190291987 * z, -0.48860251190291987 * x,
        1.0925484305920792 * x * y, -1.0925484305920792 * y * z, 0.94617469575755997 * z * z - 0.31539156525251999,
        -1.0925484305920792 * x * z, 0.54627421529603959 * (x * x - y * y),
        0.59004358992664352 * y * (y * y - 3 * x * x), 2.8906114426405538 * x * y * z,
        0.45704579946446572 * y * (1 - 5 * z * z), 0.3731763325901154 * z * (5 * z * z - 3),
        0.45704579946446572 * x * (1 - 5 * z * z), 1.4453057213202769 * z * (x * x - y * y),
        0.59004358992664352 * x * (3 * y * y - x * x),
    ]  # fmt: skip
    np.testing.assert_allclose(spherical_harmonics(directions, 4), np.stack(by_hand, 1), rtol=0, atol=1e-14)


def test_orthonormal_on_the_sphere():
    """Gauss's quadrature in z and equal steps around it are exact for products of degree 14."""
    z, weights = np.polynomial.legendre.leggauss(8)
    phi = np.arange(16) * np.pi / 8
    ring = np.sqrt(1 - z**2)
    nodes = np.stack(
        [np.outer(ring, np.cos(phi)), np.outer(ring, np.sin(phi)), np.repeat(z[:, None], 16, 1)], -1
    ).reshape(-1, 3)
    values = spherical_harmonics(nodes, 8)
    gram = values.T @ (values * np.repeat(weights * np.pi / 8, 16)[:, None])
    np.testing.assert_allclose(gram, np.eye(64), rtol=0, atol=1e-13)


@pytest.mark.parametrize("degree", range(1, 9))
def test_gradients(directions, degree, device):
    """Of the polynomials, on the sphere and beside it."""
    points = directions * np.linspace(0.5, 1.5, 37)[:, None]
    grad = np.random.default_rng(1).normal(size=(37, degree**2))
    expected = np.einsum("nk,nkd->nd", grad, reference.spherical_harmonics_jacobian(points, degree))
    arrays = [device.put(a) for a in (points, grad)]
    result = device.get(spherical_harmonics_vjp(arrays[0], degree, arrays[1]))
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-14 * np.abs(expected).max() + 1e-15)
    arrays = [device.put(np.float32(a)) for a in (points, grad)]
    single = device.get(spherical_harmonics_vjp(arrays[0], degree, arrays[1]))
    np.testing.assert_allclose(single, expected, rtol=0, atol=3e-6 * np.abs(expected).max() + 1e-7)


def test_reference_is_scipy_s_too(directions):
    np.testing.assert_allclose(reference.spherical_harmonics(directions, 8), of_scipy(directions, 8), atol=1e-13)
    step = 1e-6
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        slope = (
            reference.spherical_harmonics(directions + shift, 8) - reference.spherical_harmonics(directions - shift, 8)
        ) / (2 * step)
        jacobian = reference.spherical_harmonics_jacobian(directions, 8)[:, :, axis]
        np.testing.assert_allclose(jacobian, slope, rtol=0, atol=1e-7)


def test_zero_and_nan():
    """Zero is a point like any other, NaN spoils all but the constant."""
    result = spherical_harmonics(np.float32([[0, 0, 0], [np.nan, 0, 1]]), 3)
    np.testing.assert_allclose(result[0], [0.2820948, 0, 0, 0, 0, 0, -0.3153916, 0, 0], rtol=0, atol=1e-7)
    assert result[1, 0] == np.float32(0.2820948)
    assert np.isnan(result[1, [1, 3, 4, 5, 7, 8]]).all()


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 64, 65])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sizes(rows, dtype):
    directions = np.random.default_rng(2).normal(size=(rows, 3))
    directions = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(dtype)
    for degree in (1, 3, 4):
        result = spherical_harmonics(directions, degree)
        expected = reference.spherical_harmonics(directions.astype(float), degree)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
        assert spherical_harmonics_vjp(directions, degree, result).shape == (rows, 3)


def test_threads_change_no_bit():
    directions = np.random.default_rng(3).normal(size=(20_001, 3)).astype(np.float32)
    one, *others = (spherical_harmonics(directions, 5, num_threads=n) for n in (1, 2, 8))
    back, *backs = (spherical_harmonics_vjp(directions, 5, one, num_threads=n) for n in (1, 2, 8))
    for a, b in [*((one, other) for other in others), *((back, other) for other in backs)]:
        np.testing.assert_array_equal(a, b)


def test_layouts(directions):
    expected = spherical_harmonics(directions, 4)
    directions.flags.writeable = False
    np.testing.assert_array_equal(spherical_harmonics(np.asfortranarray(directions), 4), expected)
    np.testing.assert_array_equal(spherical_harmonics(directions.tolist(), 4), expected)
    out = np.empty_like(expected)
    assert spherical_harmonics(directions, 4, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_bad_arguments(directions):
    with pytest.raises(ValueError, match=r"^directions: expected shape \(N, 3\), got \(37, 2\)$"):
        spherical_harmonics(directions[:, :2], 4)
    with pytest.raises(TypeError, match=r"^directions: expected dtype float32 or float64, got float16$"):
        spherical_harmonics(directions.astype(np.float16), 4)
    for degree in (0, 9):
        with pytest.raises(ValueError, match=rf"^degree: expected 1 to 8, got {degree}$"):
            spherical_harmonics(directions, degree)
    with pytest.raises(TypeError, match=r"^out: expected dtype float64, got float32$"):
        spherical_harmonics(directions, 4, out=np.empty((37, 16), np.float32))
    with pytest.raises(ValueError, match=r"^grad: expected shape \(N, 16\) with N = 37, got \(37, 9\)$"):
        spherical_harmonics_vjp(directions, 4, np.zeros((37, 9)))
