# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: what silhouettes and photographs leave of space."""

from __future__ import annotations

from .carve import carve
from .grid import VoxelGrid
from .occupancy import Occupancy
from .render import render_voxels
from .space_carve import PhotoHull, space_carve

__all__ = ["Occupancy", "PhotoHull", "VoxelGrid", "carve", "render_voxels", "space_carve"]
