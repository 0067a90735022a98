# SPDX-License-Identifier: Apache-2.0
"""Steps of samplers in one pass over their arrays: linear combinations, noise, clipping and error norms."""

from __future__ import annotations

from .normals import normals
from .step import Step, step
from .threshold import dynamic_threshold

__all__ = ["Step", "dynamic_threshold", "normals", "step"]
