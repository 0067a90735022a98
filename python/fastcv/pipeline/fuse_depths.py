# SPDX-License-Identifier: Apache-2.0
"""From depth maps to a mesh and a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io, report
from ..mesh import Mesh
from ..scene import Image, Reconstruction
from . import stage_depths, stage_integrate, stage_mesh, stage_texture, surface_report
from .fuse_options import FuseOptions
from .fuse_source import DepthFile, FuseError, find_depths
from .manifest import refuse_foreign_folder
from .options import OptionsError
from .place import Place
from .progress import ProgressCallback
from .record import plain_values
from .run_folder import RunFolder
from .surface_summary import SurfaceSummary, summarize
from .text import thousands

FUSE_STAGES = ("integrate", "mesh", "views", "turntable", "report")


def fuse_depths(
    scene: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: FuseOptions | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> SurfaceSummary:
    """Fuse depth maps with known cameras into a volume of signed distances, and make it a mesh.

    Results are written as they come, each of them whole or not at all. Called again with the same arguments after it
    was stopped (by an exception, Ctrl-C or kill -9, at any moment), it goes on where it stopped: the volume is written
    every ten seconds. Called again after depth maps came to the end of a sequence, it adds those.

    Parameters
    ----------
    scene : path-like
        A run folder of ``densify`` or ``reconstruct``, COLMAP's dense workspace, or an RGB-D sequence in the manner of
        7-Scenes or TUM (``io.read_rgbd``).
    out : path-like
        Run folder: created, or one of an earlier run. Or the file of the mesh, ``name.glb``, ``.ply`` or ``.obj``: the
        run folder is then ``name`` beside it.
    options : FuseOptions, optional
    images : path-like, optional
        Folder of the photographs, where it is not where the run folder says.
    overwrite : bool, optional
        Redo everything that is in ``out`` from an earlier run.
    progress : callable, optional
        Receives ``Progress`` of the stages ``FUSE_STAGES`` in the calling thread. An exception it raises stops the run.

    Returns
    -------
    SurfaceSummary

    Raises
    ------
    NotADirectoryError
        There is no such folder.
    FormatError
        Cameras, poses or associations are damaged. Depth maps and photographs that are damaged are skipped, and named
        in the result.
    FuseError
        ``scene`` is nothing that holds depth maps, or none of them can be read.
    FileExistsError
        ``out`` holds something else.
    FolderInUseError
        Another process works in ``out``.
    OptionsError
        Less memory is allowed than the volume needs.
    OSError
        A file cannot be written (disk full). What was finished stays.

    Examples
    --------
    >>> from fastcv import pipeline, synthetic
    >>> synthetic.write_dataset(synthetic.make_dataset("courtyard", num_views=4, width=160, height=120), "scene")
    >>> stereo = pipeline.DensifyOptions(refine=False)
    >>> _ = pipeline.densify("scene/truth/sparse", "scene/photos", "depths", stereo)
    >>> summary = pipeline.fuse_depths("depths", "yard.ply")
    >>> summary.mesh, len(summary.views), summary.num_faces > 100
    ('yard.ply', 4, True)
    """
    source, options, place = Path(scene), options or FuseOptions(), Place.of(out)
    frames, skipped = find_depths(source, None if images is None else Path(images), options.intrinsics)
    if source.resolve() == place.folder.resolve():
        raise OptionsError(f"out: expected another folder than the scene's, got {place.folder}")
    if options.texture:
        stage_texture.check(place.suffix, any(frame.photo for frame in frames))
    refuse_foreign_folder(place.folder, "fuse")
    with RunFolder(place.folder, progress, overwrite, "fuse") as run:
        stage_integrate.run(run, frames, options)
        known = run.info("integrate")["volume"]["frames"]
        skipped |= {name: facts["skipped"] for name, facts in known.items() if "skipped" in facts}
        used = [frame for frame in frames if "skipped" not in known[frame.name]]
        inputs = [run.digests("integrate", "volume"), options.min_frames, stage_mesh.surface_choices(options)]
        texturing = stage_texture.texturing(_photos(used), options) if options.texture else None
        stage_mesh.run(run, inputs, place.suffix, lambda: _mesh(run, options), texturing)
        place.deliver(lambda: stage_mesh.load_mesh(run))
        stage_depths.run(run, used, options)
        model = _model(used)
        up = report.up_direction(np.array([image.cam_from_world for image in model.images.values()]))
        stage_mesh.run_turntable(run, up, options.num_threads)
        say = partial(_summarize, run, str(scene), place, used, skipped, options)
        _report(run, say(), used, model, options)
        summary = say()
        summary.write(place.folder / "summary.json")
    return summary


def _mesh(run: RunFolder, options: FuseOptions) -> Mesh:
    volume = stage_integrate.load_volume(run)
    mesh = volume.extract_mesh(min_weight=options.min_frames, num_threads=options.num_threads)
    del volume  # the larger one of the two
    if not len(mesh.faces):
        seen = f" that {options.min_frames} depth maps have seen (min_frames)" if options.min_frames > 1 else ""
        raise FuseError(f"the depth maps show no surface{seen}: too few of their pixels lie in voxels side by side")
    return stage_mesh.cleaned(run, mesh, options)


def _photos(frames: Sequence[DepthFile]) -> list[stage_texture.TexturePhoto]:
    """The photographs that a texture is made from, in the size of the depth maps."""
    return [
        stage_texture.TexturePhoto(frame.name, frame.camera, frame.cam_from_world, frame.read_photo, frame.describe())
        for frame in frames
        if frame.photo is not None
    ]


def _model(frames: Sequence[DepthFile]) -> Reconstruction:
    """Cameras and poses as the report draws them."""
    cameras = {key: frame.camera for key, frame in enumerate(frames, 1)}
    return Reconstruction(cameras, {k: Image(f.name, k, f.cam_from_world) for k, f in enumerate(frames, 1)})


def _summarize(
    run: RunFolder,
    scene: str,
    place: Place,
    frames: Sequence[DepthFile],
    skipped: dict[str, str],
    options: FuseOptions,
) -> SurfaceSummary:
    facts = run.info("integrate")["volume"]
    used = {frame.name: facts["frames"][frame.name] for frame in frames}
    notes = []
    if options.colors and all(frame.photo is None for frame in frames):
        notes.append("the mesh has no colours, for no photographs were found; images says where they are")
    return summarize(
        run, scene, str(place.mesh), used, skipped, facts["volume"], plain_values(options), options.max_bytes, notes
    )


def _report(
    run: RunFolder,
    summary: SurfaceSummary,
    frames: Sequence[DepthFile],
    model: Reconstruction,
    options: FuseOptions,
) -> None:
    total = len(summary.views) + len(summary.skipped)
    compared = [facts for facts in summary.views.values() if "explained" in facts]
    size = summary.volume["voxel_size"]
    lead = (
        f"{len(summary.views)} of {total} depth maps, fused in voxels of side {size:.4g}; half of their depths "
        f"lie within {_typical_error(compared)} voxels of the mesh."
    )
    figures = [
        ("Depth maps", f"{len(summary.views)} of {total}"),
        ("Voxel", f"{size:.3g}"),
        ("Median error / voxels", _typical_error(compared)),
        ("Blocks of 8³", thousands(summary.volume["blocks"])),
    ]
    limits = _depth_limits(frames, options)
    shown = [_shown(run, frame, summary.views[frame.name], limits, options) for frame in frames]
    note = "Each depth map in colours, near is warm, with its photograph, and the mesh from the same place."
    surface_report.run(run, summary, lead, figures, model, shown, note)


def _typical_error(compared: Sequence[dict[str, Any]]) -> str:
    """The median over views of the median distance of their depths to the mesh, in voxels."""
    errors = [facts["error"] for facts in compared if facts["error"] is not None]
    return f"{np.median(errors):.2f}" if errors else "unknown"


def _depth_limits(frames: Sequence[DepthFile], options: FuseOptions) -> tuple[float, float]:
    """Near and far of some of the depth maps."""
    some = frames[:: len(frames) // stage_depths.MAX_VIEWS + 1]
    return report.depth_limits(frame.read_depth(options.max_depth) for frame in some)


def _shown(
    run: RunFolder,
    frame: DepthFile,
    facts: dict[str, Any],
    limits: tuple[float, float],
    options: FuseOptions,
) -> report.SurfaceView:
    error = facts.get("error")
    text = {
        "depth on": f"{facts['coverage']:.0%}",
        "median depth": f"{facts['median_depth']:.3g}",
        "within a voxel": f"{facts['explained']:.0%}" if "explained" in facts else "",
        "median error / voxels": f"{error:.2f}" if error is not None else "",
    }
    if "explained" not in facts:
        return report.SurfaceView(frame.name, text)
    pictures: list[tuple[str, Callable[[], NDArray[np.uint8]]]] = [
        ("Depth", lambda: report.depth_picture(frame.read_depth(options.max_depth), *limits)),
        ("Mesh", lambda: io.read_photo(run.file("views", frame.name, ".png"))),
    ]
    if options.colors and frame.photo is not None:
        pictures.insert(0, ("Photograph", frame.read_photo))
    return report.SurfaceView(frame.name, text, pictures)
