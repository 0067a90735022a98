# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: rays, encodings of points and directions. ``fastcv.nerf.modules`` has them as torch modules."""

from __future__ import annotations

from .clip import RayRanges, clip_box, clip_sphere
from .frequency import frequency_encoding, frequency_encoding_vjp
from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .pixels import PixelBatch, PixelWeights, sample_pixels
from .rays import Rays, ndc_depth, ndc_rays, rays
from .read_scene import read_scene
from .scene import Scene, estimate_box, unit_from_world
from .spherical_harmonics import spherical_harmonics, spherical_harmonics_vjp

__all__ = [
    "HashGrid",
    "HashGridGradients",
    "PixelBatch",
    "PixelWeights",
    "RayRanges",
    "Rays",
    "Scene",
    "clip_box",
    "clip_sphere",
    "estimate_box",
    "frequency_encoding",
    "frequency_encoding_vjp",
    "hash_grid",
    "hash_grid_vjp",
    "ndc_depth",
    "ndc_rays",
    "rays",
    "read_scene",
    "sample_pixels",
    "spherical_harmonics",
    "spherical_harmonics_vjp",
    "unit_from_world",
]
