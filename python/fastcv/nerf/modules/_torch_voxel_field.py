# SPDX-License-Identifier: Apache-2.0
"""A radiance field that is a grid of voxels: no network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..grid import HashGrid
from ..spherical_harmonics import spherical_harmonics
from ._torch_field import Choose, Shaded
from ._torch_hash_grid import HashGridEncoding

_CHANNELS, _BANDS = 3, 2  # a colour is linear in the direction
_COEFFICIENTS = _BANDS**2
_C0 = 0.28209479177387814  # the first spherical harmonic


class VoxelField(torch.nn.Module):
    """Density and colour of points: both interpolated between the vertices of a dense grid.

    A vertex has a number whose softplus is the density, and for each channel the coefficients of spherical harmonics
    of two bands, whose sum's sigmoid is the colour.

    Parameters
    ----------
    resolution : int
        Vertices along a side.
    seed : int, optional
        Of the initial values.

    References
    ----------
    Fridovich-Keil et al. 2022, "Plenoxels: radiance fields without neural networks"; Sun et al. 2022, "Direct voxel
    grid optimization", eq. 3, for the activation after the interpolation.
    """

    def __init__(self, resolution: int, *, seed: int = 0) -> None:
        super().__init__()
        one = {"levels": 1, "base_resolution": resolution, "indexing": "dense"}
        self.log_density = HashGridEncoding(HashGrid(features=1, **one), seed=seed)  # type: ignore[arg-type]
        grid = HashGrid(features=_COEFFICIENTS, **one)  # type: ignore[arg-type]
        self.channels = torch.nn.ModuleList(HashGridEncoding(grid, seed=seed + 1 + i) for i in range(_CHANNELS))

    def density(self, points: Tensor) -> Tensor:
        """(N,) densities of points (N, 3) in the unit cube, per side of it."""
        return _positive(self.log_density(points)[:, 0])

    def forward(self, points: Tensor, directions: Tensor, ray_indices: Tensor, choose: Choose) -> Shaded:
        """What points (N, 3) look like along the directions (R, 3) of their rays (N,): those that ``choose`` keeps."""
        density = self.density(points)
        kept = choose(density.detach())
        if kept is not None:
            points, density, ray_indices = (x.index_select(0, kept) for x in (points, density, ray_indices))
        harmonics = (spherical_harmonics(directions, _BANDS) / _C0).index_select(0, ray_indices)
        sums = [(channel(points) * harmonics).sum(1) for channel in self.channels]
        return Shaded(density, torch.stack(sums, 1).sigmoid(), kept)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For an optimiser: parameters and their learning rates, of 1 at most."""
        tables = [self.log_density, *self.channels]
        return [{"params": [table.table for table in tables], "share": 1.0, "skip_untouched": True}]


def _positive(raw: Tensor) -> Tensor:
    # At first nearly transparent, so that everything is seen; then it grows as fast as a table can be trained.
    return torch.nn.functional.softplus(raw - 5.0) * 100.0
