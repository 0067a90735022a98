# SPDX-License-Identifier: Apache-2.0
"""What the dense stages are given: a posed model, its photographs, and choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import mvs
from ..scene import Camera, Image, Reconstruction
from .memory import MemoryPlan, process_bytes
from .photos import describe
from .run_folder import RunFolder
from .views import Views, view_size

DepthFormat = Literal["pfm", "png", "colmap"]

DEFAULT_MEMORY = 2 << 30
MIN_CONFIDENCE = 0.05  # of the plane sweep; below, two depths match about equally well
MIN_CONSISTENT = 2  # other photographs that must agree, where there are as many
_NUM_NEIGHBORS = 16  # photographs that may agree: more of them hardly add anything but time
_MIN_POINTS = 8  # of which the limits of an image's depths can be read


@dataclass(frozen=True)
class DenseSettings:
    """Choices of the dense stages.

    Parameters
    ----------
    max_size : int
        Longest side of a view in pixels.
    max_planes, num_sources : int
        Of a plane sweep, at most.
    refine : bool
        Whether the sweep's depths are refined on slanted planes.
    min_confidence : float
        Depths with less do not count.
    min_consistent : int
        How many other views must agree with a depth, where there are as many.
    format : {"pfm", "png", "colmap"}
        In which filtered depth maps are written beside PFM.
    normals : bool
        Whether normals are written.
    max_bytes : int
        Of memory that the process may hold.
    num_threads : int
    """

    max_size: int
    max_planes: int
    num_sources: int
    refine: bool
    min_confidence: float = MIN_CONFIDENCE
    min_consistent: int = MIN_CONSISTENT
    format: DepthFormat = "pfm"
    normals: bool = False
    max_bytes: int = DEFAULT_MEMORY
    num_threads: int = 0


class Dense:
    """A model that is being made dense in a run folder.

    Parameters
    ----------
    run : RunFolder
    model : Reconstruction
    paths : mapping of str to Path
        The photographs by name.
    digest : callable
        From a photograph's name to the digest of its content; None where it cannot be read.
    settings : DenseSettings
    """

    def __init__(
        self,
        run: RunFolder,
        model: Reconstruction,
        paths: Mapping[str, Path],
        digest: Callable[[str], str | None],
        settings: DenseSettings,
    ):
        self.run, self.model, self.digest, self.settings = run, model, digest, settings
        self.ids = {image.name: image_id for image_id, image in model.images.items()}
        self.plan = self._plan()
        kept = self.plan.kept("depth", 3, 1 + settings.num_sources)
        self.views = Views(paths, model, settings.max_size, kept)

    def _plan(self) -> MemoryPlan:
        cameras, settings = self.model.cameras.values(), self.settings
        sizes = [view_size(camera, settings.max_size) for camera in cameras]
        others = len(self.model.images) - 1
        return MemoryPlan(
            max_bytes=settings.max_bytes,
            held=process_bytes(),
            view_pixels=max((width * height for width, height in sizes), default=0),
            photo_pixels=max((camera.width * camera.height for camera in cameras), default=0),
            num_sources=min(settings.num_sources, others),
            num_neighbors=min(_NUM_NEIGHBORS, others),
            refine=settings.refine,
        )

    @cached_property
    def candidates(self) -> dict[str, list[mvs.Candidate]]:
        """By photograph those that see most of the same, best first, and why."""
        ranking = mvs.rank_sources(self.model, num_sources=_NUM_NEIGHBORS)
        return {self.model.images[image_id].name: candidates for image_id, candidates in ranking.items()}

    def name(self, candidate: mvs.Candidate) -> str:
        """Of a candidate's photograph."""
        return self.model.images[candidate.image_id].name

    def depth_range(self, name: str) -> tuple[float, float]:
        """By the sparse points, or where a photograph sees too few of them, by the poses.

        Raises
        ------
        ValueError
            Neither tells.
        """
        points = self.model.images[self.ids[name]].point3D_ids
        if np.count_nonzero(points >= 0) >= _MIN_POINTS:
            return mvs.depth_range(self.model, self.ids[name])
        return mvs.depth_range_from_poses(self.model, self.ids[name])

    def describe(self, name: str) -> list[Any]:
        """All that a view depends on."""
        image = self.model.images[self.ids[name]]
        camera = self.model.cameras[image.camera_id]
        return [self.digest(name), describe(camera), image.cam_from_world.tolist()]

    def pinhole(self, name: str) -> Camera:
        """The camera of a finished depth map."""
        facts = self.run.info("depth")[name]["camera"]
        return Camera("PINHOLE", facts["width"], facts["height"], np.array(facts["params"]))

    def shape(self, name: str, values: Any) -> mvs.View:
        """A finished view with a depth map in the place of its picture, where only the size matters."""
        return mvs.View(values, self.pinhole(name).matrix, self.model.images[self.ids[name]].cam_from_world)

    def pinhole_model(self, names: Sequence[str]) -> Reconstruction:
        """Cameras and poses of finished views, without points: what belongs to the depth maps."""
        keys = [self.ids[name] for name in names]
        return Reconstruction(
            {key: self.pinhole(name) for key, name in zip(keys, names, strict=True)},
            {
                key: Image(name, key, self.model.images[key].cam_from_world)
                for key, name in zip(keys, names, strict=True)
            },
        )

    def neighbors(self, names: Sequence[str]) -> list[list[int]]:
        """For each of these photographs the positions of those among them that see most of the same."""
        rows = {name: row for row, name in enumerate(names)}
        others = [[self.name(candidate) for candidate in self.candidates[name]] for name in names]
        return [[rows[other] for other in group if other in rows] for group in others]

    def finished(self, stage: str) -> set[str]:
        """Photographs that a stage has a result for."""
        return {name for name, facts in self.run.info(stage).items() if "skipped" not in facts}
