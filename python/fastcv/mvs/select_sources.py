# SPDX-License-Identifier: Apache-2.0
"""Which views to match with which: decided by the sparse points, or by the poses alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import Reconstruction
from ._frusta import Frusta
from .depth_range import MIN_ANGLE, SHARE, frustum_limits
from .views import Array

# The angle between two rays to a point at which depth is best measured: less gives large depth errors, more makes the
# patches look different. Piecewise Gaussian of Yao et al. 2018, "MVSNet", section 4.1, in degrees.
BEST_ANGLE, SPREAD_BELOW, SPREAD_ABOVE = 5.0, 1.0, 10.0

_SAME_PLACE = 1e-3  # degrees; below, two photographs were taken from one place
_NUM_DEPTHS = 8  # at which frusta are compared
_NUM_NEAREST = 128  # views whose frusta are compared with one's


class Candidate(NamedTuple):
    """A view that another one, the reference, can be matched with, and why.

    Parameters
    ----------
    image_id : int
    score : float
        What candidates are ordered by.
    num_shared : int
        Sparse points that both see; by poses alone, samples of the reference's frustum that the candidate sees.
    overlap : float
        Those over all that the reference sees.
    angle : float
        Median angle between the two rays to them, in degrees.
    scale : float
        Median of the pixels per unit of length in the candidate over those in the reference: below 1 it shows less
        detail.
    """

    image_id: int
    score: float
    num_shared: int
    overlap: float
    angle: float
    scale: float


def select_sources(
    reconstruction: Reconstruction,
    *,
    num_sources: int = 4,
    depth_ranges: Mapping[int, tuple[float, float]] | None = None,
) -> dict[int, list[int]]:
    """The best views to match with every image: the ids of ``rank_sources``, whose arguments it takes.

    Returns
    -------
    dict of int to list of int
        For every image id the ids of its sources, best first.

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import mvs
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 64, 48, [50, 32, 24])
    >>> def at(x):
    ...     return np.c_[np.eye(3), [-x, 0, 0]]
    >>> images = {i: fastcv.Image(f"{i}.png", 1, at(x), np.zeros((1, 2)), [7]) for i, x in enumerate([0.0, 0.01, 0.5])}
    >>> points = fastcv.Points3D(np.array([7]), np.array([[0, 0, 5.0]]), np.zeros((1, 3), np.uint8), np.zeros(1))
    >>> mvs.select_sources(fastcv.Reconstruction({1: camera}, images, points))[0]  # 0.01 away is too close
    [2, 1]
    """
    ranking = rank_sources(reconstruction, num_sources=num_sources, depth_ranges=depth_ranges)
    return {image_id: [candidate.image_id for candidate in row] for image_id, row in ranking.items()}


def rank_sources(
    reconstruction: Reconstruction,
    *,
    num_sources: int = 4,
    depth_ranges: Mapping[int, tuple[float, float]] | None = None,
) -> dict[int, list[Candidate]]:
    """The best views to match with every image, with the reasons.

    Each sparse point that two images see adds to their score a weight of the angle between its rays, best at 5 degrees,
    times one of the scale, less than 1 where the candidate shows less detail than the reference or more than twice as
    much. Without sparse points, samples of the reference's frustum between its depth limits take their place, those
    that the candidate does not see counting 0; the score is then their mean, for the 128 nearest views.

    Parameters
    ----------
    reconstruction : Reconstruction
        Cameras, images and, best, points.
    num_sources : int, optional
        How many at most per image.
    depth_ranges : mapping of int to (near, far), optional
        Per image id, for the frusta; where they are given, sparse points are not looked at. By default
        ``depth_range_from_poses``, where there are no points.

    Returns
    -------
    dict of int to list of Candidate
        For every image id its candidates, best first; images that share nothing, or the place, are left out.

    References
    ----------
    Yao et al. 2018, "MVSNet: Depth inference for unstructured multi-view stereo", section 4.1 (angle). Goesele et al.
    2007, "Multi-view stereo for community photo collections", section 4.1 (scale).

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import mvs
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 64, 48, [50, 32, 24])
    >>> images = {i: fastcv.Image(f"{i}.png", 1, np.c_[np.eye(3), [-x, 0, 0]]) for i, x in enumerate([0, 0.1, 0.4])}
    >>> scene = fastcv.Reconstruction({1: camera}, images)
    >>> best, *_ = mvs.rank_sources(scene, depth_ranges={i: (4.0, 6.0) for i in images})[0]
    >>> best.image_id, round(best.angle, 1), round(best.overlap, 2), round(best.scale, 2)
    (2, 4.2, 0.9, 1.0)
    """
    if num_sources < 1:
        raise ValueError(f"num_sources: expected at least 1, got {num_sources}")
    if depth_ranges is None and len(reconstruction.points3D):
        return _rank_by_points(reconstruction, num_sources)
    return _rank_by_frusta(reconstruction, num_sources, depth_ranges)


def angle_weight(angle: Array) -> Array:
    """Of angles between rays in degrees (Yao et al. 2018, section 4.1)."""
    spread = np.where(angle <= BEST_ANGLE, SPREAD_BELOW, SPREAD_ABOVE)
    return np.exp(-((angle - BEST_ANGLE) ** 2) / (2 * spread**2))


def scale_weight(scale: Array) -> Array:
    """Of pixels per unit of length in the candidate over those in the reference (Goesele et al. 2007, section 4.1)."""
    return np.where(scale < 1, scale, np.where(scale < 2, 1.0, 2 / np.maximum(scale, 2)))


class _Observations(NamedTuple):
    """Of sparse points in front of the images that see them, sorted by point, each image once per point."""

    image: NDArray[np.int64]  # row among the sorted image ids
    point: NDArray[np.int64]  # row of points3D
    ray: Array  # unit, (N, 3)
    detail: Array  # pixels per unit of length

    def pairs(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[Array, Array]:
        """Angle in degrees, and detail of the second over the first, of pairs of observations of one point."""
        angle = np.degrees(np.arccos(np.clip((self.ray[first] * self.ray[second]).sum(1), -1, 1)))
        return angle, self.detail[second] / self.detail[first]


def _rank_by_points(reconstruction: Reconstruction, num_sources: int) -> dict[int, list[Candidate]]:
    ids = sorted(reconstruction.images)
    seen = _observations(reconstruction, ids)
    scores = _scores(seen, len(ids))
    counts = np.bincount(seen.image, minlength=len(ids))
    per_image = np.split(np.argsort(seen.image, kind="stable"), np.cumsum(counts)[:-1])
    ranking = {}
    for row, image_id in enumerate(ids):
        candidates: list[Candidate] = []
        for j in np.argsort(-scores[row], kind="stable").tolist():
            if scores[row, j] <= 0 or len(candidates) == num_sources:
                break
            first, second = per_image[row], per_image[j]
            _, a, b = np.intersect1d(seen.point[first], seen.point[second], assume_unique=True, return_indices=True)
            angle, scale = (float(np.median(values)) for values in seen.pairs(first[a], second[b]))
            if angle > _SAME_PLACE:
                candidates.append(Candidate(ids[j], float(scores[row, j]), len(a), len(a) / len(first), angle, scale))
        ranking[image_id] = candidates
    return ranking


def _observations(reconstruction: Reconstruction, ids: list[int]) -> _Observations:
    image_ids, _, point = reconstruction.observations()
    image = np.searchsorted(ids, image_ids)
    images = [reconstruction.images[i] for i in ids]
    # A track may hold two keypoints of one image: the first stands for both.
    first = np.unique(np.column_stack([point, image]), axis=0, return_index=True)[1]
    image, point = image[first], point[first]
    xyz = reconstruction.points3D.xyz[point]
    axes, shifts = np.array([i.rotation[2] for i in images]), np.array([i.translation[2] for i in images])
    depth = (xyz * axes[image]).sum(1) + shifts[image]
    focal = np.array([reconstruction.cameras[i.camera_id].focal_length for i in images])
    ray = xyz - np.array([i.center for i in images])[image]
    ray /= np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-300)
    front = depth > 0
    return _Observations(image[front], point[front], ray[front], (focal[image] / np.maximum(depth, 1e-300))[front])


def _scores(seen: _Observations, num_images: int) -> Array:
    """(I, I) sums of weights over shared points, references along rows."""
    scores = np.zeros((num_images, num_images))
    # Observations that are `step` apart in the sorted list pair up where they belong to the same point.
    for step in range(1, len(seen.point)):
        first = np.flatnonzero(seen.point[:-step] == seen.point[step:])
        if not len(first):
            break
        second = first + step
        angle, scale = seen.pairs(first, second)
        weight = angle_weight(angle)
        np.add.at(scores, (seen.image[first], seen.image[second]), weight * scale_weight(scale))
        np.add.at(scores, (seen.image[second], seen.image[first]), weight * scale_weight(1 / scale))
    return scores


def _rank_by_frusta(
    reconstruction: Reconstruction, num_sources: int, depth_ranges: Mapping[int, tuple[float, float]] | None
) -> dict[int, list[Candidate]]:
    frusta = Frusta(reconstruction)
    ranking = {}
    for row, image_id in enumerate(frusta.ids):
        others = frusta.nearest(row, _NUM_NEAREST)
        limits = frustum_limits(frusta, row, MIN_ANGLE, SHARE) if depth_ranges is None else depth_ranges[image_id]
        ranking[image_id] = _rank_frustum(frusta, row, others, limits)[:num_sources] if others and limits else []
    return ranking


def _rank_frustum(frusta: Frusta, row: int, others: list[int], limits: tuple[float, float]) -> list[Candidate]:
    depths = 1 / np.linspace(1 / limits[0], 1 / limits[1], _NUM_DEPTHS)
    points, point_depths = (a.reshape(-1, *a.shape[2:]) for a in frusta.samples(row, depths))
    seen, angle, scale = frusta.sightings(row, others, points, point_depths)
    scores = np.where(seen, angle_weight(angle) * scale_weight(scale), 0).mean(1)
    candidates = []
    for k in np.argsort(-scores, kind="stable").tolist():
        if scores[k] > 0 and np.median(angle[k, seen[k]]) > _SAME_PLACE:
            medians = (float(np.median(values[k, seen[k]])) for values in (angle, scale))
            count = int(seen[k].sum())
            candidates.append(Candidate(frusta.ids[others[k]], float(scores[k]), count, count / len(points), *medians))
    return candidates
