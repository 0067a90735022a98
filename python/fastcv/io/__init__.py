# SPDX-License-Identifier: Apache-2.0
"""File formats of cameras, points, meshes, depth and photographs. Whole files, or errors that say where."""

from __future__ import annotations

from ._atomic import atomic_directory, atomic_write
from .bal import BalProblem, read_bal, write_bal
from .colmap import read_colmap, write_colmap
from .colmap_array import read_colmap_array, write_colmap_array
from .colmap_database import ColmapDatabase, DatabaseImage, TwoViewGeometry, read_colmap_database
from .mesh import MESH_SUFFIXES, read_mesh, write_mesh
from .nerf_archive import NerfArchive, read_nerf_archive
from .pfm import read_pfm, write_pfm
from .photo import PHOTO_SUFFIXES, PhotoInfo, list_photos, read_image16, read_photo, read_photo_info, write_image
from .ply import PlyWriter, read_ply, write_ply
from .projections import PosedPhoto, read_middlebury, read_projections
from .pycolmap import from_pycolmap
from .rgbd import RgbdFrame, RgbdSequence, is_rgbd, read_depth_png, read_rgbd
from .transforms import Transforms, read_transforms, write_transforms
from .vox import VoxVolume, read_vox, write_vox

__all__ = [
    "MESH_SUFFIXES",
    "PHOTO_SUFFIXES",
    "BalProblem",
    "ColmapDatabase",
    "DatabaseImage",
    "NerfArchive",
    "PhotoInfo",
    "PlyWriter",
    "PosedPhoto",
    "RgbdFrame",
    "RgbdSequence",
    "Transforms",
    "TwoViewGeometry",
    "VoxVolume",
    "atomic_directory",
    "atomic_write",
    "from_pycolmap",
    "is_rgbd",
    "list_photos",
    "read_bal",
    "read_colmap",
    "read_colmap_array",
    "read_colmap_database",
    "read_depth_png",
    "read_image16",
    "read_mesh",
    "read_middlebury",
    "read_nerf_archive",
    "read_pfm",
    "read_photo",
    "read_photo_info",
    "read_ply",
    "read_projections",
    "read_rgbd",
    "read_transforms",
    "read_vox",
    "write_bal",
    "write_colmap",
    "write_colmap_array",
    "write_image",
    "write_mesh",
    "write_pfm",
    "write_ply",
    "write_transforms",
    "write_vox",
]
