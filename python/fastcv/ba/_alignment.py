# SPDX-License-Identifier: Apache-2.0
"""A start that stands far from where its priors put the scene is moved there as a whole: reprojection errors do not
change, and Levenberg-Marquardt need not carry everything through the distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import Similarity, umeyama
from ..scene import projection_centers
from ._gauge import fixed_frames
from .problem import Problem

Array = NDArray[np.float64]
Candidate = tuple[float, Similarity | None]  # with its cost

_NUM_SAMPLES, _REFITS = 200, 3
_INLIER = 3.0  # standard deviations; where the loss is robust, times its scale
_WORTHWHILE = 0.5  # of the priors' cost that must remain at most


def moved_to_priors(problem: Problem) -> Problem | None:
    """The problem moved by a similarity that at least halves the cost of its priors; None where there is no such.

    Positions of images and points are brought onto their priors: three or more that are not on one line, while nothing
    is held in place. Where a prior's loss is robust, the similarity is that of the best of many triples (RANSAC),
    refitted to those that agree. Where sensors are fixed on their rig, it keeps the scale.
    """
    if fixed_frames(problem).any() or problem.fixed_points.any():
        return None
    pairs = _Pairs(problem)
    cost = pairs.cost(Similarity(1.0, np.eye(3), np.zeros(3)))
    if cost <= _INLIER**2 * len(pairs.source):
        return None
    remains, best = pairs.best_similarity()
    if best is None or remains > _WORTHWHILE * cost:
        return None
    poses, rigs = best.pose(problem.cam_from_world), problem.rigs
    if rigs is not None:
        rigs = replace(rigs, sensor_from_rig=rigs.sensor_from_rig * [1, 1, 1, best.scale])
    return replace(problem, cam_from_world=poses, points=best.points(problem.points), rigs=rigs)


class _Pairs:
    """Where images and points stand, and where their priors put them."""

    def __init__(self, problem: Problem) -> None:
        centers = projection_centers(problem.cam_from_world)
        source, target, whitening, limits = [np.empty((0, 3))], [np.empty((0, 3))], [np.empty((0, 3, 3))], [np.empty(0)]
        for priors, places in (
            (problem.pose_priors, centers),
            (problem.position_priors, centers),
            (problem.point_priors, problem.points),
        ):
            if priors is None:
                continue
            values = projection_centers(priors.values) if priors.values.ndim == 3 else priors.values
            source.append(places[priors.rows])
            target.append(values)
            whitening.append(np.linalg.inv(np.linalg.cholesky(priors.covariances[:, -3:, -3:])))
            limit = np.inf if priors.loss == "none" else (_INLIER * priors.loss_scale) ** 2
            limits.append(np.full(len(values), limit))
        self.source, self.target = np.concatenate(source), np.concatenate(target)
        self.whitening, self.limits = np.concatenate(whitening), np.concatenate(limits)
        self.scale_is_known = problem.rigs is not None and bool(problem.rigs.fixed_sensors.any())

    def squares(self, similarity: Similarity) -> Array:
        """errorᵀ covariance⁻¹ error of each pair."""
        errors = np.einsum("mij,mj->mi", self.whitening, similarity.points(self.source) - self.target)
        return np.einsum("mi,mi->m", errors, errors)

    def cost(self, similarity: Similarity) -> float:
        return float(np.minimum(self.squares(similarity), self.limits).sum())

    def best_similarity(self) -> Candidate:
        """With its cost; None where nothing determines one."""
        everything = np.arange(len(self.source))
        best = self._better((np.inf, None), everything)
        if np.isfinite(self.limits).any() and len(everything) > 3:
            random = np.random.default_rng(0)
            for _ in range(_NUM_SAMPLES):
                best = self._better(best, random.choice(everything, 3, replace=False))
            for _ in range(_REFITS):
                if best[1] is not None:
                    best = self._better(best, np.flatnonzero(self.squares(best[1]) < self.limits))
        return best

    def _better(self, best: Candidate, rows: NDArray[np.int64]) -> Candidate:
        """The best so far, or the similarity of some pairs where it costs less."""
        fit = self._fit(rows)
        cost = np.inf if fit is None else self.cost(fit)
        return (cost, fit) if cost < best[0] else best

    def _fit(self, rows: NDArray[np.int64]) -> Similarity | None:
        """The similarity of some pairs; None where they do not determine one."""
        source, target = self.source[rows], self.target[rows]
        try:
            fit = umeyama(source, target)
        except ValueError:
            return None
        if self.scale_is_known:  # the best rotation is the same
            fit = Similarity(1.0, fit.rotation, target.mean(axis=0) - fit.rotation @ source.mean(axis=0))
        return fit
