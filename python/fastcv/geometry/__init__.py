# SPDX-License-Identifier: Apache-2.0
"""Epipolar geometry, homographies, poses and triangulation: minimal solvers, robust estimation and rectification."""

from __future__ import annotations

from .errors import reprojection_errors, reprojection_scores, sampson_errors, sampson_scores
from .estimate import (
    AbsolutePose,
    Estimate,
    RelativePose,
    RobustResult,
    estimate_absolute_pose,
    estimate_fundamental,
    estimate_homography,
    estimate_relative_pose,
)
from .rectify import Rectification, rectify
from .similarity import Similarity, umeyama
from .solvers import decompose_essential, dlt_homography, dlt_pnp, eight_point, five_point, p3p, seven_point
from .triangulate import triangulate, triangulation_angles

__all__ = [
    "AbsolutePose",
    "Estimate",
    "Rectification",
    "RelativePose",
    "RobustResult",
    "Similarity",
    "decompose_essential",
    "dlt_homography",
    "dlt_pnp",
    "eight_point",
    "estimate_absolute_pose",
    "estimate_fundamental",
    "estimate_homography",
    "estimate_relative_pose",
    "five_point",
    "p3p",
    "rectify",
    "reprojection_errors",
    "reprojection_scores",
    "sampson_errors",
    "sampson_scores",
    "seven_point",
    "triangulate",
    "triangulation_angles",
    "umeyama",
]
