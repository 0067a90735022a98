# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: what silhouettes leave of space, and surfaces in them."""

from __future__ import annotations

from .carve import carve
from .grid import VoxelGrid
from .marching_cubes import marching_cubes, marching_cubes_blocks
from .mesh_occupancy import mesh_occupancy
from .occupancy import Occupancy

__all__ = ["Occupancy", "VoxelGrid", "carve", "marching_cubes", "marching_cubes_blocks", "mesh_occupancy"]
