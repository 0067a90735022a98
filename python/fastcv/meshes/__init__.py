# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes: pictures of them."""

from __future__ import annotations

from .render import RenderedMesh, render_mesh

__all__ = ["RenderedMesh", "render_mesh"]
