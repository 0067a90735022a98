# SPDX-License-Identifier: Apache-2.0
"""The HTML reports of a reconstruction, a bundle adjustment and multi-view stereo, and the pictures in them."""

from __future__ import annotations

from .adjustment import write_adjustment
from .contents import Adjustment, Cloud, Contents, Densification, DepthView, Pair, Photo, State
from .densification import write_densification
from .pictures import depth_limits, depth_picture
from .reconstruction import write_report

__all__ = [
    "Adjustment",
    "Cloud",
    "Contents",
    "Densification",
    "DepthView",
    "Pair",
    "Photo",
    "State",
    "depth_limits",
    "depth_picture",
    "write_adjustment",
    "write_densification",
    "write_report",
]
