# SPDX-License-Identifier: Apache-2.0
"""What came out of training a radiance field, for people and machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .record import Record, peak_memory_mb, versions
from .run_folder import RunFolder

_LIBRARIES = ("numpy", "torch", "pillow", "matplotlib")

# What a run folder holds, in the order in which people look for it.
_FILES = {
    "report.html": "the report; one file, can be sent as it is",
    "metrics.json": "PSNR and SSIM of each view, and the curve along the training",
    "summary.json": "all numbers of the report for programs",
    "views": "what was held out, rendered",
    "depth": "depth maps of these, PFM (0 = none)",
    "turntable": "new views from all around",
    "mesh.glb": "the surface with colours, for Blender, browsers and most viewers",
    "mesh.ply": "the surface with colours, for MeshLab, CloudCompare, Blender",
    "field.npz": "the field, for fastcv.nerf.load_field and fastcv nerf render",
    "manifest.json": "what each result was made from; lets the same command go on where it stopped",
}


@dataclass(frozen=True)
class NerfSummary(Record):
    """Outcome of ``train_field``.

    Parameters
    ----------
    scene, out : str
        The scene and the run folder.
    num_images : dict of str to int
        By split.
    curve : list of dict
        Along the training: ``step``, ``seconds`` of training, ``loss``, ``psnr`` of some of what is held out.
    views : dict
        By held-out view: ``psnr`` in dB and ``ssim`` (None for tiny pictures).
    psnr : float or None
        Mean over them; None where nothing is held out.
    ssim : float or None
    num_vertices, num_faces : int
        Of the mesh; 0 where there is none.
    seconds : dict of str to float
        Time of each stage, over all runs that contributed.
    peak_memory_mb : float
        What this process has held at most so far.
    warnings : list of str
    files : dict of str to str
        What there is in ``out``, and what it holds.
    options, versions : dict
    """

    scene: str
    out: str
    num_images: dict[str, int]
    curve: list[dict[str, float]]
    views: dict[str, dict[str, Any]]
    psnr: float | None
    ssim: float | None
    num_vertices: int
    num_faces: int
    seconds: dict[str, float]
    peak_memory_mb: float
    warnings: list[str]
    files: dict[str, str]
    options: dict[str, Any]
    versions: dict[str, str]


def summarize(
    run: RunFolder, scene: str, num_images: dict[str, int], options: dict[str, Any], warnings: list[str]
) -> NerfSummary:
    """What the run folder holds right now."""
    views, mesh = run.info("views"), run.info("mesh").get("mesh", {"vertices": 0, "faces": 0})
    ssims = [facts["ssim"] for facts in views.values() if facts["ssim"] is not None]
    return NerfSummary(
        scene=scene,
        out=str(run.path),
        num_images=num_images,
        curve=run.info("train")["field"]["curve"],
        views=views,
        psnr=sum(facts["psnr"] for facts in views.values()) / len(views) if views else None,
        ssim=sum(ssims) / len(ssims) if ssims else None,
        num_vertices=mesh["vertices"],
        num_faces=mesh["faces"],
        seconds=run.seconds(),
        peak_memory_mb=peak_memory_mb(),
        warnings=warnings,
        files={
            name: text
            for name, text in _FILES.items()
            if name in ("metrics.json", "summary.json") or (run.path / name).exists()
        },
        options=options,
        versions=versions(*_LIBRARIES),
    )
