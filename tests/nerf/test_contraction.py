# SPDX-License-Identifier: Apache-2.0
"""The contraction against its equation, its inverse, and derivatives of both."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import _reference_march as reference
from fastcv.nerf import contract, contract_jvp, uncontract

NORMS = ["l2", "linf"]


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(101, 3)) * np.random.default_rng(1).gamma(0.5, 5.0, (101, 1))


@pytest.mark.parametrize("norm", NORMS)
def test_contract(norm, points, device):
    expected = reference.contract(points, norm)
    result = device.get(contract(device.put(points), norm=norm))
    np.testing.assert_allclose(result, expected, rtol=1e-14)
    assert (np.linalg.norm(result, ord=np.inf if norm == "linf" else 2, axis=1) < 2).all()
    inside = (result == points).all(1)
    assert 10 < inside.sum() < 90
    single = device.get(contract(device.put(points.astype(np.float32)), norm=norm))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=3e-7)
    back = device.get(uncontract(device.put(result), norm=norm))
    np.testing.assert_allclose(back, points, rtol=1e-11)


@pytest.mark.parametrize("norm", NORMS)
def test_special_points(norm):
    points = np.array([[0, 0, 0], [1, 0, 0], [0, -1e30, 0], [0, 0, 2]])
    np.testing.assert_allclose(contract(points, norm=norm), [[0, 0, 0], [1, 0, 0], [0, -2, 0], [0, 0, 1.5]])
    assert np.isnan(contract(np.array([[np.nan, 0, 0]]), norm=norm)).any()
    far = uncontract(np.array([[0, 2.0, 0], [0, 0, -1.5]]), norm=norm)
    assert far[0, 1] == np.inf
    np.testing.assert_allclose(far[1], [0, 0, -2])
    assert contract(np.zeros((0, 3)), norm=norm).shape == (0, 3)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("inverse", [False, True])
def test_along_tangents(norm, inverse, points, device):
    """Against central differences."""
    function = uncontract if inverse else contract
    at = contract(points, norm=norm) if inverse else points
    at = at[np.linalg.norm(points, axis=1) < 20]
    tangents = np.random.default_rng(2).normal(size=at.shape)
    h = 1e-6
    expected = (function(at + h * tangents, norm=norm) - function(at - h * tangents, norm=norm)) / (2 * h)
    result = device.get(contract_jvp(device.put(at), device.put(tangents), norm=norm, inverse=inverse))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)


def test_out_and_threads(points):
    out = np.empty_like(points)
    assert contract(points, out=out) is out
    many = np.tile(points, (300, 1))
    one, *others = (contract(many, num_threads=n) for n in (1, 2, 8))
    for other in others:
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one[:101], out)


def test_bad_arguments(points):
    with pytest.raises(ValueError, match=r"^norm: expected l2 or linf, got l1$"):
        contract(points, norm="l1")
    with pytest.raises(ValueError, match=r"^points: expected shape \(N, 3\), got \(101, 2\)$"):
        uncontract(points[:, :2])
    with pytest.raises(TypeError, match=r"^points: expected dtype float32 or float64, got float16$"):
        contract(points.astype(np.float16))
    with pytest.raises(TypeError, match=r"^tangents: expected dtype float64, got float32$"):
        contract_jvp(points, points.astype(np.float32))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("inverse", [False, True])
def test_gradients(norm, inverse, points, device):
    torch = pytest.importorskip("torch")
    function = uncontract if inverse else contract
    some = points[np.linalg.norm(points, axis=1) < 8][:12]
    at = torch.tensor(contract(some, norm=norm) if inverse else some, device=device.name, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: function(p, norm=norm), (at,))
    assert torch.autograd.gradgradcheck(lambda p: function(p, norm=norm), (at,))


def test_third_derivatives_are_refused():
    torch = pytest.importorskip("torch")
    points = torch.full((1, 3), 2.0, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(contract(points).sum(), points, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), points, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"^contract: expected first or second derivatives"):
        torch.autograd.grad(second.sum(), points)


def test_torch_compile_and_func(points, device):
    torch = pytest.importorskip("torch")
    from fastcv.nerf import _torch_contraction

    at = torch.tensor(points[:9], device=device.name)
    torch.library.opcheck(_torch_contraction.contract_op, (at.clone().requires_grad_(), None, False, False, 0))
    other = at.clone().requires_grad_()
    torch.library.opcheck(_torch_contraction.contract_vjp_op, (other, None, other.detach(), True, False, 0))

    def total(p):
        return contract(p, norm="linf").square().sum()

    compiled = torch.compile(total, fullgraph=True, backend="aot_eager")
    p, q = (at.clone().requires_grad_() for _ in range(2))
    total(p).backward()
    compiled(q).backward()
    assert torch.equal(p.grad, q.grad)
    assert torch.equal(torch.func.grad(total)(at), p.grad)
    batch = torch.stack([at, 3 * at])
    assert torch.equal(torch.func.vmap(contract)(batch), torch.stack([contract(x) for x in batch]))
    tangents = torch.flip(at, [0])
    jvp = torch.func.jvp(contract, (at,), (tangents,))[1]
    np.testing.assert_array_equal(jvp.cpu(), contract_jvp(at, tangents).cpu())
    with pytest.raises(ValueError, match=r"^out: expected None where a gradient is required, got a tensor$"):
        contract(p, out=torch.empty_like(at))
    with torch.autocast(device.name, dtype=torch.bfloat16):
        assert contract(at.float()).dtype == torch.float32
