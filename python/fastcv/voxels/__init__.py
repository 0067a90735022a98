# SPDX-License-Identifier: Apache-2.0
"""Volumes of voxels: what silhouettes leave of space."""

from __future__ import annotations

from .carve import carve
from .grid import VoxelGrid
from .occupancy import Occupancy
from .tsdf import DenseTsdf, RenderedView, TsdfVolume

__all__ = ["DenseTsdf", "Occupancy", "RenderedView", "TsdfVolume", "VoxelGrid", "carve"]
