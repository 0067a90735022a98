# SPDX-License-Identifier: Apache-2.0
"""Grids with a level of each kind, and what goes with them."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import HashGrid

# Coarse levels fit into 2^6 entries and are dense, fine ones do not.
SHAPES = [
    (2, 1, "hash"),
    (2, 2, "tiled"),
    (3, 2, "hash"),
    (3, 1, "tiled"),
    (3, 8, "hash"),
    (4, 4, "hash"),
    (4, 2, "dense"),
]


@pytest.fixture(params=SHAPES, ids=lambda shape: "-".join(map(str, shape)))
def shape(request):
    return request.param


@pytest.fixture(params=["linear", "smoothstep"])
def grid(shape, request):
    dims, features, indexing = shape
    return HashGrid(
        dims=dims, levels=4, features=features, log2_table_size=6, base_resolution=3, growth=1.5,
        indexing=indexing, interpolation=request.param,
    )  # fmt: skip


@pytest.fixture
def points(grid):
    """Corners of the box among them."""
    values = np.random.default_rng(0).random((37, grid.dims))
    values[:2] = [[0.0], [1.0]]
    return values


@pytest.fixture
def table(grid):
    return np.random.default_rng(1).normal(size=(grid.num_entries, grid.features))


@pytest.fixture
def grad(grid):
    return np.random.default_rng(2).normal(size=(37, grid.width))


@pytest.fixture
def there(device):
    """The device of an occupancy grid for rays of the ``device``: numpy arrays on the CPU."""
    return None if device.name == "cpu" else device.name
