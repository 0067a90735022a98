# SPDX-License-Identifier: Apache-2.0
"""Soft-argmin on torch tensors: gradients against torch's own in double precision, opcheck, torch.compile."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import mvs

from .test_soft_argmin import NORMAL, OFFSETS, PLANES, K, costs_of, surfaces_of

torch = pytest.importorskip("torch")
from fastcv.mvs import _torch  # noqa: E402


def tensors_of(surfaces, dev):
    """The surfaces with tensors where they live on the costs' device."""
    if isinstance(surfaces, mvs.DepthRange):
        near, far = (torch.tensor(bound, device=dev) for bound in (surfaces.near, surfaces.far))
        return surfaces._replace(near=near, far=far)
    return surfaces


def expected(costs, w, temperature):
    """By torch's own operations in double precision; some surface of every pixel counts."""
    counts = costs.isfinite()
    p = torch.where(counts, -costs / temperature, -torch.inf).softmax(0)
    mean = (p * w).sum(0)
    return 1 / mean, (p * (w - mean) ** 2).sum(0).sqrt() / mean**2


@pytest.mark.parametrize("dev", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
@pytest.mark.parametrize("kind", ["planes", "slanted", "range"])
def test_gradients_are_torch_s(kind, temperature, dev):
    if dev == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    size = (9, 530)
    surfaces, w = surfaces_of(kind, size)
    values = costs_of(size)
    values[:, 0, 0] = np.linspace(0, 1, 24)
    costs = torch.tensor(values, device=dev, requires_grad=True)
    exact = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    weights = torch.rand((2, *size), dtype=torch.float64, generator=torch.manual_seed(0)) - 0.5
    result = mvs.soft_argmin(costs, tensors_of(surfaces, dev), temperature=temperature, K=K)
    reference = expected(exact, torch.tensor(np.array(w)), temperature)
    for maps in (result, reference):
        (weights.to(maps[0]) * torch.stack(list(maps))).sum().backward()
    scale = exact.grad.abs().amax(0)  # of a pixel's gradients, which are differences of near numbers
    error = (costs.grad.cpu().double() - exact.grad).abs() / scale
    # Single precision knows the mean to 1e-7, and a certain pixel's mean is all but the best surface itself.
    assert error.max() < 1e-3
    assert error.mean() < 1e-6
    assert not costs.grad.cpu()[~exact.isfinite()].any()


def test_pixels_without_costs_have_no_gradient():
    costs = torch.full((24, 2, 3), torch.nan)
    costs[5, 1, 1] = 0.5  # one surface: certain, whatever its cost
    costs.requires_grad_()
    depth, uncertainty = mvs.soft_argmin(costs, PLANES, temperature=0.1)
    assert uncertainty[1, 1] == 0
    (depth.sum() + uncertainty[1, 1]).backward()
    assert not costs.grad.any()


@pytest.mark.filterwarnings("ignore:Input #.* requires gradient and is not a double precision")
def test_gradcheck():
    """In single precision, with a step that suits it."""
    costs = torch.tensor(costs_of((2, 3), holes=0)[:6, :, 1:], requires_grad=True)
    planes = mvs.inverse_depth_planes(1.0, 4.0, 6)

    def maps(c):
        return tuple(mvs.soft_argmin(c, planes, temperature=1.0))

    with torch.no_grad():
        costs[:, 0] = torch.linspace(0, 1, 6)[:, None]
    assert torch.autograd.gradcheck(maps, [costs], eps=0.02, atol=2e-4, rtol=2e-3)


@pytest.mark.parametrize("kind", ["planes", "slanted", "range"])
def test_opcheck(kind):
    costs = torch.tensor(costs_of((3, 5), holes=0)[:, 1:], requires_grad=True)
    packed = _torch.pack_surfaces(tensors_of(surfaces_of(kind, (2, 5))[0], "cpu"), K)
    torch.library.opcheck(_torch.soft_argmin, (costs, *packed, 0.1, 0))
    grads = torch.ones(2, 2, 5)
    torch.library.opcheck(_torch.soft_argmin_vjp, (*grads, costs.detach(), *packed, 0.1, 0))


def test_compile():
    values = torch.tensor(costs_of((3, 5), holes=0)[:, 1:])

    def loss(costs):
        depth, uncertainty = mvs.soft_argmin(costs, PLANES, temperature=0.1)
        return (depth / uncertainty).sum()

    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        costs = values.clone().requires_grad_()
        value = run(costs)
        value.backward()
        results.append([value.detach(), costs.grad])
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(eager, compiled)


def test_bad_surfaces():
    costs = torch.zeros(24, 3, 4)
    with pytest.raises(ValueError, match="depths: expected a constant, got a tensor that requires a gradient"):
        mvs.soft_argmin(costs, torch.tensor(PLANES, requires_grad=True), temperature=1)
    with pytest.raises(ValueError, match="K: expected the reference's calibration matrix"):
        mvs.soft_argmin(costs, mvs.SlantedPlanes(NORMAL, OFFSETS), temperature=1)
    with pytest.raises(TypeError, match=r"depths\.near: expected a torch tensor as the costs are, got ndarray"):
        mvs.soft_argmin(costs, mvs.DepthRange(np.ones((3, 4)), torch.ones(3, 4), 24), temperature=1)
    with pytest.raises(ValueError, match="depths: expected 24 surfaces, got 5"):
        mvs.soft_argmin(costs, PLANES[:5], temperature=1)
