# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: what silhouettes and depth maps leave of space."""

from __future__ import annotations

from .carve import carve
from .carve_depths import carve_depths
from .grid import VoxelGrid
from .occupancy import Occupancy

__all__ = ["Occupancy", "VoxelGrid", "carve", "carve_depths"]
