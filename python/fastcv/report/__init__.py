# SPDX-License-Identifier: Apache-2.0
"""The HTML report of a reconstruction, and the pictures in it."""

from __future__ import annotations

from .contents import Cloud, Contents, Pair, Photo
from .page import write_report
from .pictures import depth_limits, depth_picture

__all__ = ["Cloud", "Contents", "Pair", "Photo", "depth_limits", "depth_picture", "write_report"]
