# SPDX-License-Identifier: Apache-2.0
"""Camera models: the geometry that every room shares."""

from __future__ import annotations

from .project import project

__all__ = ["project"]
