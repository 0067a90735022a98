# SPDX-License-Identifier: Apache-2.0
"""Stage "views": a mesh in the views that it was fused from, against their depth maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import io
from ..mesh import Mesh
from .fuse_options import FuseOptions
from .fuse_source import DepthFile
from .images import resized_size
from .looks import look
from .run_folder import RunFolder
from .stage_mesh import load_mesh
from .tasks import Made, Task
from .views import scaled

MAX_VIEWS = 24  # that are rendered, evenly among all
_MAX_SIZE = 640  # longest side in pixels


def run(run: RunFolder, frames: Sequence[DepthFile], options: FuseOptions) -> None:
    """Write ``views/``: the mesh in some of the views, and how far its depth is from the depth maps."""
    mesh, made_from = load_mesh(run), run.digests("mesh", "mesh")
    voxel_size = run.info("integrate")["volume"]["volume"]["voxel_size"]
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MAX_VIEWS)).round().astype(int))

    def task(frame: DepthFile) -> Task:
        inputs = [made_from, frame.describe(), options.max_depth]
        return Task(frame.name, inputs, lambda: _compare(run, frame, mesh, options, voxel_size))

    run.execute("views", [task(frames[row]) for row in chosen])


def _compare(run: RunFolder, frame: DepthFile, mesh: Mesh, options: FuseOptions, voxel_size: float) -> Made:
    width, height = resized_size(frame.camera.width, frame.camera.height, _MAX_SIZE)
    camera = scaled(frame.camera, width, height)
    seen = look(mesh, camera, frame.cam_from_world, options.num_threads)
    path = run.file("views", frame.name, ".png")
    io.write_image(path, seen.colors)
    depth = frame.read_depth(options.max_depth)
    # The pixels of the depth map that hold the centres of the rendered ones.
    rows = ((np.arange(height) + 0.5) * depth.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * depth.shape[1] / width).astype(int)
    depth = depth[np.ix_(rows, columns)]
    distances = np.abs(seen.depth - depth)[(seen.faces >= 0) & (depth > 0)] / voxel_size
    known = max(int(np.count_nonzero(depth)), 1)
    error = float(np.median(distances)) if len(distances) else None
    return Made([path], {"error": error, "explained": int(np.count_nonzero(distances <= 1)) / known})
