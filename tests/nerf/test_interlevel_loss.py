# SPDX-License-Identifier: Apache-2.0
"""The proposal's loss against all pairs of intervals, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import _reference_march as reference
from fastcv.nerf import interlevel_loss


def rows(rays: int = 41, count: int = 13, proposal_count: int = 7) -> tuple[np.ndarray, ...]:
    """Edges and weights of both; some edges in common, some intervals without length."""
    rng = np.random.default_rng(0)
    edges = np.sort(rng.integers(0, 40, (rays, count + 1)), 1) / 32
    proposal_edges = np.sort(rng.integers(0, 40, (rays, proposal_count + 1)), 1) / 32
    return edges, rng.random((rays, count)), proposal_edges, rng.random((rays, proposal_count)) * 0.3


def test_loss(device):
    arrays = rows()
    expected = reference.interlevel_loss(*arrays)
    assert (expected > 0).sum() > 30
    result = interlevel_loss(*map(device.put, arrays))
    np.testing.assert_allclose(device.get(result), expected, rtol=1e-12)
    single = interlevel_loss(*(device.put(array.astype(np.float32)) for array in arrays))
    np.testing.assert_allclose(device.get(single), expected, rtol=1e-5, atol=1e-6)


def test_a_bound_has_no_loss():
    """Equation 12: what is cut into finer intervals still bounds."""
    edges, weights = np.linspace(0, 1, 9)[None], np.full((1, 8), 0.125)
    coarse = np.linspace(0, 1, 3)[None], np.full((1, 2), 0.5)
    assert interlevel_loss(edges, weights, *coarse).item() == 0
    short = interlevel_loss(edges, weights, coarse[0], np.full((1, 2), 0.1))
    np.testing.assert_allclose(short, 8 * 0.025**2 / 0.125, rtol=1e-5)
    beside = interlevel_loss(edges + 2, weights, *coarse)
    np.testing.assert_allclose(beside, weights.sum(), rtol=1e-5)


def test_sizes_and_threads():
    for rays, count, proposal_count in ((0, 3, 3), (1, 1, 1), (3, 5, 0), (3, 0, 5)):
        arrays = rows(rays, count, proposal_count)
        np.testing.assert_allclose(interlevel_loss(*arrays), reference.interlevel_loss(*arrays), rtol=1e-12)
    arrays = rows(3000)
    one, *others = (interlevel_loss(*arrays, num_threads=n) for n in (1, 2, 8))
    for other in others:
        np.testing.assert_array_equal(one, other)


def test_bad_arguments():
    edges, weights, proposal_edges, proposal_weights = rows()
    with pytest.raises(ValueError, match=r"^edges: expected shape \(41, 14\), got \(41, 13\)$"):
        interlevel_loss(edges[:, 1:], weights, proposal_edges, proposal_weights)
    with pytest.raises(ValueError, match=r"^proposal_weights: expected shape \(R, M\) with R = 41, got \(40, 7\)$"):
        interlevel_loss(edges, weights, proposal_edges, proposal_weights[1:])
    with pytest.raises(TypeError, match=r"^proposal_edges: expected dtype float64, got float32$"):
        interlevel_loss(edges, weights, proposal_edges.astype(np.float32), proposal_weights)


def test_gradient(device):
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(array, device=device.name) for array in rows(5)]
    weights = arrays[3].requires_grad_()
    assert torch.autograd.gradcheck(lambda w: interlevel_loss(*arrays[:3], w), (weights,))
    loss = interlevel_loss(arrays[0], arrays[1].requires_grad_(), *arrays[2:])
    loss.sum().backward()
    assert arrays[1].grad is None
    single = [array.detach().float().requires_grad_(array.requires_grad) for array in arrays]
    interlevel_loss(*single).sum().backward()
    np.testing.assert_allclose(single[3].grad.cpu(), weights.grad.cpu(), rtol=1e-4, atol=1e-5)


def test_torch_compile_and_func(device):
    torch = pytest.importorskip("torch")
    from fastcv.nerf import _torch_interlevel

    arrays = [torch.tensor(array, device=device.name) for array in rows(4)]
    torch.library.opcheck(_torch_interlevel.loss, (*arrays[:3], arrays[3].clone().requires_grad_(), 0))

    def total(w):
        return interlevel_loss(*arrays[:3], w).sum()

    gradients = []
    for run in (total, torch.compile(total, fullgraph=True, backend="aot_eager")):
        weights = arrays[3].clone().requires_grad_()
        run(weights).backward()
        gradients.append(weights.grad)
    gradients.append(torch.func.grad(total)(arrays[3]))
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
    batch = torch.stack([arrays[3], arrays[3] * 2])
    mapped = torch.func.vmap(lambda w: interlevel_loss(*arrays[:3], w))(batch)
    assert torch.equal(mapped, torch.stack([interlevel_loss(*arrays[:3], w) for w in batch]))
    weights = arrays[3].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(total(weights), weights, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"^interlevel_loss: expected first derivatives"):
        gradient.sum().backward()
