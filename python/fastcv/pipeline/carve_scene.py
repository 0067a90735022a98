# SPDX-License-Identifier: Apache-2.0
"""From silhouettes and cameras to a mesh and a report."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import camera as camera_room
from .. import io, report, voxels
from ..mesh import Mesh
from ..scene import Camera, Image, Reconstruction
from . import stage_carve, stage_color, stage_masks, stage_mesh, stage_silhouettes, stage_texture, surface_report
from .carve_method import find_views
from .carve_options import CarveOptions
from .carve_source import CarveError, SilhouetteFile
from .digest import digest_or_none
from .looks import as_pinhole
from .manifest import refuse_foreign_folder
from .place import Place
from .progress import ProgressCallback
from .record import plain_values
from .run_folder import RunFolder
from .surface_summary import SurfaceSummary, summarize
from .text import thousands

CARVE_STAGES = ("masks", "carve", "color", "mesh", "views", "turntable", "report")
_MUCH = 0.1  # of the silhouettes without mesh: then something is wrong


def carve_scene(
    scene: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: CarveOptions | None = None,
    *,
    cameras: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    masks: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> SurfaceSummary:
    """Carve an object out of space by its silhouettes, and make it a mesh.

    Results are written as they come, each of them whole or not at all. Called again with the same arguments after it
    was stopped (by an exception, Ctrl-C or kill -9, at any moment), it goes on where it stopped.

    Parameters
    ----------
    scene : path-like
        Folder with cameras: a COLMAP model (in it, in ``sparse/0`` or in ``sparse``), Middlebury's ``*_par.txt``, or
        projection matrices in ``P.txt``, which belong to the pictures in the order of their names. To carve by depth
        maps, what ``fuse_depths`` takes.
    out : path-like
        Run folder: created, or one of an earlier run. Or the file of the mesh, ``name.glb``, ``.ply`` or ``.obj``: the
        run folder is then ``name`` beside it.
    options : CarveOptions, optional
    cameras : path-like, optional
        A COLMAP model, ``*_par.txt`` or file of matrices elsewhere.
    images : path-like, optional
        Folder of the photographs; by default ``images``, ``photos`` or the scene itself.
    masks : path-like, optional
        Folder of the silhouettes; by default ``masks`` or ``mask`` in the scene. A mask has the name of its photograph,
        or that and another suffix. Without any, ``options.background`` says what is no object.
    overwrite : bool, optional
        Redo everything that is in ``out`` from an earlier run.
    progress : callable, optional
        Receives ``Progress`` of the stages ``CARVE_STAGES`` in the calling thread. An exception it raises stops the
        run.

    Returns
    -------
    SurfaceSummary

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        A folder or a file is not there.
    FormatError
        The cameras are damaged.
    CarveError
        No cameras, no silhouettes, or none that fit each other.
    FuseError
        No depth maps, where they are to carve.
    FileExistsError
        ``out`` holds something else.
    FolderInUseError
        Another process works in ``out``.
    OptionsError
        Options that do not fit the scene, or less memory than it needs.
    OSError
        A file cannot be written (disk full). What was finished stays.

    Examples
    --------
    >>> from fastcv import pipeline, synthetic
    >>> data = synthetic.make_dataset("object", num_views=6, width=96, height=72, camera_model="PINHOLE")
    >>> synthetic.write_dataset(data, "scene")
    >>> options = pipeline.CarveOptions(resolution=32)
    >>> folders = {"images": "scene/photos", "masks": "scene/truth/mask"}
    >>> summary = pipeline.carve_scene("scene/truth/sparse", "hull.glb", options, **folders)
    >>> summary.mesh, summary.num_faces > 500
    ('hull.glb', True)
    """
    options, place = options or CarveOptions(), Place.of(out)
    others = [None if path is None else Path(path) for path in (cameras, images, masks)]
    views, skipped, options = find_views(Path(scene), options, *others)
    _require(Path(scene), views, skipped)
    if options.texture:
        stage_texture.check(place.suffix, any(view.photo for view in views))
    refuse_foreign_folder(place.folder, "carve")
    with RunFolder(place.folder, progress, overwrite, "carve") as run:
        stage_masks.run(run, views, options)
        skipped |= {name: facts["skipped"] for name, facts in run.info("masks").items() if "skipped" in facts}
        used = stage_masks.usable(run, views)
        _require(Path(scene), used, skipped)
        stage_carve.run(run, used, options)
        stage_color.run(run, used, options)
        made_from = [run.digests("carve", "hull"), [run.digests("color", item) for item in run.info("color")]]
        inputs = [made_from, options.colors, stage_mesh.surface_choices(options)]
        texturing = stage_texture.texturing(_photos(run, used), options) if options.texture else None
        stage_mesh.run(run, inputs, place.suffix, lambda: _mesh(run, options), texturing)
        place.deliver(lambda: stage_mesh.load_mesh(run))
        stage_silhouettes.run(run, used, options.num_threads)
        model = _model(run, used)
        up = report.up_direction(np.array([image.cam_from_world for image in model.images.values()]))
        stage_mesh.run_turntable(run, up, options.num_threads)
        say = partial(_summarize, run, str(scene), place, used, skipped, options)
        _report(run, say(), used, model)
        summary = say()
        summary.write(place.folder / "summary.json")
    return summary


def _require(scene: Path, views: list[SilhouetteFile], skipped: dict[str, str]) -> None:
    """Raise where there is too little to carve with."""
    if len(views) < 2:
        found = {0: "none", 1: "one"}[len(views)] + ("; skipped:" if skipped else "")
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in skipped.items())
        raise CarveError(f"{scene}: expected two views or more, found {found}{reasons}")


def _mesh(run: RunFolder, options: CarveOptions) -> Mesh:
    colored = stage_color.load_photo_hull(run)
    left = stage_carve.load_hull(run) if colored is None else colored.occupancy
    mesh = voxels.mesh_occupancy(left, num_threads=options.num_threads)
    if colored is not None and options.colors:
        mesh = voxels.color_mesh(mesh, colored)
    if not len(mesh.faces):
        raise CarveError("the voxels that are left are too thin for a surface; smaller ones show more (resolution)")
    return stage_mesh.cleaned(run, mesh, options)


def _photos(run: RunFolder, views: list[SilhouetteFile]) -> list[stage_texture.TexturePhoto]:
    """The photographs that a texture is made from."""
    middle, sizes = np.mean(run.info("carve")["hull"]["bounds"], axis=0), run.info("masks")
    photos = []
    for view in views:
        if view.photo is None:
            continue
        camera, pose = view.camera, view.projection
        if camera is None:
            size = sizes[view.name]["width"], sizes[view.name]["height"]
            camera, pose = as_pinhole(pose * np.sign(_depth(pose, middle)), *size)
        photos.append(stage_texture.TexturePhoto(view.name, camera, pose, view.read_photo, digest_or_none(view.photo)))
    return photos


def _model(run: RunFolder, views: list[SilhouetteFile]) -> Reconstruction:
    """Cameras and poses as the report draws them: without skew."""
    middle = stage_mesh.load_mesh(run).vertices.mean(axis=0, dtype=np.float64)
    sizes = run.info("masks")
    cameras: dict[int, Camera] = {}
    images = {}
    for key, view in enumerate(views, 1):
        pose = view.projection
        if view.camera is not None:
            cameras[key] = view.camera
        else:
            K, pose = camera_room.decompose_projection(pose * np.sign(_depth(pose, middle)))
            params = np.abs([K[0, 0], K[1, 1], K[0, 2], K[1, 2]])
            cameras[key] = Camera("PINHOLE", sizes[view.name]["width"], sizes[view.name]["height"], params)
        images[key] = Image(view.name, key, pose)
    return Reconstruction(cameras, images)


def _depth(P: np.ndarray, point: np.ndarray) -> float:
    return float(P[2, :3] @ point + P[2, 3])


def _summarize(
    run: RunFolder,
    scene: str,
    place: Place,
    views: list[SilhouetteFile],
    skipped: dict[str, str],
    options: CarveOptions,
) -> SurfaceSummary:
    facts = run.info("masks")
    used = {view.name: facts[view.name] for view in views}
    hull = run.info("carve")["hull"]
    colored = run.info("color").get("hull")
    if colored is not None:
        hull = {**hull, "voxels": colored["voxels"], "taken_by_colors": hull["voxels"] - colored["voxels"]}
    missing = float(np.mean([facts["missing"] for facts in run.info("views").values()]))
    notes = []
    if missing > _MUCH:
        why = "some of them have holes, or cameras are wrong; max_violations forgives more"
        notes.append(f"{missing:.0%} of the silhouettes show no mesh: {why}")
    return summarize(run, scene, str(place.mesh), used, skipped, hull, plain_values(options), options.max_bytes, notes)


def _report(run: RunFolder, summary: SurfaceSummary, views: list[SilhouetteFile], model: Reconstruction) -> None:
    total = len(summary.views) + len(summary.skipped)
    overlaps = [facts["iou"] for facts in summary.views.values()]
    size = summary.volume["voxel_size"]
    lead = (
        f"{len(summary.views)} of {total} views leave {thousands(summary.volume['voxels'])} voxels of side "
        f"{size:.4g}; seen again, the mesh overlaps them by {np.mean(overlaps):.1%}."
    )
    figures = [
        ("Views", f"{len(summary.views)} of {total}"),
        ("Overlap", f"{np.mean(overlaps):.1%}"),
        ("Worst", f"{min(overlaps):.1%}"),
        ("Voxels", thousands(summary.volume["voxels"])),
    ]
    note = (
        "Each photograph and the mesh from the same place: red is silhouette without mesh, blue mesh without "
        "silhouette. Overlap is the intersection over the union."
    )
    shown = [_shown(run, view, summary.views[view.name]) for view in views]
    surface_report.run(run, summary, lead, figures, model, shown, note)


def _shown(run: RunFolder, view: SilhouetteFile, facts: dict[str, Any]) -> report.SurfaceView:
    photo = view.photo or run.file("masks", view.name, ".png")
    return report.SurfaceView(
        name=view.name,
        facts={
            "overlap": f"{facts['iou']:.1%}",
            "missing": f"{facts['missing']:.1%}",
            "too much": f"{facts['too_much']:.1%}",
            "foreground": f"{facts['foreground']:.1%}",
            "pixels": f"{facts['width']} × {facts['height']}",
        },
        pictures=[
            ("Photograph", lambda: io.read_photo(photo)),
            ("Mesh", lambda: io.read_photo(run.file("views", view.name, ".png"))),
        ],
    )
