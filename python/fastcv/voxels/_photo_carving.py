# SPDX-License-Identifier: Apache-2.0
"""The rounds of a space carving: look, judge, take away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, handle
from ._photographs import Photographs
from .occupancy import BLOCK

Progress = Callable[[int, int], None]


class Rule(NamedTuple):
    """What decides, as Consistency of cpp/voxels/photographs.h has it, and whether silhouettes stay filled."""

    level_variance: float
    slack: float
    min_views: int
    hold: bool


class PhotoCarving:
    """The arrays of a carving, where the images are, and its rounds."""

    def __init__(self, call: Call, photos: Photographs, states: NDArray[np.uint8], num_threads: int) -> None:
        self.photos, self.shape = photos, states.shape
        self._call, self._native, self._execution = call, call.backend.voxels, call.execution(num_threads)
        for view in call.fetch(photos.geometry):
            inside = (view[12:15] >= 0) & (view[12:15] < self.shape[::-1])
            if inside.all():
                states[tuple(view[12:15].astype(np.int64)[::-1])] = 0
        blocks = tuple(-(-size // BLOCK) for size in self.shape)
        self._states = call.place(states)
        self._marks, self._touched, self._touches = (
            call.place(np.zeros(shape, np.uint8)) for shape in (self.shape, blocks, blocks)
        )
        self._tiles, self._changed = (call.place(np.ones(photos.num_tiles, np.uint8)) for _ in range(2))
        self._counts = call.empty((self.shape[0],), "int64")
        self._size = np.array(self.shape, np.int64)
        self.rounds = 0
        self._look()

    def run(self, rule: Rule, gains: NDArray[np.float64], max_rounds: int | None, progress: Progress | None) -> bool:
        """Rounds until one finds nothing; whether it came to that."""
        placed = self._call.place(gains)
        self._changed[:] = 1
        self._touched[:] = 1
        while self.rounds != max_rounds:
            self.rounds += 1
            marked = self._judge(rule, placed)
            taken = self._take(rule.hold)
            if progress is not None:
                progress(self.rounds, taken)
            if not marked:
                return True
        return False

    def _judge(self, rule: Rule, gains: Any) -> int:
        photos = self.photos
        self._tiles[:] = 0
        views = (photos.geometry, photos.layout, photos.pixels, gains)
        grid = (photos.depths, self._states, self._changed, self._touched, self._marks, self._tiles, self._counts)
        self._native.judge_voxels(*map(handle, views), *rule[:3], *map(handle, grid), self._execution)
        return int(self._counts.sum())

    def _take(self, hold: bool) -> int:
        photos, native, execution = self.photos, self._native, self._execution
        if hold:
            views = zip(photos.geometry, photos.images(photos.seen), photos.tiles(self._tiles), strict=True)
            for geometry, seen, tiles in views:
                native.hold_rays(*map(handle, (geometry, self._states, self._marks, seen, tiles)), execution)
        self._touches[:] = 0
        arrays = (self._states, self._touched, self._marks, self._counts, self._touches)
        native.take_voxels(*map(handle, arrays), execution)
        self._touched, self._touches = self._touches, self._touched
        self._look()
        arrays = (photos.geometry, photos.layout, self._size, self._changed, self._touched)
        native.touch_blocks(*map(handle, arrays), execution)
        return int(self._counts.sum())

    def _look(self) -> None:
        """Every pixel of marked tiles sees the first voxel that is left on its ray."""
        photos = self.photos
        self._changed[:] = 0
        images, tiles = ((photos.seen, photos.depths), (self._tiles, self._changed))
        parts = (*map(photos.images, images), *map(photos.tiles, tiles))
        for geometry, *view in zip(photos.geometry, *parts, strict=True):
            self._native.cast_rays(*map(handle, (geometry, self._states, *view)), self._execution)

    def fetch_states(self) -> NDArray[np.uint8]:
        """(Z, Y, X), 0 where nothing is left."""
        return self._call.fetch(self._states)

    def observe(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean levels (N, V, 3) that views see of voxels, and the share (N, V) of the footprints that they see."""
        photos, views = self.photos, len(self.photos.sizes)
        colors = self._call.empty((len(numbers), views, 3), "float32")
        shares = self._call.empty((len(numbers), views), "float32")
        arrays = (photos.geometry, photos.layout, photos.pixels, photos.depths, self._size)
        outputs = (self._call.place(np.ascontiguousarray(numbers)), colors, shares)
        self._native.observe_voxels(*map(handle, (*arrays, *outputs)), self._execution)
        return self._call.fetch(colors), self._call.fetch(shares)
