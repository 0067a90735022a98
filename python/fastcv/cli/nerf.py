# SPDX-License-Identifier: Apache-2.0
"""``fastcv nerf train`` and ``fastcv nerf render``: posed images to a radiance field, and pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from ..pipeline import NerfOptions
from .later import later
from .progress import make_console, show_progress


def nerf() -> int:
    """Radiance fields: fastcv nerf train, fastcv nerf render."""
    raise AssertionError("main looks for the second word")


def train(
    scene: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    training: Annotated[Callable[[], NerfOptions], tyro.conf.arg(constructor=later(NerfOptions))],
    photos: Path | None = None,
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Train a radiance field on posed images.

    Writes the field, pictures of what was held out with their PSNR and depth, a turntable, a mesh and report.html.
    After an interruption of any kind the same command goes on where it stopped.

    Args:
        scene: transforms.json or its folder, an .npz archive, or a COLMAP model with photographs.
        out: Folder for the results, or the file of the mesh, NAME.glb or .ply: the rest is then in the folder NAME.
        training: How to train.
        photos: Folder of a COLMAP model's photographs, where it is elsewhere.
        overwrite: Redo everything that is in the folder from an earlier run.
        json: Print the metrics as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    options = training()
    with show_progress(pipeline.NERF_STAGES) as progress:
        summary = pipeline.train_field(scene, out, options, photos=photos, overwrite=overwrite, progress=progress)
    if json:
        print(summary.to_json())
        return 0
    console = make_console(stderr=False)
    for text in summary.warnings:
        console.print("warning: ", text, style="yellow", sep="", markup=False)
    last = summary.curve[-1]
    console.print(f"{last['step']} steps in {last['seconds']:.1f} s", markup=False)
    if summary.psnr is not None:
        ssim = "" if summary.ssim is None else f", SSIM {summary.ssim:.4f}"
        console.print(f"{len(summary.views)} held-out views: PSNR {summary.psnr:.2f} dB{ssim}", markup=False)
    console.print(Path(summary.out) / "report.html", style="bold", markup=False)
    return 0


def render(
    field: tyro.conf.Positional[Path],
    scene: tyro.conf.Positional[Path],
    /,
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    split: str = "test",
    photos: Path | None = None,
) -> int:
    """Render a trained field from the cameras of a scene.

    Args:
        field: field.npz of fastcv nerf train, or its folder.
        scene: Whose cameras: what fastcv nerf train takes.
        out: Folder for the pictures, PNG.
        split: Which images' cameras: train, test or val.
        photos: Folder of a COLMAP model's photographs, where it is elsewhere.
    """
    from .. import pipeline

    with show_progress(("views",)) as progress:
        names = pipeline.render_field(field, scene, out, split=split, photos=photos, progress=progress)
    make_console(stderr=False).print(f"{len(names)} pictures in {out}", markup=False)
    return 0
