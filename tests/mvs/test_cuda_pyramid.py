# SPDX-License-Identifier: Apache-2.0
"""Depth maps from coarse to fine on a GPU are the CPU's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import mvs

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not fastcv.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pyramid(scene, dtype):
    torch = pytest.importorskip("torch")
    scale = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    mask = np.random.default_rng(0).random((61, 80)) > 0.01
    views = [v._replace(image=(v.image * np.float64(scale)).astype(dtype), mask=mask) for v in scene.views]
    there = [v._replace(image=torch.from_numpy(v.image).cuda(), mask=torch.from_numpy(v.mask).cuda()) for v in views]
    planes, options = mvs.inverse_depth_planes(2.5, 8.0, 48), {"num_levels": 2}
    expected = mvs.estimate_depth_pyramid(views[0], views[1:], planes, **options)
    result = mvs.estimate_depth_pyramid(there[0], there[1:], planes, **options)
    for a, b in zip(result, expected, strict=True):
        np.testing.assert_array_equal(a.cpu(), b)
