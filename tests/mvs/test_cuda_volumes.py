# SPDX-License-Identifier: Apache-2.0
"""What is done to volumes of costs on a GPU has the CPU's bits."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import mvs

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not fastcv.cuda.is_available(), reason="needs a CUDA device")]
NEAR = np.full((61, 80), 2, np.float32)


@pytest.mark.parametrize("planes", [True, False])
def test_soft_argmin(planes):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).random((24, 61, 80), np.float32)
    values[:, :9, :5] = np.nan
    results = []
    for device in ("cpu", "cuda"):
        costs = torch.tensor(values, device=device, requires_grad=True)
        bounds = [torch.tensor(factor * NEAR, device=device) for factor in (1, 4)]
        depths = mvs.inverse_depth_planes(2.0, 8.0, 24) if planes else mvs.DepthRange(*bounds, 24)
        depth, uncertainty = mvs.soft_argmin(costs, depths, temperature=0.1)
        depth.sum().backward()
        results.append([depth.detach(), uncertainty.detach(), costs.grad])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a.cpu(), b.cpu())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("radius", [1, 6, 32])
def test_guided_costs(radius, channels):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    costs, image = rng.random((3, 61, 80), np.float32), rng.integers(0, 256, (61, 80, 3), np.uint8)
    costs[1:][rng.random((2, 61, 80)) < 0.1] = np.nan
    image = np.ascontiguousarray(image if channels == 3 else image[..., 0])
    expected = mvs.guided_costs(costs, image, radius=radius)
    result = mvs.guided_costs(torch.from_numpy(costs).cuda(), torch.from_numpy(image).cuda(), radius=radius)
    np.testing.assert_array_equal(result.cpu(), expected)
