# SPDX-License-Identifier: Apache-2.0
"""Focal lengths from fundamental matrices: a better start than a guess, before anything is reconstructed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera

if TYPE_CHECKING:
    from .two_view import TwoViewGeometry

# Candidate focal lengths over the longer side of the image: 130° to 10° of view, 2 % apart.
FOCAL_FACTORS = np.geomspace(0.25, 6.0, 161)
# Relative difference of the two singular values of an essential matrix that noise may cause.
SPREAD_SCALE = 0.02
# Share of the weight by which a focal length must win over the guess.
MIN_GAIN = 0.05


def calibrate_focals(
    cameras: Mapping[int, Camera], camera_ids: Sequence[int], pairs: Mapping[tuple[int, int], TwoViewGeometry]
) -> dict[int, Camera]:
    """Cameras whose guessed focal length is replaced by the one that the pairs' fundamental matrices agree on.

    With the true focal lengths ``K_bᵀ F K_a`` is an essential matrix: two of its singular values are equal. Each pair
    votes, by its number of matches and robustly, since for some motions every focal length fits.

    Parameters
    ----------
    cameras : mapping of int to Camera
        Those with ``has_prior_focal_length`` are kept.
    camera_ids : sequence of int
        By image.
    pairs : mapping of (int, int) to TwoViewGeometry
        By image ids, from 1. Two guessed cameras of a pair count as having the same angle of view.

    Returns
    -------
    dict of int to Camera

    References
    ----------
    Sweeney, Sattler, Höllerer, Turk and Pollefeys, "Optimizing the viewing graph for structure-from-motion", ICCV
    2015. Mendonça and Cipolla, "A simple technique for self-calibration", CVPR 1999.
    """
    votes = {key: np.zeros(len(FOCAL_FACTORS)) for key, camera in cameras.items() if not camera.has_prior_focal_length}
    guess = {key: np.zeros(1) for key in votes}
    total = dict.fromkeys(votes, 0)
    for (i, j), pair in pairs.items():
        if pair.F is None or pair.kind not in ("calibrated", "uncalibrated"):
            continue
        ids = camera_ids[i - 1], camera_ids[j - 1]
        for key in set(ids) & set(votes):
            partner = [cameras[other] for other in ids]
            own = cameras[key].focal_length / _longer_side(cameras[key])
            votes[key] += len(pair.matches) * _agreement(pair.F, partner, FOCAL_FACTORS)
            guess[key] += len(pair.matches) * _agreement(pair.F, partner, np.array([own]))
            total[key] += len(pair.matches)
    result = dict(cameras)
    for key, vote in votes.items():
        if vote.max() - guess[key][0] > MIN_GAIN * total[key]:
            result[key] = _with_focal(cameras[key], FOCAL_FACTORS[vote.argmax()] * _longer_side(cameras[key]))
    return result


def _agreement(
    F: NDArray[np.float64], pair_of_cameras: Sequence[Camera], factors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How well each focal factor, given to those cameras that only have a guess, makes F essential, in [0, 1]."""
    K = []
    for camera in pair_of_cameras:
        matrices = np.repeat(camera.matrix[None], len(factors), axis=0)
        if not camera.has_prior_focal_length:
            matrices[:, 0, 0] = matrices[:, 1, 1] = factors * _longer_side(camera)
        K.append(matrices)
    singular = np.linalg.svd(K[1].transpose(0, 2, 1) @ F @ K[0], compute_uv=False)
    spread = (singular[:, 0] - singular[:, 1]) / singular[:, 0]
    return 1 / (1 + (spread / SPREAD_SCALE) ** 2)


def _longer_side(camera: Camera) -> int:
    return max(camera.width, camera.height)


def _with_focal(camera: Camera, focal: float) -> Camera:
    params = camera.params.copy()
    params[list(camera.focal_indices)] = focal
    return camera.with_params(params)
