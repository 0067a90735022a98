# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: encodings of points and directions, small networks. ``fastcv.nerf.modules`` has them for torch."""

from __future__ import annotations

from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .mlp import MlpGradients, mlp, mlp_vjp
from .network import Mlp

__all__ = [
    "HashGrid",
    "HashGridGradients",
    "Mlp",
    "MlpGradients",
    "hash_grid",
    "hash_grid_vjp",
    "mlp",
    "mlp_vjp",
]
