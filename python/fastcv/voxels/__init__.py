# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: what silhouettes and depth maps leave of space, and probabilities."""

from __future__ import annotations

from .carve import carve
from .carve_depths import carve_depths
from .carve_soft import carve_soft
from .grid import VoxelGrid
from .occupancy import Occupancy

__all__ = ["Occupancy", "VoxelGrid", "carve", "carve_depths", "carve_soft"]
