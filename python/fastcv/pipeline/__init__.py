# SPDX-License-Identifier: Apache-2.0
"""Photographs, posed models, depth maps, silhouettes or problems in; results, their numbers and a report out."""

from __future__ import annotations

from .adjust import ADJUST_STAGES, SOLUTION, AdjustInterrupted, adjust
from .adjust_options import AdjustOptions
from .adjust_report import describe_adjustment
from .adjust_source import AdjustError
from .adjust_summary import AdjustSummary
from .carve_options import CarveOptions
from .carve_scene import CARVE_STAGES, carve_scene
from .carve_source import CarveError
from .densify import DENSIFY_STAGES, DensifyError, densify
from .densify_options import DensifyOptions
from .densify_summary import DensifySummary
from .fuse_depths import FUSE_STAGES, fuse_depths
from .fuse_options import FuseOptions
from .fuse_source import FuseError
from .lock import FolderInUseError
from .manifest import folder_command, read_manifest
from .nerf_options import NerfOptions
from .nerf_summary import NerfSummary
from .options import PRESETS, STAGES, Options, OptionsError, Preset
from .progress import Progress, ProgressCallback
from .reconstruct import reconstruct
from .render_field import render_field
from .summary import Summary
from .surface_summary import SurfaceSummary
from .train_field import NERF_STAGES, NerfError, train_field

__all__ = [
    "ADJUST_STAGES",
    "CARVE_STAGES",
    "DENSIFY_STAGES",
    "FUSE_STAGES",
    "NERF_STAGES",
    "PRESETS",
    "SOLUTION",
    "STAGES",
    "AdjustError",
    "AdjustInterrupted",
    "AdjustOptions",
    "AdjustSummary",
    "CarveError",
    "CarveOptions",
    "DensifyError",
    "DensifyOptions",
    "DensifySummary",
    "FolderInUseError",
    "FuseError",
    "FuseOptions",
    "NerfError",
    "NerfOptions",
    "NerfSummary",
    "Options",
    "OptionsError",
    "Preset",
    "Progress",
    "ProgressCallback",
    "Summary",
    "SurfaceSummary",
    "adjust",
    "carve_scene",
    "densify",
    "describe_adjustment",
    "folder_command",
    "fuse_depths",
    "read_manifest",
    "reconstruct",
    "render_field",
    "train_field",
]
