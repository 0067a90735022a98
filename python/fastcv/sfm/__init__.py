# SPDX-License-Identifier: Apache-2.0
"""Structure from motion: verified pairs of photographs become cameras, poses and points."""

from __future__ import annotations

from .align import PoseErrors, align, compare_poses
from .calibrate import calibrate_focals
from .options import Event, Options
from .photo import Photo, cameras_from_photos
from .reconstruct import reconstruct
from .two_view import TwoViewGeometry, verify_pair

__all__ = [
    "Event",
    "Options",
    "Photo",
    "PoseErrors",
    "TwoViewGeometry",
    "align",
    "calibrate_focals",
    "cameras_from_photos",
    "compare_poses",
    "reconstruct",
    "verify_pair",
]
