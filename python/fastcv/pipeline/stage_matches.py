# SPDX-License-Identifier: Apache-2.0
"""Stage 2: match the features of every pair of photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import features
from ..features import Features
from .context import Context
from .store import load_features, save_arrays
from .tasks import Made, Task

RATIO = 0.8  # Lowe, IJCV 2004, section 7.1


def run(context: Context) -> None:
    """Write ``matches/``: for each photograph its matches with every later one."""
    names = context.names
    cache = FeatureCache(context)

    def task(group: Sequence[str]) -> Task:
        digests = [context.run.digests("features", name) for name in group]
        return Task(group[0], [RATIO, group, digests], lambda: _match(context, cache, group))

    with context.side_by_side() as workers:
        tasks = [task(names[row:]) for row in range(len(names) - 1)]
        context.run.execute("matches", tasks, workers=workers)


class FeatureCache(dict[str, Features]):
    """Features by photograph, read once: every photograph meets every other."""

    def __init__(self, context: Context):
        super().__init__()
        self._context = context

    def __missing__(self, name: str) -> Features:
        self[name] = load_features(self._context.run.file("features", name, ".npz"))
        return self[name]


def _match(context: Context, cache: FeatureCache, names: Sequence[str]) -> Made:
    """Match the first photograph with the others."""
    first, *others = names
    found = []
    for other in others:
        context.run.checkpoint()
        found.append(features.match(cache[first], cache[other], ratio=RATIO))
    path = context.run.file("matches", first, ".npz")
    ends = np.cumsum([len(matches) for matches in found])
    arrays = {"names": np.array(others), "ends": ends, "matches": np.concatenate(found)}
    counts = {other: len(matches) for other, matches in zip(others, found, strict=True)}
    return Made([path], {"pairs": counts}, lambda: save_arrays(path, arrays))
