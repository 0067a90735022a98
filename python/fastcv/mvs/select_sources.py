# SPDX-License-Identifier: Apache-2.0
"""Which views to match with which, and over what depths: decided by the sparse points or by the poses alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..scene import Reconstruction
from .views import Array

# The angle between two rays to a point at which depth is best measured: less gives large depth errors, more makes the
# patches look different. Piecewise Gaussian of Yao et al. 2018, "MVSNet", section 4.1, in degrees.
BEST_ANGLE, SPREAD_BELOW, SPREAD_ABOVE = 5.0, 1.0, 10.0


def select_sources(reconstruction: Reconstruction, *, num_sources: int = 4) -> dict[int, list[int]]:
    """The best views to match with every image.

    Two images score the sum over the sparse points that both see of a weight that is largest where the rays meet at 5
    degrees. Without sparse points, one point where the optical axes come closest takes their place.

    Parameters
    ----------
    reconstruction : Reconstruction
        Cameras, images and, best, points.
    num_sources : int, optional
        How many at most per image.

    Returns
    -------
    dict of int to list of int
        For every image id the ids of its sources, best first; images that share no point are left out.

    References
    ----------
    Yao et al. 2018, "MVSNet: Depth inference for unstructured multi-view stereo", section 4.1.

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
    if num_sources < 1:
        raise ValueError(f"num_sources: expected at least 1, got {num_sources}")
    ids = sorted(reconstruction.images)
    centers = np.array([reconstruction.images[i].center for i in ids]).reshape(-1, 3)
    if len(reconstruction.points3D):
        image_ids, _, point_rows = reconstruction.observations()
        image_rows, xyz = np.searchsorted(ids, image_ids), reconstruction.points3D.xyz
    else:
        xyz = _where_axes_meet(reconstruction, ids)[None]
        image_rows, point_rows = np.arange(len(ids)), np.zeros(len(ids), np.int64)
    scores = _scores(centers, xyz, image_rows, point_rows)
    selected = {}
    for row, image_id in enumerate(ids):
        order = np.argsort(-scores[row], kind="stable")
        selected[image_id] = [ids[j] for j in order[:num_sources] if scores[row, j] > 0]
    return selected


def depth_range(
    reconstruction: Reconstruction, image_id: int, *, percentile: float = 1.0, margin: float = 0.1
) -> tuple[float, float]:
    """Depths between which the surfaces that an image shows lie, from the sparse points that it sees.

    Parameters
    ----------
    reconstruction : Reconstruction
    image_id : int
        Key of ``reconstruction.images``.
    percentile : float, optional
        How many of a hundred points may be wrong on either side.
    margin : float, optional
        How much further the range reaches: inverse depth grows by this share at the near end, shrinks by it at the far.

    Returns
    -------
    near, far : float
        For ``inverse_depth_planes``, in scene units.

    Raises
    ------
    ValueError
        Where fewer than two points lie in front of the image.

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import mvs
    >>> xyz = np.array([[0, 0, 2.0], [0, 0, 3.0], [0, 0, 4.0]])
    >>> points = fastcv.Points3D(np.arange(3), xyz, np.zeros((3, 3), np.uint8), np.zeros(3))
    >>> image = fastcv.Image("a.png", 1, np.eye(3, 4), np.zeros((3, 2)), np.arange(3))
    >>> near, far = mvs.depth_range(fastcv.Reconstruction({}, {1: image}, points), 1, percentile=0, margin=0.25)
    >>> round(near, 3), round(far, 3)
    (1.6, 5.333)
    """
    if not 0 <= percentile < 50:
        raise ValueError(f"percentile: expected 0 or more, less than 50, got {percentile}")
    if not 0 <= margin < 1:
        raise ValueError(f"margin: expected 0 or more, less than 1, got {margin}")
    image = reconstruction.images[image_id]
    seen = np.unique(image.point3D_ids[image.point3D_ids >= 0])
    xyz = reconstruction.points3D.xyz[reconstruction.points3D.rows(seen)]
    depths = xyz @ image.rotation[2] + image.translation[2]
    depths = depths[depths > 0]
    if len(depths) < 2:
        raise ValueError(f"image_id: expected an image that sees two points or more, got {image_id} with {len(depths)}")
    near, far = np.percentile(depths, [percentile, 100 - percentile])
    return float(near / (1 + margin)), float(far / (1 - margin))


def _scores(centers: Array, xyz: Array, image_rows: NDArray[np.int64], point_rows: NDArray[np.int64]) -> Array:
    """(I, I) sums of angle weights over shared points; observations are sorted by point."""
    scores = np.zeros((len(centers), len(centers)))
    rays = xyz[point_rows] - centers[image_rows]
    rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-300)
    # Observations that are `step` apart in the sorted list pair up where they belong to the same point.
    for step in range(1, len(point_rows)):
        first = np.flatnonzero(point_rows[:-step] == point_rows[step:])
        if not len(first):
            break
        second = first + step
        angle = np.degrees(np.arccos(np.clip((rays[first] * rays[second]).sum(1), -1, 1)))
        spread = np.where(angle <= BEST_ANGLE, SPREAD_BELOW, SPREAD_ABOVE)
        np.add.at(
            scores, (image_rows[first], image_rows[second]), np.exp(-((angle - BEST_ANGLE) ** 2) / (2 * spread**2))
        )
    np.fill_diagonal(scores, 0)  # a track may hold two keypoints of one image
    return scores + scores.T


def _where_axes_meet(reconstruction: Reconstruction, ids: list[int]) -> Array:
    """The point nearest to all optical axes in the least-squares sense, (3,)."""
    normal_matrix, right_side = np.zeros((3, 3)), np.zeros(3)
    for i in ids:
        image = reconstruction.images[i]
        across = np.eye(3) - np.outer(image.rotation[2], image.rotation[2])
        normal_matrix += across
        right_side += across @ image.center
    # Parallel axes leave the distance open: lstsq then picks the solution nearest to the origin.
    return np.asarray(np.linalg.lstsq(normal_matrix, right_side, rcond=1e-9)[0], np.float64)
