# SPDX-License-Identifier: Apache-2.0
"""Local features: SIFT keypoints with descriptors, and exact matching between two images."""

from __future__ import annotations

from .extract import Features, extract
from .match import match

__all__ = ["Features", "extract", "match"]
