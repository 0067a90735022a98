# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: encodings of points and directions. ``fastcv.nerf.modules`` has them as torch modules."""

from __future__ import annotations

from .frequency import frequency_encoding, frequency_encoding_vjp
from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .spherical_harmonics import spherical_harmonics, spherical_harmonics_vjp

__all__ = [
    "HashGrid",
    "HashGridGradients",
    "frequency_encoding",
    "frequency_encoding_vjp",
    "hash_grid",
    "hash_grid_vjp",
    "spherical_harmonics",
    "spherical_harmonics_vjp",
]
