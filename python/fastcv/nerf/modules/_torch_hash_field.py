# SPDX-License-Identifier: Apache-2.0
"""A radiance field of a hash grid and two small networks."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..._torch import run
from ..grid import HashGrid
from ..hash_grid import hash_grid
from ..mlp import mlp
from ..network import Mlp
from ..spherical_harmonics import spherical_harmonics
from ._torch_field import Choose, Shaded
from ._torch_hash_grid import HashGridEncoding
from ._torch_mlp import FusedMlp

LARGEST_LOG_DENSITY = 15.0  # exp of it is opaque at any step; beyond, gradients would overflow


class _Shade(torch.autograd.Function):
    """Densities and colours, with the gradients of the grid and both networks.

    One operation, for autograd's own work on a chain of them costs as much as a network does, and without
    setup_context, for which torch looks at the signature in every call. What the first network gives is known already.
    """

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, geometry: Tensor, color: Tensor, known: _Known, harmonics: Tensor, field: HashField
    ) -> tuple[Tensor, Tensor]:
        count, bands = known.outputs.shape[0], harmonics.shape[1]
        both = known.outputs.new_empty((count, bands + known.outputs.shape[1]))
        both[:, :bands] = harmonics.index_select(0, known.ray_indices)
        both[:, bands:] = known.outputs
        densities, colors = _exp(known.outputs), both.new_empty((count, 3))
        run("nerf", "mlp", field.color.net.packed(), color, both, None, None, colors)
        ctx.save_for_backward(table, geometry, color, known.points, known.features, both, densities)
        ctx.bands, ctx.field = bands, field
        return densities, colors

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, by_density: Tensor, by_color: Tensor) -> tuple[Any, ...]:
        table, geometry, color, points, features, both, densities = ctx.saved_tensors
        field = ctx.field
        by_both, by_color_net = _network_vjp(field.color.net, color, both, by_color)
        by_geometry = by_both[:, ctx.bands :].contiguous()
        by_geometry[:, 0].addcmul_(by_density, densities)
        by_features, by_geometry_net = _network_vjp(field.geometry.net, geometry, features, by_geometry)
        by_table = torch.empty_like(table, dtype=torch.float32)
        run("nerf", "hash_grid_table_vjp", field.encoding.grid.packed(), points, None, by_features, by_table, False)
        return by_table.to(table.dtype), by_geometry_net, by_color_net, None, None, None


class _Known(NamedTuple):
    """Samples, and what the grid and the first network say of them."""

    points: Tensor
    features: Tensor
    outputs: Tensor
    ray_indices: Tensor

    def rows(self, kept: Tensor) -> _Known:
        return _Known(*(array.index_select(0, kept) for array in self))


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
        self.color = FusedMlp(Mlp(inputs, 3, width=width, hidden_layers=1, output_activation="sigmoid"), seed=seed + 2)

    def density(self, points: Tensor) -> Tensor:
        """(N,) densities of points (N, 3) in the unit cube, per side of it."""
        return _exp(self.geometry(self.encoding(points)))

    def forward(self, points: Tensor, directions: Tensor, ray_indices: Tensor, choose: Choose) -> Shaded:
        """What points (N, 3) look like along the directions (R, 3) of their rays (N,): those that ``choose`` keeps."""
        table, geometry = self.encoding.table, self.geometry.params
        features = points.new_empty((len(points), self.encoding.width))
        outputs = points.new_empty((len(points), self.geometry.net.outputs))
        hash_grid(points, table.detach(), self.encoding.grid, out=features)
        mlp(features, geometry.detach(), self.geometry.net, out=outputs)
        kept = choose(_exp(outputs))
        known = _Known(points, features, outputs, ray_indices)
        known = known if kept is None else known.rows(kept)
        harmonics = spherical_harmonics(directions, self.bands, out=points.new_empty((len(directions), self.bands**2)))
        densities, colors = _Shade.apply(table, geometry, self.color.params, known, harmonics, self)
        return Shaded(densities, colors, kept)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For an optimiser: parameters and their learning rates, of 1 at most."""
        networks = [self.geometry.params, self.color.params]
        return [
            {"params": [self.encoding.table], "share": 1.0, "skip_untouched": True},
            {"params": networks, "share": 0.5},
        ]


def _network_vjp(net: Mlp, parameters: Tensor, inputs: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    by_inputs, by_parameters = torch.empty_like(inputs), torch.empty_like(parameters)
    run("nerf", "mlp_vjp", net.packed(), parameters, inputs, None, None, grad.contiguous(), by_inputs, by_parameters)
    return by_inputs, by_parameters


def _exp(geometry: Tensor) -> Tensor:
    return geometry[:, 0].clamp_max(LARGEST_LOG_DENSITY).exp_()
