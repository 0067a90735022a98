# SPDX-License-Identifier: Apache-2.0
"""The similarity between two frames, from points that are known in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import check

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Similarity:
    """``x -> scale * rotation @ x + translation``.

    Parameters
    ----------
    scale : float
    rotation : (3, 3) float64 array
    translation : (3,) float64 array
    """

    scale: float
    rotation: Floats
    translation: Floats

    def points(self, points: Floats) -> Floats:
        """Transformed points, (N, 3)."""
        return self.scale * points @ self.rotation.T + self.translation

    def pose(self, cam_from_world: Floats) -> Floats:
        """The poses of the same cameras in the transformed world, (..., 3, 4), at the transformed world's scale."""
        rotation = cam_from_world[..., :3] @ self.rotation.T
        translation = self.scale * cam_from_world[..., 3] - rotation @ self.translation
        return np.concatenate([rotation, translation[..., None]], axis=-1)


def umeyama(source: Any, target: Any) -> Similarity:
    """The similarity that brings points closest to their partners, in least squares.

    Parameters
    ----------
    source, target : (N, 3) float64 array
        At least three points that are not on one line.

    Returns
    -------
    Similarity
        From ``source`` to ``target``.

    References
    ----------
    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991, eq. 38–43.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import geometry
    >>> triangle = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]])
    >>> round(float(geometry.umeyama(triangle, 3 * triangle + 1).scale), 9)
    3.0
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    dims: dict[str, int] = {}
    check("source", source, ("N", 3), dims=dims)
    check("target", target, ("N", 3), dims=dims)
    if len(source) < 3:
        raise ValueError(f"source: expected at least three points, got {len(source)}")
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    spread = np.linalg.svd(a, compute_uv=False)
    if spread[1] <= 1e-9 * max(spread[0], np.finfo(float).tiny):
        raise ValueError("source: expected points that are not on one line, got collinear ones")
    u, d, vt = np.linalg.svd(b.T @ a)
    # A reflection would fit mirrored points better; a rotation is wanted.
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / (a**2).sum())
    return Similarity(scale, rotation, target.mean(axis=0) - scale * rotation @ source.mean(axis=0))
