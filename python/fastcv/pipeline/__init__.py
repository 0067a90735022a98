# SPDX-License-Identifier: Apache-2.0
"""Photographs, a posed model or a bundle adjustment problem in; results, their numbers and a report out."""

from __future__ import annotations

from .adjust import ADJUST_STAGES, SOLUTION, AdjustInterrupted, adjust
from .adjust_options import AdjustOptions
from .adjust_report import describe_adjustment
from .adjust_source import AdjustError
from .adjust_summary import AdjustSummary
from .densify import DENSIFY_STAGES, DensifyError, densify
from .densify_options import DensifyOptions
from .densify_summary import DensifySummary
from .lock import FolderInUseError
from .manifest import folder_command, read_manifest
from .options import PRESETS, STAGES, Options, OptionsError, Preset
from .progress import Progress, ProgressCallback
from .reconstruct import reconstruct
from .summary import Summary

__all__ = [
    "ADJUST_STAGES",
    "DENSIFY_STAGES",
    "PRESETS",
    "SOLUTION",
    "STAGES",
    "AdjustError",
    "AdjustInterrupted",
    "AdjustOptions",
    "AdjustSummary",
    "DensifyError",
    "DensifyOptions",
    "DensifySummary",
    "FolderInUseError",
    "Options",
    "OptionsError",
    "Preset",
    "Progress",
    "ProgressCallback",
    "Summary",
    "adjust",
    "densify",
    "describe_adjustment",
    "folder_command",
    "read_manifest",
    "reconstruct",
]
