# SPDX-License-Identifier: Apache-2.0
"""Incremental structure from motion: from verified pairs of images to cameras, poses and points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..scene import Camera, Reconstruction
from .initialize import Pairs
from .mapper import Mapper
from .options import Event, Options
from .photo import Photo


def reconstruct(
    images: Sequence[Photo],
    cameras: Mapping[int, Camera],
    pairs: Pairs,
    *,
    options: Options | None = None,
    seed: int = 0,
    callback: Callable[[Event], None] | None = None,
) -> list[Reconstruction]:
    """Reconstruct photographs from the matches between them.

    A model begins with a pair that has many matches and a wide baseline. Then the image that sees most of its points,
    well spread, is registered by resection, new points are triangulated, and the bundle is adjusted: around the new
    image, or all of it each time it has grown by a tenth. Images that see too little of one model begin another.

    Parameters
    ----------
    images : sequence of Photo
        Image ids are positions, from 1.
    cameras : mapping of int to Camera
        Intrinsics to start from. A guessed focal length (``has_prior_focal_length`` false) is first replaced by the one
        that the pairs' fundamental matrices agree on.
    pairs : mapping of (int, int) to TwoViewGeometry
        Results of ``verify_pair`` by image ids.
    options : Options, optional
    seed : int, optional
        The same seed gives the same bits, whatever the number of threads.
    callback : callable, optional
        Called with an ``Event`` at each step, and once for every image that is in no model, with the reason.

    Returns
    -------
    list of Reconstruction
        Most images first, at least one. The scale of each is arbitrary: the first baseline had length 1.

    Raises
    ------
    ReconstructionError
        Nothing can be built; the message says why.

    References
    ----------
    Schönberger and Frahm, "Structure-from-motion revisited", CVPR 2016.
    Snavely, Seitz and Szeliski, "Photo tourism", SIGGRAPH 2006.
    """
    _check(images, cameras, pairs)
    return Mapper(images, cameras, pairs, options or Options(), seed, callback).run()


def _check(images: Sequence[Photo], cameras: Mapping[int, Camera], pairs: Pairs) -> None:
    for photo in images:
        if photo.camera_id not in cameras:
            raise ValueError(f"cameras: expected an entry {photo.camera_id} for {photo.name}, got {sorted(cameras)}")
    for key, camera in cameras.items():
        if camera.is_spherical:
            raise ValueError(f"cameras[{key}]: expected a model with a focal length, got {camera.model}")
    for (i, j), pair in pairs.items():
        if not (1 <= i <= len(images) and 1 <= j <= len(images) and i != j):
            raise ValueError(f"pairs: expected two different image ids in 1 … {len(images)}, got ({i}, {j})")
        sizes = len(images[i - 1].keypoints), len(images[j - 1].keypoints)
        if len(pair.matches) and not ((pair.matches >= 0) & (pair.matches < sizes)).all():
            raise ValueError(
                f"pairs: expected keypoint rows below {sizes} for ({i}, {j}), got {pair.matches.max(axis=0)}"
            )
