# SPDX-License-Identifier: Apache-2.0
"""Stage "color": what the photographs say of the voxels that silhouettes left: which are none, and their colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import voxels
from .carve_options import CarveOptions
from .carve_source import SilhouetteFile
from .digest import digest_or_none
from .run_folder import RunFolder
from .stage_carve import load_hull, load_occupancy, occupancy_arrays
from .stage_masks import load_mask
from .store import load_arrays, save_arrays
from .tasks import Made, Task
from .text import thousands

_FILE = "colors.npz"
# Levels that views may differ by: what noise and reflections explain, and where nothing is to be taken away.
_THRESHOLD, _ANY = 8.0, 1e6


def run(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> None:
    """Write ``colors.npz``, if there are photographs and colours are wanted."""
    with_photo = [view for view in views if view.photo is not None]
    tasks = []
    if (options.colors or options.method == "photos") and len(with_photo) >= 2:
        used = [[run.digests("masks", view.name), view.describe()] for view in with_photo]
        photos = [digest_or_none(view.photo) for view in with_photo if view.photo is not None]
        inputs = [run.digests("carve", "hull"), used, photos, options.method]
        tasks = [Task("hull", inputs, lambda: _color(run, with_photo, options))]
    run.execute("color", tasks)


def load_photo_hull(run: RunFolder) -> voxels.PhotoHull | None:
    """The coloured voxels, if there are any."""
    if not run.info("color"):
        return None
    arrays = load_arrays(run.path / _FILE)
    parts = {name: arrays[name] for name in ("voxels", "colors", "num_views", "gains")}
    rounds, converged = arrays["rounds"].tolist()
    return voxels.PhotoHull(load_occupancy(arrays), **parts, rounds=rounds, converged=bool(converged))


def _color(run: RunFolder, views: Sequence[SilhouetteFile], options: CarveOptions) -> Made:
    start = load_hull(run)

    def tell(done: int, taken: int) -> None:
        run.detail("color", f"round {done}: {thousands(taken)} voxels taken away")

    run.detail("color", f"{len(views)} photographs")
    hull = voxels.space_carve(
        [view.read_photo() for view in views],
        [view.for_carving for view in views],
        start.grid,
        masks=[load_mask(run, view.name) for view in views],
        start=start,
        progress=tell,
        threshold=_THRESHOLD if options.method == "photos" else _ANY,
        num_threads=options.num_threads,
    )
    path = run.path / _FILE
    arrays = {name: getattr(hull, name) for name in ("voxels", "colors", "num_views", "gains")}
    rounds = np.array([hull.rounds, hull.converged])
    save_arrays(path, {**occupancy_arrays(hull.occupancy), **arrays, "rounds": rounds})
    facts = {"voxels": hull.occupancy.num_occupied, "rounds": hull.rounds, "converged": hull.converged}
    return Made([path], facts)
