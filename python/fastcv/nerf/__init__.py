# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: where to look along rays, encodings of points and directions.

``fastcv.nerf.modules`` has torch modules.
"""

from __future__ import annotations

from .contraction import contract, contract_jvp, uncontract
from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .interlevel_loss import interlevel_loss
from .march import march
from .occupancy import OccupancyGrid
from .samples import RaySamples
from .sampling import merge_edges, sample_pdf, sample_stratified

__all__ = [
    "HashGrid",
    "HashGridGradients",
    "OccupancyGrid",
    "RaySamples",
    "contract",
    "contract_jvp",
    "hash_grid",
    "hash_grid_vjp",
    "interlevel_loss",
    "march",
    "merge_edges",
    "sample_pdf",
    "sample_stratified",
    "uncontract",
]
