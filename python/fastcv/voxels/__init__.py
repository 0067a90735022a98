# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: what silhouettes leave of space, and surfaces in them."""
"""Volumes of voxels: what silhouettes and depth maps leave of space, and probabilities."""
"""Volumes of voxels: what silhouettes and photographs leave of space."""

from __future__ import annotations

from .carve import carve
from .carve_depths import carve_depths
from .carve_soft import carve_soft
from .grid import VoxelGrid
from .marching_cubes import marching_cubes, marching_cubes_blocks
from .mesh_occupancy import mesh_occupancy
from .occupancy import Occupancy
from .tsdf import DenseTsdf, RenderedView, TsdfVolume

__all__ = ["Occupancy", "VoxelGrid", "carve", "marching_cubes", "marching_cubes_blocks", "mesh_occupancy"]
__all__ = ["Occupancy", "VoxelGrid", "carve", "carve_depths", "carve_soft"]
__all__ = ["DenseTsdf", "Occupancy", "RenderedView", "TsdfVolume", "VoxelGrid", "carve"]
from .render import render_voxels
from .space_carve import PhotoHull, space_carve

__all__ = ["Occupancy", "PhotoHull", "VoxelGrid", "carve", "render_voxels", "space_carve"]
