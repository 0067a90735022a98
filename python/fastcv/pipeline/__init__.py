# SPDX-License-Identifier: Apache-2.0
"""Photographs in, a run folder with cameras, depth, a cloud and a report out; stages that resume after anything."""

from __future__ import annotations

from .lock import FolderInUseError
from .manifest import read_manifest
from .options import PRESETS, STAGES, Options, OptionsError, Preset
from .progress import Progress, ProgressCallback
from .reconstruct import reconstruct
from .summary import Summary

__all__ = [
    "PRESETS",
    "STAGES",
    "FolderInUseError",
    "Options",
    "OptionsError",
    "Preset",
    "Progress",
    "ProgressCallback",
    "Summary",
    "read_manifest",
    "reconstruct",
]
