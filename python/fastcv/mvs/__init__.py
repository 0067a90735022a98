# SPDX-License-Identifier: Apache-2.0
"""Multi-view stereo: depth maps from posed photographs, and one point cloud from many depth maps."""

from __future__ import annotations

from .filter_depths import filter_depths
from .fuse import PointCloud, fuse
from .plane_sweep import estimate_depth, plane_sweep, winner_take_all
from .planes import DepthRange, SlantedPlanes, inverse_depth_planes, num_inverse_depth_planes
from .select_sources import depth_range, select_sources
from .undistorted_view import undistorted_view
from .views import DepthMap, View

__all__ = [
    "DepthMap",
    "DepthRange",
    "PointCloud",
    "SlantedPlanes",
    "View",
    "depth_range",
    "estimate_depth",
    "filter_depths",
    "fuse",
    "inverse_depth_planes",
    "num_inverse_depth_planes",
    "plane_sweep",
    "select_sources",
    "undistorted_view",
    "winner_take_all",
]
