# SPDX-License-Identifier: Apache-2.0
"""Multi-view stereo: depth maps from posed photographs, and one point cloud from many depth maps."""

from __future__ import annotations

from .plane_sweep import estimate_depth, plane_sweep, winner_take_all
from .planes import inverse_depth_planes, num_inverse_depth_planes
from .views import DepthMap, View

__all__ = [
    "DepthMap",
    "View",
    "estimate_depth",
    "inverse_depth_planes",
    "num_inverse_depth_planes",
    "plane_sweep",
    "winner_take_all",
]
