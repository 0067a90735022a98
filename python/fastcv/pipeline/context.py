# SPDX-License-Identifier: Apache-2.0
"""What every stage is given, and what the stages before it left in the run folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import io
from .._extras import require
from ..scene import Camera, Reconstruction
from .dense import Dense, DenseSettings
from .options import Options
from .photos import PhotoFile, assign_cameras
from .run_folder import RunFolder


class Context:
    """A run in progress. What it tells of earlier stages it reads from the run folder when asked.

    Parameters
    ----------
    run : RunFolder
    options : Options
    source : Path
        The folder of photographs.
    files : sequence of PhotoFile
        Distinct photographs.
    skipped : mapping of str to str
        Files that are left out, and why.
    """

    def __init__(
        self, run: RunFolder, options: Options, source: Path, files: Sequence[PhotoFile], skipped: Mapping[str, str]
    ):
        self.run, self.options, self.source, self.files, self._skipped = run, options, source, files, skipped

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """What the features stage found out about each photograph that could be read."""
        return {name: fact for name, fact in self.run.info("features").items() if "skipped" not in fact}

    @property
    def names(self) -> list[str]:
        """Photographs that could be read. Image ids are positions in this list, from 1."""
        facts = self.facts
        return [file.name for file in self.files if file.name in facts]

    @property
    def skipped(self) -> dict[str, str]:
        """Files that are left out, and why."""
        unreadable = {n: fact["skipped"] for n, fact in self.run.info("features").items() if "skipped" in fact}
        return {**self._skipped, **unreadable}

    @cached_property
    def _assigned(self) -> tuple[dict[int, Camera], dict[str, int]]:
        facts = self.facts
        return assign_cameras({name: facts[name] for name in self.names}, self.options)

    @property
    def cameras(self) -> dict[int, Camera]:
        """Cameras before the reconstruction, by id."""
        return self._assigned[0]

    @property
    def camera_ids(self) -> dict[str, int]:
        """Which camera took each photograph."""
        return self._assigned[1]

    @cached_property
    def model(self) -> Reconstruction:
        """The largest model of the sparse stage."""
        return io.read_colmap(self.run.path / "sparse" / "0")

    @cached_property
    def dense(self) -> Dense:
        """The largest model for multi-view stereo."""
        preset = self.options.preset
        settings = DenseSettings(
            preset.depth_size,
            preset.max_planes,
            preset.num_sources,
            preset.refine,
            num_threads=self.options.num_threads,
        )
        paths = {file.name: file.path for file in self.files}
        digests = {file.name: file.digest for file in self.files}
        return Dense(self.run, self.model, paths, digests.get, settings)

    @contextmanager
    def side_by_side(self) -> Iterator[int]:
        """How many photographs to work on at a time; OpenCV and numpy's BLAS start no threads of their own meanwhile.

        BLAS threads spin while they wait, which cost more than half of the matching's time where they shared two cores.
        """
        cv2 = require("cv2")
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            with require("threadpoolctl").threadpool_limits(1, user_api="blas"):
                yield self.options.num_threads or len(os.sched_getaffinity(0))
        finally:
            cv2.setNumThreads(before)
