# SPDX-License-Identifier: Apache-2.0
"""Matched keypoints of synthetic scenes, with true poses: what the tests of reconstruction start from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastcv import sfm
from fastcv.features import Features
from fastcv.scene import Camera, Reconstruction
from fastcv.synthetic import make_tracks


@dataclass
class Scene:
    """What ``sfm.reconstruct`` is given, and the truth."""

    photos: list[sfm.Photo]
    cameras: dict[int, Camera]
    pairs: dict[tuple[int, int], sfm.TwoViewGeometry]
    truth: Reconstruction
    poses: dict[str, NDArray[np.float64]]


def features_at(keypoints: Any) -> Features:
    """Features that only have a place."""
    n = len(keypoints)
    zero = np.zeros(n, np.float32)
    return Features(
        np.asarray(keypoints, np.float32).reshape(-1, 2),
        zero,
        zero,
        np.zeros((n, 128), np.uint8),
        np.zeros((n, 3), "u1"),
    )


def true_matches(truth: Reconstruction, i: int, j: int) -> NDArray[np.int64]:
    """Rows of the keypoints of the same points."""
    _, a, b = np.intersect1d(truth.images[i].point3D_ids, truth.images[j].point3D_ids, return_indices=True)
    return np.stack([a, b], axis=1)


def build(
    truth: Reconstruction,
    camera: Camera | None = None,
    *,
    wrong: float = 0.0,
    links: Iterable[tuple[int, int]] | None = None,
    seed: int = 0,
) -> Scene:
    """Verify the pairs (or only ``links``) of a true scene; a share of the matches goes to a ``wrong`` keypoint."""
    rng = np.random.default_rng(seed)
    start = camera or truth.cameras[1]
    ids = sorted(truth.images)
    found = {i: features_at(truth.images[i].points2D) for i in ids}
    wanted = [(i, j) for i in ids for j in ids if i < j] if links is None else list(links)
    pairs = {}
    for i, j in wanted:
        matches = true_matches(truth, i, j)
        bad = rng.random(len(matches)) < wrong
        matches[bad, 1] = rng.permutation(matches[bad, 1])
        pairs[i, j] = sfm.verify_pair(found[i], found[j], matches, start, start)
    photos = [sfm.Photo(truth.images[i].name, 1, found[i].keypoints, found[i].colors) for i in ids]
    poses = {image.name: image.cam_from_world for image in truth.images.values()}
    return Scene(photos, {1: start}, pairs, truth, poses)


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """``scene(layout, wrong=…, camera=…, links=…, **arguments of make_tracks)``."""

    def make(
        layout: str,
        *,
        wrong: float = 0.0,
        camera: Camera | None = None,
        links: Iterable[tuple[int, int]] | None = None,
        **settings: Any,
    ) -> Scene:
        truth, _ = make_tracks(layout, **settings)
        # The lens of the made-up photographs is known, as from EXIF, unless a test says otherwise.
        known = truth.cameras[1]
        known = Camera(known.model, known.width, known.height, known.params, True)
        return build(truth, camera or known, wrong=wrong, links=links)

    return make
