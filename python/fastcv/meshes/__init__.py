# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes: their pieces, fewer triangles, pictures of them, textures from photographs."""

from __future__ import annotations

from .components import face_components, keep_components, select_faces
from .render import RenderedMesh, render_mesh
from .simplify import simplify_mesh
from .texture import texture_mesh

__all__ = [
    "RenderedMesh",
    "face_components",
    "keep_components",
    "render_mesh",
    "select_faces",
    "simplify_mesh",
    "texture_mesh",
]
