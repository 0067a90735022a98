# SPDX-License-Identifier: Apache-2.0
"""The radiance field of the original NeRF: frequencies of the position and one deep network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..network import Mlp
from ._torch_encodings import FrequencyEncoding
from ._torch_mlp import FusedMlp

_POINT_OCTAVES, _DIRECTION_OCTAVES = 10, 4  # Mildenhall et al. 2020, section 5.1


class FrequencyField(torch.nn.Module):
    """Density and colour of points, from sines and cosines of positions and directions.

    Eight layers, the position's waves coming in again at the fifth; density is a softplus of theirs, colour one layer
    more with the direction's waves.

    Parameters
    ----------
    width : int, optional
        Of the layers; the paper has 256.
    seed : int, optional
        Of the initial parameters.

    References
    ----------
    Mildenhall et al. 2020, "NeRF: representing scenes as neural radiance fields for view synthesis", figure 7; Barron
    et al. 2021, "Mip-NeRF", for softplus in place of a rectifier, which can be dead from the start.
    """

    def __init__(self, *, width: int = 128, seed: int = 0) -> None:
        super().__init__()
        self.points = FrequencyEncoding(3, _POINT_OCTAVES, include_input=True)
        self.directions = FrequencyEncoding(3, _DIRECTION_OCTAVES, include_input=True)
        waves, hidden = self.points.width, {"width": width, "hidden_layers": 3, "bias": True}
        self.first = FusedMlp(Mlp(waves, width, output_activation="relu", **hidden), seed=seed)  # type: ignore[arg-type]
        self.second = FusedMlp(Mlp(width + waves, width + 1, **hidden), seed=seed + 1)  # type: ignore[arg-type]
        shading = Mlp(width + self.directions.width, 3, width // 2, 1, output_activation="sigmoid", bias=True)
        self.color = FusedMlp(shading, seed=seed + 2)

    def forward(self, points: Tensor, directions: Tensor, ray_indices: Tensor) -> tuple[Tensor, Tensor]:
        """Densities (N,) and colours (N, 3) of points (N, 3) in the unit cube, per side of it."""
        trunk = self._trunk(points)
        waves = self.directions(directions).index_select(0, ray_indices)
        return _density(trunk), self.color(torch.cat([trunk[:, 1:], waves], 1))

    def density(self, points: Tensor) -> Tensor:
        """(N,) densities of points (N, 3) in the unit cube, per side of it."""
        return _density(self._trunk(points))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """For an optimiser: parameters and their learning rates, of 1 at most."""
        return [{"params": list(self.parameters()), "share": 1.0}]

    def _trunk(self, points: Tensor) -> Tensor:
        waves = self.points(points * 2 - 1)
        return self.second(torch.cat([self.first(waves), waves], 1))


def _density(trunk: Tensor) -> Tensor:
    # Some ten sides of the unit cube to stop half of the light, so that what lies behind is seen from the start.
    return torch.nn.functional.softplus(trunk[:, 0] - 1.0) * 10.0
