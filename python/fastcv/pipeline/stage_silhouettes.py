# SPDX-License-Identifier: Apache-2.0
"""Stage "views": the silhouettes of a mesh against those that it was carved by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .. import io, report
from ..mesh import Mesh
from ..scene import Camera
from .carve_source import SilhouetteFile
from .images import resized
from .looks import as_pinhole, look
from .run_folder import RunFolder
from .stage_masks import load_mask
from .stage_mesh import load_mesh
from .tasks import Made, Task
from .views import scaled

_MAX_SIZE = 800  # longest side in pixels of the views that are compared


def run(run: RunFolder, views: Sequence[SilhouetteFile], num_threads: int) -> None:
    """Write ``views/``: the mesh in every view, coloured where it is not the silhouette; and how well the two agree."""
    mesh, made_from = load_mesh(run), run.digests("mesh", "mesh")
    middle = mesh.vertices.mean(axis=0, dtype=np.float64)

    def task(view: SilhouetteFile) -> Task:
        inputs = [made_from, run.digests("masks", view.name), view.describe()]
        return Task(view.name, inputs, lambda: _compare(run, view, mesh, middle, num_threads))

    run.execute("views", [task(view) for view in views])


def _compare(run: RunFolder, view: SilhouetteFile, mesh: Mesh, middle: NDArray[np.float64], num_threads: int) -> Made:
    mask = load_mask(run, view.name)
    camera, pose, silhouette = _pinhole(view, mask, middle)
    seen = look(mesh, camera, pose, num_threads)
    covered = (seen.faces >= 0) & (silhouette != _UNKNOWN)
    wanted = silhouette == _FOREGROUND
    both, either, size, missing, too_much = (
        int(np.count_nonzero(pixels))
        for pixels in (covered & wanted, covered | wanted, wanted, wanted & ~covered, covered & ~wanted)
    )
    path = run.file("views", view.name, ".png")
    io.write_image(path, report.silhouette_picture(seen.colors, covered, wanted))
    shares = {"missing": missing / max(size, 1), "too_much": too_much / max(size, 1)}
    return Made([path], {"iou": both / max(either, 1), **shares})


_BACKGROUND, _FOREGROUND, _UNKNOWN = 0, 255, 128


def _pinhole(
    view: SilhouetteFile, mask: NDArray[np.bool_], middle: NDArray[np.float64]
) -> tuple[Camera, NDArray[np.float64], NDArray[np.uint8]]:
    """A pinhole camera for the view, its pose, and the silhouette through it: foreground, background, and unknown where
    the photograph has no pixel."""
    seen = resized(np.where(mask, np.uint8(_FOREGROUND), np.uint8(_BACKGROUND)), _MAX_SIZE)
    other = _BACKGROUND if view.depth is None or view.mask is not None else _UNKNOWN  # no depth says nothing
    seen = np.where(seen > _UNKNOWN, np.uint8(_FOREGROUND), np.uint8(other))
    height, width = seen.shape
    if view.camera is None:
        zoom = np.diag([width / mask.shape[1], height / mask.shape[0], 1])
        P = zoom @ view.projection
        return *as_pinhole(P * np.sign(P[2] @ [*middle, 1]), width, height), seen
    camera = scaled(view.camera, width, height)
    if camera.model in ("PINHOLE", "SIMPLE_PINHOLE"):
        return camera, view.projection, seen
    positions, pinhole = camera_room.undistort_map(camera)
    inside = np.asarray((positions >= 0) & (positions < (width, height))).all(axis=-1)
    column, row = np.moveaxis(np.where(np.expand_dims(inside, -1), positions, 0).astype(np.int64), -1, 0)
    return pinhole, view.projection, np.where(inside, seen[row, column], np.uint8(_UNKNOWN))
