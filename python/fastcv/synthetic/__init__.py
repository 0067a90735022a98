# SPDX-License-Identifier: Apache-2.0
"""Scenes made by code, with true cameras, depth, silhouettes, meshes and tracks."""

from __future__ import annotations

from .dataset import Dataset, make_dataset
from .materials import Material
from .poses import look_at, make_camera
from .render import View, render
from .scene import Hits, Mesh, Scene
from .scenes import make_poses, make_scene
from .solids import Solid
from .tracks import Tracks, make_tracks
from .write import write_dataset

__all__ = [
    "Dataset",
    "Hits",
    "Material",
    "Mesh",
    "Scene",
    "Solid",
    "Tracks",
    "View",
    "look_at",
    "make_camera",
    "make_dataset",
    "make_poses",
    "make_scene",
    "make_tracks",
    "render",
    "write_dataset",
]
