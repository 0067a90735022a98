# SPDX-License-Identifier: Apache-2.0
"""Multi-view stereo: depth maps from posed photographs or rectified pairs, and one point cloud from many of them."""

from __future__ import annotations

from .clean_disparity import fill_disparity, median_disparity, remove_speckles
from .depth_normals import depth_normals
from .depth_range import depth_range, depth_range_from_poses
from .disparity import DisparityMap, estimate_disparity
from .disparity_depth import depth_to_disparity, disparity_to_depth
from .feature_volume import FeatureVolume, feature_volume
from .filter_depths import filter_depth, filter_depths
from .fuse import PointCloud, fuse, fuse_views
from .guided_costs import guided_costs
from .plane_sweep import estimate_depth, plane_sweep, winner_take_all
from .planes import DepthRange, SlantedPlanes, inverse_depth_planes, num_inverse_depth_planes
from .pyramid import estimate_depth_pyramid
from .refine_depth import refine_depth
from .select_sources import Candidate, rank_sources, select_sources
from .smoothing import SemiGlobal, smooth_costs
from .soft_argmin import SoftDepth, soft_argmin
from .undistorted_view import undistorted_view
from .views import DepthMap, RefinedDepth, View

__all__ = [
    "Candidate",
    "DepthMap",
    "DepthRange",
    "DisparityMap",
    "FeatureVolume",
    "PointCloud",
    "RefinedDepth",
    "SemiGlobal",
    "SlantedPlanes",
    "SoftDepth",
    "View",
    "depth_normals",
    "depth_range",
    "depth_range_from_poses",
    "depth_to_disparity",
    "disparity_to_depth",
    "estimate_depth",
    "estimate_depth_pyramid",
    "estimate_disparity",
    "feature_volume",
    "fill_disparity",
    "filter_depth",
    "filter_depths",
    "fuse",
    "fuse_views",
    "guided_costs",
    "inverse_depth_planes",
    "median_disparity",
    "num_inverse_depth_planes",
    "plane_sweep",
    "rank_sources",
    "refine_depth",
    "remove_speckles",
    "select_sources",
    "smooth_costs",
    "soft_argmin",
    "undistorted_view",
    "winner_take_all",
]
