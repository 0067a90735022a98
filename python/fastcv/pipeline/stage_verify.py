# SPDX-License-Identifier: Apache-2.0
"""Stage 3: keep the matches that one motion of the camera explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import sfm
from .context import Context
from .photos import describe
from .stage_matches import FeatureCache
from .store import load_arrays, save_geometries
from .tasks import Made, Task


def run(context: Context) -> None:
    """Write ``verified/``: for each photograph the motion and the inliers with every later one that has any."""
    names = context.names
    cache = FeatureCache(context)

    def task(group: Sequence[str]) -> Task:
        cameras = [describe(context.cameras[context.camera_ids[name]]) for name in group]
        digests = [context.run.digests("matches", group[0]), [context.run.digests("features", n) for n in group]]
        inputs = [context.options.seed, group, cameras, digests]
        return Task(group[0], inputs, lambda: _verify(context, cache, group[0]))

    with context.side_by_side() as workers:
        tasks = [task(names[row:]) for row in range(len(names) - 1)]
        context.run.execute("verify", tasks, workers=workers)


def _verify(context: Context, cache: FeatureCache, first: str) -> Made:
    """Verify one photograph against the later ones."""
    stored = load_arrays(context.run.file("matches", first, ".npz"))
    pairs: dict[str, sfm.TwoViewGeometry] = {}
    for other, matches in zip(stored["names"].tolist(), np.split(stored["matches"], stored["ends"][:-1]), strict=True):
        context.run.checkpoint()
        cameras = (context.cameras[context.camera_ids[name]] for name in (first, other))
        found = sfm.verify_pair(cache[first], cache[other], matches, *cameras, seed=context.options.seed)
        if len(found.matches):
            pairs[other] = found
    path = context.run.file("verified", first, ".npz")
    counts = {other: len(pair.matches) for other, pair in pairs.items()}
    return Made([path], {"pairs": counts}, lambda: save_geometries(path, pairs))
