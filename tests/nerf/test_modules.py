# SPDX-License-Identifier: Apache-2.0
"""Encodings as torch modules."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fastcv.nerf import HashGrid, hash_grid

torch = pytest.importorskip("torch")
from fastcv.nerf.modules import HashGridEncoding  # noqa: E402


def test_hash_grid_encoding():
    grid = HashGrid(dims=2, levels=3, log2_table_size=8)
    encoding = HashGridEncoding(grid, seed=4)
    points = torch.rand(5, 7, 2)
    features = encoding(points)
    assert features.shape == (5, 7, encoding.width)
    assert torch.equal(features.reshape(35, -1), hash_grid(points.reshape(35, 2), encoding.table, grid))
    assert torch.equal(encoding.table.detach(), torch.from_numpy(grid.initial_table(seed=4)))
    features.sum().backward()
    assert encoding.table.grad.any()
    encoding.max_level = 1
    assert not encoding(points)[..., 2:].any()
    other = HashGridEncoding(grid)
    other.load_state_dict(encoding.state_dict())
    assert torch.equal(other.table, encoding.table)
    assert HashGridEncoding(grid, dtype=torch.float16).table.dtype == torch.float16


def test_it_learns():
    """A function that no single level holds, by torch's own optimiser: an error of a tenth and less of its size."""
    torch.manual_seed(0)
    encoding = HashGridEncoding(HashGrid(dims=2, levels=4, features=2, log2_table_size=10, base_resolution=4))
    head = torch.nn.Linear(encoding.width, 1)
    optimiser = torch.optim.Adam([*encoding.parameters(), *head.parameters()], lr=0.02)
    points = torch.rand(2000, 2)
    truth = torch.sin(9 * points[:, :1]) * torch.cos(7 * points[:, 1:])
    for _ in range(150):
        optimiser.zero_grad()
        loss = (head(encoding(points)) - truth).square().mean()
        loss.backward()
        optimiser.step()
    assert loss < 0.01 * truth.square().mean()


def test_fastcv_alone_does_not_import_torch():
    code = "import sys, fastcv.nerf; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
