# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: encodings of points and directions. ``fastcv.nerf.modules`` has them as torch modules."""

from __future__ import annotations

from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp

__all__ = [
    "HashGrid",
    "HashGridGradients",
    "hash_grid",
    "hash_grid_vjp",
]
