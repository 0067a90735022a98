# SPDX-License-Identifier: Apache-2.0
"""Multi-view stereo: depth maps from posed photographs, and one point cloud from many depth maps."""

from __future__ import annotations

from .depth_normals import depth_normals
from .depth_range import depth_range, depth_range_from_poses
from .feature_volume import FeatureVolume, feature_volume
from .filter_depths import filter_depth, filter_depths
from .fuse import PointCloud, fuse, fuse_views
from .plane_sweep import estimate_depth, plane_sweep, winner_take_all
from .planes import DepthRange, SlantedPlanes, inverse_depth_planes, num_inverse_depth_planes
from .select_sources import Candidate, rank_sources, select_sources
from .undistorted_view import undistorted_view
from .views import DepthMap, View

__all__ = [
    "Candidate",
    "DepthMap",
    "DepthRange",
    "FeatureVolume",
    "PointCloud",
    "SlantedPlanes",
    "View",
    "depth_normals",
    "depth_range",
    "depth_range_from_poses",
    "estimate_depth",
    "feature_volume",
    "filter_depth",
    "filter_depths",
    "fuse",
    "fuse_views",
    "inverse_depth_planes",
    "num_inverse_depth_planes",
    "plane_sweep",
    "rank_sources",
    "select_sources",
    "undistorted_view",
    "winner_take_all",
]
