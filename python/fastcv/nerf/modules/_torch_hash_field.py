# SPDX-License-Identifier: Apache-2.0
"""A radiance field of a hash grid and two small networks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..._torch import run
from ..grid import HashGrid
from ..mlp import mlp_vjp
from ..network import Mlp
from ..spherical_harmonics import spherical_harmonics
from ._torch import HashGridEncoding
from ._torch_field import Choose, Shaded
from ._torch_mlp import FusedMlp

LARGEST_LOG_DENSITY = 15.0  # exp of it is opaque at any step; beyond, gradients would overflow


class _Geometry(torch.autograd.Function):
    """The geometry network's outputs, which are known already, with the gradients of grid and network."""

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, params: Tensor, points: Tensor, features: Tensor, outputs: Tensor,
        grid: HashGrid, net: Mlp,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(table, params, points, features)
        ctx.grid, ctx.net = grid, net
        return outputs.view_as(outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        table, params, points, features = ctx.saved_tensors
        by_features, by_params = mlp_vjp(features, params, ctx.net, grad)
        by_table = torch.empty_like(table, dtype=torch.float32)
        run("nerf", "hash_grid_table_vjp", ctx.grid.packed(), points, None, by_features, by_table)
        return by_table.to(table.dtype), by_params, None, None, None, None, None


class _Heads(torch.autograd.Function):
    """Density exp(g_0) of geometry features g, and [spherical harmonics of the sample's ray, g] for the colour network.

    One operation: as several, copying and padding gradients would cost as much as a network's forward pass.
    """

    @staticmethod
    def forward(geometry: Tensor, harmonics: Tensor, ray_indices: Tensor) -> tuple[Tensor, Tensor]:
        bands = harmonics.shape[1]
        both = geometry.new_empty((geometry.shape[0], bands + geometry.shape[1]))
        both[:, :bands] = harmonics.index_select(0, ray_indices)
        both[:, bands:] = geometry
        return _exp(geometry), both

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.bands = inputs[1].shape[1]
        ctx.save_for_backward(output[0])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, by_density: Tensor, by_both: Tensor) -> tuple[Tensor, None, None]:
        (density,) = ctx.saved_tensors
        by_geometry = by_both[:, ctx.bands :].contiguous()
        by_geometry[:, 0].addcmul_(by_density, density)
        return by_geometry, None, None


class HashField(torch.nn.Module):
    """Density and colour of points: a hash grid, a network for density and geometry, another one for colour.

    Parameters
    ----------
    grid : HashGrid
        Three-dimensional.
    width : int, optional
        Of the hidden layers, one in each network.
    geometry : int, optional
        What the first network hands to the second; the first of it is the logarithm of the density.
    bands : int, optional
        Spherical harmonics of the direction.
    table_dtype : torch.dtype, optional
        float32 or float16.
    seed : int, optional
        Of the initial parameters.

    References
    ----------
    Müller et al. 2022, "Instant neural graphics primitives with a multiresolution hash encoding", section 5.4.
    """

    def __init__(
        self,
        grid: HashGrid,
        *,
        width: int = 64,
        geometry: int = 16,
        bands: int = 3,
        table_dtype: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.bands = bands
        self.encoding = HashGridEncoding(grid, dtype=table_dtype, seed=seed)
        self.geometry = FusedMlp(Mlp(grid.width, geometry, width=width, hidden_layers=1), seed=seed + 1)
        inputs = bands**2 + geometry
        self.color = FusedMlp(
            Mlp(inputs, 3, width=width, hidden_layers=1, output_activation="sigmoid"), seed=seed + 2
        )

    def density(self, points: Tensor) -> Tensor:
        """(N,) densities of points (N, 3) in the unit cube, per side of it."""
        return _exp(self.geometry(self.encoding(points)))

    def forward(self, points: Tensor, directions: Tensor, ray_indices: Tensor, choose: Choose) -> Shaded:
        """What points (N, 3) look like along the directions (R, 3) of their rays (N,): those that ``choose`` keeps."""
        with torch.no_grad():
            features = self.encoding(points)
            outputs = self.geometry(features)
            kept = choose(_exp(outputs))
            if kept is not None:
                points, features, outputs, ray_indices = (
                    x.index_select(0, kept) for x in (points, features, outputs, ray_indices)
                )
            harmonics = spherical_harmonics(directions, self.bands)
        known = points, features, outputs, self.encoding.grid, self.geometry.net
        geometry = _Geometry.apply(self.encoding.table, self.geometry.params, *known)
        density, both = _Heads.apply(geometry, harmonics, ray_indices)
        return Shaded(density, self.color(both), kept)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For an optimiser: parameters and their learning rates, of 1 at most."""
        networks = [self.geometry.params, self.color.params]
        return [
            {"params": [self.encoding.table], "share": 1.0, "skip_untouched": True},
            {"params": networks, "share": 0.5},
        ]


def _exp(geometry: Tensor) -> Tensor:
    return geometry[:, 0].clamp_max(LARGEST_LOG_DENSITY).exp_()
