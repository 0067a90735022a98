# SPDX-License-Identifier: Apache-2.0
"""The HTML reports of a reconstruction, a bundle adjustment, multi-view stereo and a surface, and their pictures."""

from __future__ import annotations

from .adjustment import write_adjustment
from .contents import Adjustment, Cloud, Contents, Densification, DepthView, Pair, Photo, State, Surface, SurfaceView
from .densification import write_densification
from .pictures import depth_limits, depth_picture, silhouette_picture
from .radiance import Radiance, RadianceView, write_radiance
from .reconstruction import write_report
from .surface import write_surface
from .turntable import turntable_views
from .views import up_direction

__all__ = [
    "Adjustment",
    "Cloud",
    "Contents",
    "Densification",
    "DepthView",
    "Pair",
    "Photo",
    "Radiance",
    "RadianceView",
    "State",
    "Surface",
    "SurfaceView",
    "depth_limits",
    "depth_picture",
    "silhouette_picture",
    "turntable_views",
    "up_direction",
    "write_adjustment",
    "write_densification",
    "write_radiance",
    "write_report",
    "write_surface",
]
