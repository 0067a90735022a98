# SPDX-License-Identifier: Apache-2.0
"""Stage "depth": the depth of every pixel of a photograph, by plane sweeps from coarse to fine and refinement."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from .. import io, mvs
from ..errors import FormatError
from .dense import Dense, DenseSettings
from .tasks import Made, Task
from .text import why_unreadable

MIN_PLANES = 8
MAX_LEVELS = 3  # of the pyramid
MIN_COARSE_SIDE = 80  # of its smallest images, in pixels


def run(dense: Dense, names: Sequence[str], *, finished_only: bool = False, keep_others: bool = False) -> None:
    """Write ``estimated/``: depth and confidence of these photographs, by those that see the same.

    Tasks run one after the other in the calling thread, for the sweep itself uses all cores. A photograph that cannot
    be read or matched is noted with the reason.

    Parameters
    ----------
    dense : Dense
    names : sequence of str
    finished_only : bool
        Whether to take what is there and make nothing new.
    keep_others : bool
        Whether to keep the results of other photographs.
    """
    tasks = [_task(dense, name) for name in names]
    if finished_only:
        tasks = dense.run.finished("depth", tasks)
    dense.run.execute("depth", tasks, keep_others=keep_others)


def _task(dense: Dense, name: str) -> Task:
    sources = dense.candidates[name][: dense.settings.num_sources]
    group = [name, *map(dense.name, sources)]
    settings = [dense.settings.max_size, dense.settings.max_planes, dense.settings.refine]
    try:
        limits = dense.depth_range(name) if sources else None
        reason = "no other photograph shows the same from another place"
    except ValueError as error:
        limits, reason = None, str(error)
    inputs = [[dense.describe(member) for member in group], limits, settings]
    if limits is None:
        return Task(name, inputs, lambda: Made(info={"skipped": reason}))
    return Task(name, inputs, lambda: _estimate(dense, name, sources, limits))


def _estimate(dense: Dense, name: str, candidates: Sequence[mvs.Candidate], limits: tuple[float, float]) -> Made:
    """Sweep a photograph against its sources; those that cannot be read are left out."""
    start = time.perf_counter()
    views, unreadable = _read(dense, [name, *map(dense.name, candidates)])
    if name in unreadable:
        return Made(info={"skipped": unreadable[name]})
    if len(views) < 2:
        return Made(info={"skipped": f"its sources cannot be read: {'; '.join(unreadable.values())}"})
    try:
        result, num_planes = sweep(views[name], [*views.values()][1:], limits, dense.settings)
    except ValueError as error:  # views that cannot be matched: it says which and why
        return Made(info={"skipped": str(error)})
    files = []
    for kind, values in (("depth", result.depth), ("confidence", result.confidence)):
        files.append(dense.run.file("estimated", name, f".{kind}.pfm"))
        io.write_pfm(files[-1], values)
    height, width = views[name].image.shape[:2]
    K = np.asarray(views[name].K)
    facts = {
        "camera": {"width": width, "height": height, "params": K[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()},
        "near": limits[0],
        "far": limits[1],
        "planes": num_planes,
        "sources": [{"name": dense.name(c), **c._asdict()} for c in candidates if dense.name(c) in views],
        "unreadable": unreadable,
        "seconds": time.perf_counter() - start,
    }
    return Made(files, facts)


def _read(dense: Dense, names: Sequence[str]) -> tuple[dict[str, mvs.View], dict[str, str]]:
    """Views by name, and of those that cannot be read the reason."""
    views, unreadable = {}, {}
    for name in names:
        try:
            views[name] = dense.views[name]
        except (FormatError, OSError) as error:
            unreadable[name] = why_unreadable(error)
    return views, unreadable


def sweep(
    reference: mvs.View, sources: Sequence[mvs.View], limits: tuple[float, float], settings: DenseSettings
) -> tuple[mvs.DepthMap | mvs.RefinedDepth, int]:
    """The depth of the reference, and with how many planes: the one place where the estimator is called."""
    wanted = mvs.num_inverse_depth_planes(reference, sources, *limits)
    num_planes = min(max(wanted, MIN_PLANES), settings.max_planes)
    depths = mvs.inverse_depth_planes(*limits, num_planes)
    levels, num_threads = num_levels([reference, *sources], num_planes), settings.num_threads
    result = mvs.estimate_depth_pyramid(reference, sources, depths, num_levels=levels, num_threads=num_threads)
    if not settings.refine:
        return result, num_planes
    return mvs.refine_depth(reference, sources, result, depth_range=limits, num_threads=num_threads), num_planes


def num_levels(views: Sequence[mvs.View], num_planes: int) -> int:
    """How many sizes of these images show enough to sweep."""
    side = min(min(view.image.shape[:2]) for view in views)
    fits = [n for n in range(1, MAX_LEVELS) if side >> n >= MIN_COARSE_SIDE and num_planes >> n >= MIN_PLANES]
    return 1 + len(fits)
