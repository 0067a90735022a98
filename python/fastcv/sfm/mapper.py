# SPDX-License-Identifier: Apache-2.0
"""The loop of incremental reconstruction: begin a model, grow it image by image, finish it, begin the next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ReconstructionError
from ..scene import Camera, Reconstruction
from .adjust import adjust_all, adjust_around
from .calibrate import calibrate_focals
from .graph import Graph, Ints
from .initialize import MIN_ANGLE, Pairs, initial_poses, initialize, rank_pairs
from .model import Model
from .options import Event, EventKind, Options
from .photo import Photo
from .register import register, visibility
from .tracks import create_points, extend_tracks, filter_points, merge_points

logger = logging.getLogger(__name__)

# The whole model is adjusted each time it has grown by this factor; in between, surroundings of the new image are.
GROWTH = 1.1
# Rounds of adjusting, filtering and completing at the end, and the share of changed observations that ends them.
MAX_FINAL_ROUNDS = 5
SETTLED = 5e-4
# An image that failed is tried again when it sees this much more.
RETRY_GROWTH = 1.2
# Pairs tried as the beginning of a model before it is given up.
MAX_INITIAL_TRIALS = 50


class Mapper:
    """One run of ``reconstruct``: grows models until no pair of the remaining images can begin another."""

    def __init__(
        self,
        photos: Sequence[Photo],
        cameras: Mapping[int, Camera],
        pairs: Pairs,
        options: Options,
        seed: int,
        callback: Callable[[Event], None] | None,
    ):
        self.photos, self.pairs, self.options, self.seed, self.callback = photos, pairs, options, seed, callback
        self.camera_ids = [photo.camera_id for photo in photos]
        self.cameras = dict(cameras)
        if options.refine_intrinsics:
            self.cameras = calibrate_focals(cameras, self.camera_ids, pairs)
        self.graph = Graph(photos, pairs)
        self.done = np.zeros(len(photos), bool)  # images of finished models
        self.reasons: dict[int, str] = {}

    def run(self) -> list[Reconstruction]:
        models = []
        smallest = min(self.options.min_model_size, len(self.photos))
        tried: set[tuple[int, int]] = set()
        while beginnings := self._begin(tried):
            for model in beginnings:
                self._grow(model)
                self._finish(model)
            # Only the right one of a plane's two beginnings lets all images agree.
            model = max(beginnings, key=lambda model: (model.num_registered, len(model.observations()[0])))
            if model.num_registered >= smallest:
                self.done |= model.registered
                models.append(model.export(self.photos))
                self._tell("finished", np.flatnonzero(model.registered).tolist(), model)
        if not models:
            raise ReconstructionError(self._why_nothing())
        for image in np.flatnonzero(~self.done).tolist():
            self._skip(image)
        # Stable: of equally large models the one built first, which had the better beginning.
        return sorted(models, key=lambda model: -len(model.images))

    def _begin(self, tried: set[tuple[int, int]]) -> list[Model]:
        """Models of the best pair of images that are in no model yet: one, or a plane's two. Pairs are tried once."""
        trials = 0
        for key in rank_pairs(self.pairs, self.options):
            if key in tried or self.done[[key[0] - 1, key[1] - 1]].any():
                continue
            if trials == MAX_INITIAL_TRIALS:
                return []
            trials += 1
            tried.add(key)
            models = []
            empty = Model(self.graph, self.cameras, self.camera_ids)
            for pose in initial_poses(empty, key, self.pairs[key], self.options, self.seed):
                model = Model(self.graph, self.cameras, self.camera_ids)
                if initialize(model, key, pose, self.options):
                    self._tell("initialized", [key[0] - 1, key[1] - 1], model)
                    models.append(model)
            if models:
                return models
        return []

    def _grow(self, model: Model) -> None:
        """Register images until none can be."""
        failed: dict[int, int] = {}  # the points that an image saw when it could not be placed, or not be kept
        adjusted_size = self._size(model)
        while True:
            count, score = visibility(model)
            count[self.done] = 0
            image = self._next(count, score, failed)
            if image is None:
                return
            in_use = bool((model.camera_ids[model.registered] == model.camera_ids[image]).any())
            reason = register(model, image, self.options, self.seed, camera_in_use=in_use)
            if reason:
                failed[image] = int(count[image])
                self.reasons[image] = reason
                continue
            extend_tracks(model, self.graph.nodes(image), self.options)
            create_points(model, image, self.options)
            self._tell("registered", [image], model)
            placed = model.registered.copy()
            if (self._size(model) >= GROWTH * adjusted_size).any():
                self._adjust(model)
                adjusted_size = self._size(model)
            else:
                adjust_around(model, image, self.options)
                filter_points(model, self.options)
            count, _ = visibility(model)
            failed |= {lost: int(count[lost]) for lost in np.flatnonzero(placed & ~model.registered).tolist()}

    @staticmethod
    def _next(count: Ints, score: Ints, failed: Mapping[int, int]) -> int | None:
        """The image to register: the best score among those that see something and did not fail as they are."""
        for image in np.argsort(-score, kind="stable").tolist():
            if count[image] > RETRY_GROWTH * failed.get(image, 0):
                return image
        return None

    def _adjust(self, model: Model) -> None:
        """Adjust all, drop what does not fit, and look again for what fits now."""
        adjust_all(model, self.options, max_iterations=25, function_tolerance=1e-4)
        filter_points(model, self.options)
        self._drop_images(model)
        self._complete(model)
        self._tell("adjusted", [], model)

    def _finish(self, model: Model) -> None:
        for _ in range(MAX_FINAL_ROUNDS):
            changed = self._complete(model)
            adjust_all(model, self.options)
            changed += filter_points(model, self.options)
            self._drop_images(model)
            if changed <= SETTLED * len(model.observations()[0]):
                break

    def _complete(self, model: Model) -> int:
        """Merge, lengthen and create tracks wherever the graph has matches for it; returns the number of changes."""
        changed = merge_points(model, self.options)
        changed += extend_tracks(model, np.arange(len(self.graph.xy)), self.options)
        for image in np.flatnonzero(model.registered).tolist():
            changed += create_points(model, image, self.options)
        return changed

    def _drop_images(self, model: Model) -> None:
        """Take out images that hardly any point holds."""
        held = np.bincount(self.graph.image_of[model.point_of >= 0], minlength=len(self.photos))
        dropped = np.flatnonzero(model.registered & (held < self.options.min_resection_inliers)).tolist()
        for image in dropped:
            self.reasons[image] = "too few of its points survived the bundle adjustment"
            model.deregister(image)
        if dropped:
            filter_points(model, self.options)

    def _size(self, model: Model) -> NDArray[np.int64]:
        return np.array([model.num_registered, model.num_points()])

    def _tell(self, kind: EventKind, images: list[int], model: Model) -> None:
        names = tuple(self.photos[image].name for image in images)
        registered = int((self.done | model.registered).sum())
        event = Event(kind, names, registered, len(self.photos), model.num_points())
        logger.info("%s %s: %d images, %d points", kind, ", ".join(names), registered, event.num_points)
        if self.callback is not None:
            self.callback(event)

    def _skip(self, image: int) -> None:
        name, reason = self.photos[image].name, self.reasons.get(image) or self._why_not(image)
        logger.warning("%s is in no model: %s", name, reason)
        if self.callback is not None:
            self.callback(Event("skipped", (name,), int(self.done.sum()), len(self.photos), 0, reason))

    def _why_not(self, image: int) -> str:
        """Why nothing was tried with an image."""
        if self.graph.offsets[image] == self.graph.offsets[image + 1]:
            return "nothing was detected in it"
        partners = [key for key, pair in self.pairs.items() if image + 1 in key and pair.kind != "degenerate"]
        if not partners:
            return "its matches with no other image are consistent"
        return "it sees no point of a model"

    def _why_nothing(self) -> str:
        if len(self.photos) < 2:
            return f"expected two photographs or more, got {len(self.photos)}"
        verified = [pair for pair in self.pairs.values() if pair.kind != "degenerate"]
        if not verified:
            return f"no two of the {len(self.photos)} photographs have consistent matches: they do not overlap enough"
        if all(pair.kind == "panoramic" or pair.triangulation_angle < MIN_ANGLE for pair in verified):
            return "the photographs were all taken from nearly one place: without a baseline there is no depth"
        return f"none of the {len(verified)} matched pairs gives a stable beginning (matches or baseline too small)"
