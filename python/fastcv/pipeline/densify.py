# SPDX-License-Identifier: Apache-2.0
"""From a posed model and its photographs to depth maps, a fused cloud and a report."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from .. import io, report
from ..errors import FastcvError
from ..scene import Reconstruction
from . import stage_depth, stage_filter, stage_fuse
from .dense import Dense
from .densify_options import DensifyOptions
from .densify_report import gather
from .densify_summary import DensifySummary, summarize
from .digest import digest_or_none
from .manifest import refuse_foreign_folder
from .progress import ProgressCallback
from .run_folder import RunFolder
from .tasks import Made, Task

DENSIFY_STAGES = ("depth", "filter", "fuse", "report")


class DensifyError(FastcvError, ValueError):
    """The model or the photographs do not allow it; the message says why."""


def densify(
    model: str | os.PathLike[str],
    photos: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: DensifyOptions | None = None,
    *,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> DensifySummary:
    """Multi-view stereo on a COLMAP model.

    Photographs are undistorted and scaled down where they are larger than asked for. Results are written to ``out`` as
    they come, each of them whole or not at all. Called again with the same arguments after it was stopped (by an
    exception, Ctrl-C or kill -9, at any moment), it goes on where it stopped.

    Parameters
    ----------
    model : path-like
        Folder of a COLMAP model; points are not necessary.
    photos : path-like
        Folder of the photographs that the model names. Those that cannot be read are skipped and named in the result.
    out : path-like
        Run folder: created, or one of an earlier run. Views that are finished are kept, whatever views are asked for.
    options : DensifyOptions, optional
    overwrite : bool, optional
        Redo everything that is in ``out`` from an earlier run.
    progress : callable, optional
        Receives ``Progress`` of the stages ``DENSIFY_STAGES`` in the calling thread. An exception it raises stops the
        run.

    Returns
    -------
    DensifySummary

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        There is no model or no folder ``photos``.
    FormatError
        The model is damaged.
    DensifyError
        The model has no two images, one that has no pinhole view, or photographs of which none is in ``photos``.
    FileExistsError
        ``out`` holds something else.
    FolderInUseError
        Another process works in ``out``, or on the same shard in it.
    OptionsError
        No view fits ``views``, or less memory is allowed than the largest view needs.
    OSError
        A file cannot be written (disk full). What was finished stays.

    Examples
    --------
    >>> from fastcv import pipeline, synthetic
    >>> synthetic.write_dataset(synthetic.make_dataset("courtyard", num_views=3, width=96, height=72), "scene")
    >>> summary = pipeline.densify("scene/truth/sparse", "scene/photos", "out")
    >>> summary.num_depth_maps, summary.num_points > 100
    (3, True)
    """
    source, folder, options = Path(photos), Path(out), options or DensifyOptions()
    scene = _read(Path(model), source)
    names = options.select([image.name for image in scene.images.values()])
    refuse_foreign_folder(folder, "mvs")
    part = "" if options.part is None else "{}-of-{}".format(*options.part)
    with RunFolder(folder, progress, overwrite, "mvs", part) as run:
        paths = {image.name: source / image.name for image in scene.images.values()}
        dense = Dense(run, scene, paths, cache(lambda name: digest_or_none(paths[name])), options.settings())
        dense.plan.check()
        stage_depth.run(dense, names, finished_only=options.fuse, keep_others=True)
        if not part:
            stage_filter.run(dense, names)
            stage_fuse.run(dense)
            _report(dense, str(model), str(photos), names, options)
        summary = summarize(dense, str(model), str(photos), names, options)
        if not part:
            summary.write(folder / "summary.json")
    return summary


def _read(path: Path, photos: Path) -> Reconstruction:
    """The model, checked."""
    model = io.read_colmap(path)
    if not photos.is_dir():
        kind = "a file" if photos.exists() else "nothing there"
        raise NotADirectoryError(f"{photos}: expected a folder of photographs, got {kind}")
    if len(model.images) < 2:
        raise DensifyError(f"{path}: expected a model with two images or more, got {len(model.images)}")
    names = sorted(image.name for image in model.images.values())
    if len(set(names)) < len(names):
        raise DensifyError(f"{path}: expected images with different names")
    for key, camera in model.cameras.items():
        if camera.is_spherical:
            raise DensifyError(f"{path}: camera {key}: expected a model with a pinhole view, got {camera.model}")
    if not any((photos / name).exists() for name in names):
        raise DensifyError(f"{photos}: expected the model's photographs, such as {names[0]}, found none of them")
    return model


def _report(dense: Dense, model: str, photos: str, names: list[str], options: DensifyOptions) -> None:
    run, path = dense.run, dense.run.path / "report.html"
    stages = ("depth", "filter", "fuse")
    digests = [[stage, name, run.digests(stage, name)] for stage in stages for name in run.info(stage)]
    skipped = {name: run.info("depth").get(name, {}).get("skipped") for name in names}

    def make() -> Made:
        report.write_densification(gather(dense, summarize(dense, model, photos, names, options)), path)
        return Made([path])

    run.execute("report", [Task("report", [digests, skipped, names, str(options)], make)])
