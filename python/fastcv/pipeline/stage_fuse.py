# SPDX-License-Identifier: Apache-2.0
"""Stage "fuse": join filtered depth maps to one cloud, view by view, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, mvs, report
from .dense import Dense
from .store import save_arrays
from .tasks import Made, Task

_MAX_PREVIEW = 300_000  # points
_NUM_LIMIT_VIEWS = 256  # of which the limits of the colours are taken


def run(dense: Dense) -> None:
    """Write ``fused.ply``, pictures of the depth maps, and ``depth/cameras``."""
    names = list(dense.run.info("filter"))
    used = [[name, dense.run.digests("filter", name), dense.describe(name)] for name in names]
    dense.run.execute("fuse", [Task("cloud", [used], lambda: _fuse(dense, names))])


def _fuse(dense: Dense, names: Sequence[str]) -> Made:
    if not names:
        return Made(info={"points": 0})
    cloud, preview = dense.run.path / "fused.ply", dense.run.path / "preview.npz"
    points = _write_cloud(dense, names, cloud, preview)
    files = [cloud, preview, *_write_pictures(dense, names), dense.run.file("depth", "cameras", "")]
    io.write_colmap(dense.pinhole_model(names), files[-1], binary=False)
    return Made(files, {"points": points})


def _write_cloud(dense: Dense, names: Sequence[str], path: Path, preview: Path) -> int:
    def load(row: int) -> tuple[mvs.View, NDArray[np.float32]]:
        return dense.views.load(names[row]), io.read_pfm(dense.run.file("depth", names[row], ".pfm"))

    parts = mvs.fuse_views(
        load,
        dense.neighbors(names),
        max_bytes=dense.plan.kept("fuse", 7, 1 + dense.plan.num_neighbors),
        scratch=dense.run.path,
        num_threads=dense.settings.num_threads,
    )
    sample = _Sample()
    with io.PlyWriter(path, rgb=True, normals=True) as writer:
        for done, part in enumerate(parts, 1):
            writer.append(part.xyz, rgb=part.rgb, normals=part.normals)
            sample.add(part)
            dense.run.detail("fuse", f"{done} of {len(names)} photos fused")
    save_arrays(preview, sample.arrays())
    return writer.count


class _Sample:
    """Every so manieth point of a cloud of unknown size, at most ``_MAX_PREVIEW``."""

    def __init__(self) -> None:
        self._step, self._seen = 1, 0
        self._xyz, self._rgb = np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8)

    def add(self, part: mvs.PointCloud) -> None:
        first = -self._seen % self._step
        self._seen += len(part.xyz)
        self._xyz = np.concatenate([self._xyz, part.xyz[first :: self._step]])
        self._rgb = np.concatenate([self._rgb, part.rgb[first :: self._step]])
        while len(self._xyz) > _MAX_PREVIEW:
            self._xyz, self._rgb, self._step = self._xyz[::2], self._rgb[::2], 2 * self._step

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"xyz": np.ascontiguousarray(self._xyz), "rgb": np.ascontiguousarray(self._rgb)}


def _write_pictures(dense: Dense, names: Sequence[str]) -> list[Path]:
    paths = [dense.run.file("depth", name, ".pfm") for name in names]
    near, far = report.depth_limits(io.read_pfm(path) for path in paths[:: len(paths) // _NUM_LIMIT_VIEWS + 1])
    files = []
    for name, path in zip(names, paths, strict=True):
        files.append(dense.run.file("depth", name, ".png"))
        io.write_image(files[-1], report.depth_picture(io.read_pfm(path), near, far))
    return files
