# SPDX-License-Identifier: Apache-2.0
"""From a folder of photographs to cameras, depth, a cloud and a report."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import ReconstructionError
from . import (
    stage_depth,
    stage_features,
    stage_filter,
    stage_fuse,
    stage_matches,
    stage_report,
    stage_sparse,
    stage_verify,
)
from .context import Context
from .manifest import refuse_foreign_folder
from .options import STAGES, Options, OptionsError, Stage
from .photos import find_photos
from .progress import ProgressCallback
from .run_folder import RunFolder
from .summary import Summary, summarize

_RUN: dict[Stage, Callable[[Context], None]] = {
    "features": stage_features.run,
    "matches": stage_matches.run,
    "verify": stage_verify.run,
    "sparse": stage_sparse.run,
    "depth": lambda context: stage_depth.run(context.dense, sorted(context.dense.ids)),
    "filter": lambda context: stage_filter.run(context.dense, sorted(context.dense.ids)),
    "fuse": lambda context: stage_fuse.run(context.dense),
    "report": stage_report.run,
}


def reconstruct(
    photos: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: Options | None = None,
    *,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> Summary:
    """Reconstruct a scene from photographs.

    Results are written to ``out`` as they come, each of them whole or not at all. Called again with the same
    arguments after it was stopped (by an exception, Ctrl-C or kill -9, at any moment), it goes on where it stopped;
    called with other options or after photographs have changed, it redoes what depends on the change.

    Parameters
    ----------
    photos : path-like
        Folder of photographs, folders in it included. Files that cannot be read are skipped and named in the result.
    out : path-like
        Run folder: created, or one of an earlier run.
    options : Options, optional
    overwrite : bool, optional
        Redo everything that is in ``out`` from an earlier run.
    progress : callable, optional
        Receives ``Progress`` in the calling thread. An exception it raises stops the run.

    Returns
    -------
    Summary

    Raises
    ------
    NotADirectoryError
        There is no folder ``photos``.
    FileExistsError
        ``out`` holds something else than a run.
    FolderInUseError
        Another process works in ``out``.
    OptionsError
        ``out`` lies inside ``photos`` or is it, or an option does not suit the photographs.
    ReconstructionError
        Fewer than two photographs can be read, or they show no common scene from different places.
    MissingDependencyError
        A library of ``fastcv[pipeline]`` is not installed.
    OSError
        A file cannot be written (disk full). What was finished stays.

    Examples
    --------
    >>> from fastcv import pipeline, synthetic
    >>> synthetic.write_dataset(synthetic.make_dataset("courtyard", num_views=2, width=96, height=72), "scene")
    >>> summary = pipeline.reconstruct("scene/photos", "out", pipeline.Options(until="matches"))
    >>> summary.num_photos, sorted(summary.seconds)
    (2, ['features', 'matches'])
    """
    source, folder, options = Path(photos), Path(out), options or Options()
    if not source.is_dir():
        raise NotADirectoryError(f"{source}: expected a folder of photographs, got {_kind(source)}")
    if source.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise OptionsError(f"out: expected a folder outside of the photographs in {source}, got {folder}")
    refuse_foreign_folder(folder, "reconstruct")
    options.known_intrinsics()
    files, skipped = find_photos(source)
    _require_two(source, len(files), skipped)
    with RunFolder(folder, progress, overwrite) as run:
        context = Context(run, options, source, files, skipped)
        for stage in options.stages:
            _RUN[stage](context)
            if stage == "features":
                _require_two(source, len(context.names), context.skipped)
        if run.worked:
            for stage in STAGES[len(options.stages) :]:
                run.forget(stage)
        summary = summarize(context)
        summary.write(folder / "summary.json")
    return summary


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "nothing there"


def _require_two(source: Path, count: int, skipped: dict[str, str]) -> None:
    if count >= 2:
        return
    found = {0: "none", 1: "one"}[count]
    reasons = "".join(f"\n  {name}: {reason}" for name, reason in skipped.items())
    raise ReconstructionError(
        f"{source}: expected at least two different photographs that can be read, found {found}"
        + (f"; skipped:{reasons}" if reasons else "")
    )
