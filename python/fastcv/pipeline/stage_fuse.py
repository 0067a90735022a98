# SPDX-License-Identifier: Apache-2.0
"""Stage 6: keep the depths on which several photographs agree, and join them to one cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, mvs, report
from .context import Context
from .run_folder import Made, Task

MIN_CONFIDENCE = 0.05  # of the plane sweep; below, two depths match about equally well
_MIN_CONSISTENT = 2  # other photographs that must agree, where there are as many
_NUM_NEIGHBORS = 16  # photographs that may agree: more of them hardly add anything but time


def run(context: Context) -> None:
    """Write ``depth/`` (filtered depth maps, pictures of them, their cameras) and ``fused.ply``."""
    names = list(context.run.info("depth"))
    digests = [context.run.digests("depth", name) for name in names]
    context.run.execute("fuse", [Task("cloud", [MIN_CONFIDENCE, names, digests], lambda: _fuse(context, names))])


def _fuse(context: Context, names: Sequence[str]) -> Made:
    if not names:
        return Made(info={"points": 0, "coverage": {}})
    views = [context.views[name] for name in names]
    neighbors = _neighbors(context, names)
    depths = _filter(context, views, names, neighbors)
    near, far = report.depth_limits(depths)
    files = []
    for name, depth in zip(names, depths, strict=True):
        files += [context.path("depth", name, ".pfm"), context.path("depth", name, ".png")]
        io.write_pfm(files[-2], depth)
        io.write_image(files[-1], report.depth_picture(depth, near, far))

    def listen(done: int, total: int) -> None:
        context.run.detail("fuse", f"{done} of {total} photos fused")

    cloud = mvs.fuse(views, depths, sources=neighbors, num_threads=context.options.num_threads, progress=listen)
    files += [context.run.path / "fused.ply", context.path("depth", "cameras", "")]
    io.write_ply(files[-2], cloud.xyz, rgb=cloud.rgb, normals=cloud.normals)
    io.write_colmap(context.views.model(), files[-1], binary=False)
    coverage = {name: float(np.mean(depth > 0)) for name, depth in zip(names, depths, strict=True)}
    return Made(files, {"points": len(cloud.xyz), "coverage": coverage})


def _filter(
    context: Context, views: Sequence[mvs.View], names: Sequence[str], neighbors: Sequence[Sequence[int]]
) -> list[NDArray[np.float32]]:
    estimated = []
    for name in names:
        depth, confidence = (io.read_pfm(context.path("estimated", name, f".{k}.pfm")) for k in ("depth", "confidence"))
        depth[confidence < MIN_CONFIDENCE] = 0
        estimated.append(depth)
    return mvs.filter_depths(
        views,
        estimated,
        sources=neighbors,
        min_consistent=min(_MIN_CONSISTENT, len(names) - 1),
        num_threads=context.options.num_threads,
    )


def _neighbors(context: Context, names: Sequence[str]) -> list[list[int]]:
    """For each photograph the positions of those that see most of the same."""
    chosen = mvs.select_sources(context.model, num_sources=_NUM_NEIGHBORS)
    rows = {name: row for row, name in enumerate(names)}
    ids: dict[str, Any] = {image.name: image_id for image_id, image in context.model.images.items()}
    others = [[context.model.images[other].name for other in chosen[ids[name]]] for name in names]
    return [[rows[other] for other in group if other in rows] for group in others]
