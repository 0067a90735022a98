# SPDX-License-Identifier: Apache-2.0
"""Encodings that own their parameters."""

from __future__ import annotations

import torch
from torch import Tensor

from ..grid import HashGrid
from ..hash_grid import hash_grid


class HashGridEncoding(torch.nn.Module):
    """A multiresolution hash grid with its table.

    Parameters
    ----------
    grid : HashGrid
        The levels.
    dtype : torch.dtype, optional
        Of the table: float32, float64 or float16.
    seed : int, optional
        Of the initial table, uniform in ±1e-4.

    Attributes
    ----------
    table : torch.nn.Parameter
        (num_entries, features); ``table.flatten()`` is tiny-cuda-nn's ``params``.
    max_level : int or None
        Levels from this one on give 0; raise it while training to go from coarse to fine.
    """

    def __init__(self, grid: HashGrid, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> None:
        super().__init__()
        self.grid = grid
        self.max_level: int | None = None
        self.table = torch.nn.Parameter(torch.from_numpy(grid.initial_table(seed=seed)).to(dtype))

    @property
    def width(self) -> int:
        """Features of a point."""
        return self.grid.width

    def forward(self, points: Tensor) -> Tensor:
        """Features (..., width) of points (..., dims) in the unit box; see :func:`fastcv.nerf.hash_grid`."""
        flat = hash_grid(points.reshape(-1, self.grid.dims), self.table, self.grid, max_level=self.max_level)
        return flat.reshape(*points.shape[:-1], self.grid.width)

    def extra_repr(self) -> str:
        return str(self.grid)
