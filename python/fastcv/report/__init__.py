# SPDX-License-Identifier: Apache-2.0
"""The HTML reports of a reconstruction and of a bundle adjustment, and the pictures in them."""

from __future__ import annotations

from .adjustment import write_adjustment
from .contents import Adjustment, Cloud, Contents, Pair, Photo, State
from .pictures import depth_limits, depth_picture
from .reconstruction import write_report

__all__ = [
    "Adjustment",
    "Cloud",
    "Contents",
    "Pair",
    "Photo",
    "State",
    "depth_limits",
    "depth_picture",
    "write_adjustment",
    "write_report",
]
