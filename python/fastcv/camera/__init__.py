# SPDX-License-Identifier: Apache-2.0
"""Camera models: the geometry that every room shares."""

from __future__ import annotations

from .decompose import decompose_projection
from .project import project, project_jacobian
from .rotation import angle_axis_from_rotation, rotation_from_angle_axis
from .undistort import undistort_image, undistort_map, undistorted_pinhole
from .unproject import max_valid_angle, unproject

__all__ = [
    "angle_axis_from_rotation",
    "decompose_projection",
    "max_valid_angle",
    "project",
    "project_jacobian",
    "rotation_from_angle_axis",
    "undistort_image",
    "undistort_map",
    "undistorted_pinhole",
    "unproject",
]
