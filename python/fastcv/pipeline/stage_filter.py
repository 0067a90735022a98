# SPDX-License-Identifier: Apache-2.0
"""Stage "filter": keep the depths on which several photographs agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, mvs
from .._cache import Cache
from .dense import Dense
from .tasks import Made, Task

Depth = NDArray[np.float32]


def run(dense: Dense, names: Sequence[str]) -> None:
    """Write ``depth/``: filtered depth of those of the photographs that have one, and what else was asked for."""
    estimated = dense.finished("depth")
    names = [name for name in names if name in estimated]
    settings, rows = dense.settings, dense.neighbors(names)

    def read(name: str) -> Depth:
        depth, confidence = (
            io.read_pfm(dense.run.file("estimated", name, f".{k}.pfm")) for k in ("depth", "confidence")
        )
        depth[confidence < settings.min_confidence] = 0
        return depth

    kept = dense.plan.kept("filter", 4, 1 + dense.plan.num_neighbors)
    confident = Cache(read, lambda depth: depth.nbytes, kept)
    min_consistent = min(settings.min_consistent, len(names) - 1)

    def task(name: str, neighbors: Sequence[int]) -> Task:
        group = [name, *(names[row] for row in neighbors)]
        used = [[dense.run.digests("depth", member), dense.describe(member)[1:]] for member in group]
        choices: list[Any] = [settings.min_confidence, min_consistent, settings.format, settings.normals]
        return Task(name, [used, choices], lambda: _filter(dense, group, confident, min_consistent))

    dense.run.execute("filter", [task(name, neighbors) for name, neighbors in zip(names, rows, strict=True)])


def _filter(dense: Dense, group: Sequence[str], confident: Cache[str, Depth], min_consistent: int) -> Made:
    """Keep what others confirm of the first photograph."""
    name, depths = group[0], [confident[member] for member in group]
    views = [dense.shape(member, depth) for member, depth in zip(group, depths, strict=True)]
    num_threads = dense.settings.num_threads
    depth = mvs.filter_depth(views, depths, min_consistent=min_consistent, num_threads=num_threads)
    files = [dense.run.file("depth", name, ".pfm")]
    io.write_pfm(files[0], depth)
    normals = mvs.depth_normals(views[0], depth, num_threads=num_threads) if dense.settings.normals else None
    if normals is not None:
        files.append(dense.run.file("normals", name, ".pfm"))
        io.write_pfm(files[-1], normals)
    files += _export(dense, name, depth, normals)
    return Made(files, {"confident": float(np.mean(depths[0] > 0)), "coverage": float(np.mean(depth > 0))})


def _export(dense: Dense, name: str, depth: Depth, normals: Depth | None) -> list[Path]:
    """The depth map in the format that was asked for beside PFM."""
    if dense.settings.format == "png":
        picture, sidecar = dense.run.file("depth16", name, ".png"), dense.run.file("depth16", name, ".json")
        scale = max(float(depth.max()), np.finfo(np.float32).tiny) / 65535
        io.write_image(picture, np.rint(depth / np.float32(scale)).astype(np.uint16))
        with io.atomic_write(sidecar) as file:
            file.write(json.dumps({"depth": "value * scale, 0 = none", "scale": scale}).encode())
        return [picture, sidecar]
    if dense.settings.format == "colmap":
        files = []
        for kind, values in (("depth_maps", depth), ("normal_maps", normals)):
            if values is not None:
                files.append(dense.run.file(f"stereo/{kind}", name, ".geometric.bin"))
                io.write_colmap_array(files[-1], values)
        return files
    return []
