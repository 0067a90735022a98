# SPDX-License-Identifier: Apache-2.0
"""What came out of carving or of fusing depth maps, for people and machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .record import Record, peak_memory_mb, versions
from .run_folder import RunFolder

_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "matplotlib", "trimesh", "viser")

# What a run folder holds, in the order in which people look for it.
_FILES = {
    "report.html": "the report; one file, can be sent as it is",
    "mesh.glb": "the mesh, for Blender, browsers and most viewers",
    "mesh.ply": "the mesh, for MeshLab, CloudCompare, Blender",
    "mesh.obj": "the mesh, for nearly everything",
    "summary.json": "the numbers of the report for programs",
    "masks": "the silhouettes as they were used",
    "views": "the mesh as each camera sees it",
    "turntable": "pictures of the mesh from all around",
    "hull.npz": "the voxels that the silhouettes left, for fastcv.voxels.Occupancy",
    "colors.npz": "the voxels that the photographs left, with colours, for fastcv.voxels.PhotoHull",
    "volume.npz": "the volume of signed distances, for fastcv.voxels.TsdfVolume; more depth maps are added to it",
    "surface.npz": "vertices, faces and colours of the mesh, NumPy archive",
    "texture.npz": "the mesh's texture, and where its triangles lie in it, NumPy archive",
    "manifest.json": "what each result was made from; lets the same command go on where it stopped",
}


@dataclass(frozen=True)
class SurfaceSummary(Record):
    """Outcome of ``carve_scene`` and ``fuse_depths``.

    Parameters
    ----------
    scene, out, mesh : str
        The folders, and the file of the mesh.
    views : dict
        By view: carved ones have ``width``, ``height``, ``foreground`` (share of the pixels), ``iou`` (intersection
        over union of the mesh and the silhouette), ``missing`` and ``too_much`` (shares of the silhouette); fused ones
        ``width``, ``height``, ``coverage`` (share of the pixels with a depth), ``median_depth``, and those that were
        rendered ``error`` (median distance of the mesh's depth to the map's, in voxels) and ``explained`` (share of the
        map's depths within a voxel of the mesh).
    skipped : dict of str to str
        Views that were not used, and why.
    volume : dict
        ``voxel_size``, and of carving ``bounds``, ``shape``, ``voxels``, ``taken_by_colors``; of fusion ``truncation``
        and ``blocks``.
    num_vertices, num_faces : int
    texture : dict
        ``width`` and ``height`` in pixels, and how many ``photographs`` it is made from; empty without one.
    seconds : dict of str to float
        Time of each stage, over all runs that contributed.
    max_memory_mb, peak_memory_mb : float
        What was allowed, and what this process has held at most so far.
    warnings : list of str
    files : dict of str to str
        What there is in ``out``, and what it holds.
    options, versions : dict
    """

    scene: str
    out: str
    mesh: str
    views: dict[str, dict[str, Any]]
    skipped: dict[str, str]
    volume: dict[str, Any]
    num_vertices: int
    num_faces: int
    texture: dict[str, int]
    seconds: dict[str, float]
    max_memory_mb: float
    peak_memory_mb: float
    warnings: list[str]
    files: dict[str, str]
    options: dict[str, Any]
    versions: dict[str, str]


def summarize(
    run: RunFolder,
    scene: str,
    mesh: str,
    views: Mapping[str, Mapping[str, Any]],
    skipped: Mapping[str, str],
    volume: Mapping[str, Any],
    options: Mapping[str, Any],
    max_bytes: int,
    notes: Sequence[str] = (),
) -> SurfaceSummary:
    """What the run folder holds right now; ``views`` are those that were used, ``notes`` further warnings."""
    facts, compared = run.info("mesh")["mesh"], run.info("views")
    warnings = [*(f"{name} was skipped: {reason}" for name, reason in skipped.items()), *notes]
    return SurfaceSummary(
        scene=scene,
        out=str(run.path),
        mesh=mesh,
        views={name: {**known, **compared.get(name, {})} for name, known in views.items()},
        skipped=dict(skipped),
        volume=dict(volume),
        num_vertices=facts["vertices"],
        num_faces=facts["faces"],
        texture=run.info("mesh").get("texture", {}),
        seconds=run.seconds(),
        max_memory_mb=max_bytes / 2**20,
        peak_memory_mb=peak_memory_mb(),
        warnings=warnings,
        files=_files(run),
        options=dict(options),
        versions=versions(*_LIBRARIES),
    )


def _files(run: RunFolder) -> dict[str, str]:
    """What the run folder holds."""
    files = {n: text for n, text in _FILES.items() if n == "summary.json" or (run.path / n).exists()}
    beside = {name: "belongs to mesh.obj" for name in run.digests("mesh", "mesh") if name not in files}
    return {**files, **beside}
