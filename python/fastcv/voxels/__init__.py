# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: carved by silhouettes, depth maps and colours, fused from depth maps, and surfaces in them."""

from __future__ import annotations

from .bounds import hull_bounds
from .carve import carve
from .carve_depths import carve_depths
from .carve_soft import carve_soft
from .color_mesh import color_mesh
from .grid import VoxelGrid
from .marching_cubes import marching_cubes, marching_cubes_blocks
from .mesh_occupancy import mesh_occupancy
from .occupancy import Occupancy
from .photo_hull import PhotoHull
from .render import render_voxels
from .space_carve import space_carve
from .tsdf import DenseTsdf, RenderedView, TsdfVolume

__all__ = [
    "DenseTsdf",
    "Occupancy",
    "PhotoHull",
    "RenderedView",
    "TsdfVolume",
    "VoxelGrid",
    "carve",
    "carve_depths",
    "carve_soft",
    "color_mesh",
    "hull_bounds",
    "marching_cubes",
    "marching_cubes_blocks",
    "mesh_occupancy",
    "render_voxels",
    "space_carve",
]
