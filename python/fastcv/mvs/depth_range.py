# SPDX-License-Identifier: Apache-2.0
"""Between which depths to look for the surfaces that an image shows: by the sparse points, or by the poses alone."""

from __future__ import annotations

import numpy as np

from ..scene import Reconstruction, projection_centers
from ._frusta import Frusta

MIN_ANGLE, SHARE = 2.0, 0.25  # degrees; see depth_range_from_poses
_NUM_DEPTHS = 128  # at which frusta are compared; neighbouring ones differ by some percent
_NUM_NEIGHBORS = 32  # the nearest views, with which an image's frustum is compared
_MAX_ANGLE, _MAX_SCALE = 45.0, 2.0  # degrees and ratio of details; beyond them patches have little in common


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
    _check_margin(margin)
    image = reconstruction.images[image_id]
    seen = np.unique(image.point3D_ids[image.point3D_ids >= 0])
    xyz = reconstruction.points3D.xyz[reconstruction.points3D.rows(seen)]
    depths = xyz @ image.rotation[2] + image.translation[2]
    depths = depths[depths > 0]
    if len(depths) < 2:
        raise ValueError(f"image_id: expected an image that sees two points or more, got {image_id} with {len(depths)}")
    near, far = np.percentile(depths, [percentile, 100 - percentile])
    return float(near / (1 + margin)), float(far / (1 - margin))


def depth_range_from_poses(
    reconstruction: Reconstruction,
    image_id: int,
    *,
    min_angle: float = MIN_ANGLE,
    share: float = SHARE,
    margin: float = 0.1,
) -> tuple[float, float]:
    """Depths at which an image can be matched at all, from cameras and poses without any points.

    At every depth, samples of the image's frustum are looked for in the other images; one counts where the rays meet at
    ``min_angle`` to 45 degrees and details differ by at most a factor of 2. Close to the camera frusta do not overlap
    yet, far away rays are nearly parallel. The range goes from the first to the last depth at which at least ``share``
    as many count as at the best depth: cameras around an object thus get the object, cameras side by side everything
    from where their images begin to overlap.

    Parameters
    ----------
    reconstruction : Reconstruction
        Its points are not looked at.
    image_id : int
        Key of ``reconstruction.images``.
    min_angle : float, optional
        Smallest angle between two rays from which a depth is measured, in degrees.
    share : float, optional
        In (0, 1]; less gives a longer range.
    margin : float, optional
        As in ``depth_range``.

    Returns
    -------
    near, far : float
        For ``inverse_depth_planes``, in scene units.

    Raises
    ------
    ValueError
        Where no other image sees anything of the frustum at such an angle.

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import mvs
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 640, 480, [500, 320, 240])
    >>> images = {i: fastcv.Image(f"{i}.png", 1, np.c_[np.eye(3), [-i, 0, 0]]) for i in range(2)}
    >>> near, far = mvs.depth_range_from_poses(fastcv.Reconstruction({1: camera}, images), 0, margin=0)
    >>> 25 < far < 28.7  # a baseline of 1 is seen at 2 degrees from 28.6 away, straight ahead; from nearer aside
    True
    """
    if not 0 < min_angle < _MAX_ANGLE:
        raise ValueError(f"min_angle: expected more than 0, less than {_MAX_ANGLE:g} degrees, got {min_angle}")
    if not 0 < share <= 1:
        raise ValueError(f"share: expected more than 0, at most 1, got {share}")
    _check_margin(margin)
    frusta = Frusta(reconstruction, _near(reconstruction, image_id))
    limits = frustum_limits(frusta, frusta.ids.index(image_id), min_angle, share)
    if limits is None:
        raise ValueError(
            f"image_id: expected an image whose frustum others overlap at {min_angle:g} to {_MAX_ANGLE:g} degrees, got "
            f"{image_id}"
        )
    return float(limits[0] / (1 + margin)), float(limits[1] / (1 - margin))


def _near(reconstruction: Reconstruction, image_id: int) -> list[int]:
    """The image and those nearest to it: a large model is not prepared as a whole for each of its images."""
    ids = sorted(reconstruction.images)
    centers = projection_centers(np.array([reconstruction.images[i].cam_from_world for i in ids]))
    distances = np.linalg.norm(centers - centers[ids.index(image_id)], axis=1)
    order = np.argsort(distances, kind="stable").tolist()
    return [image_id, *[ids[j] for j in order if distances[j] > 0][:_NUM_NEIGHBORS]]


def frustum_limits(frusta: Frusta, row: int, min_angle: float, share: float) -> tuple[float, float] | None:
    """``depth_range_from_poses`` without margin; None where nothing overlaps."""
    others = frusta.nearest(row, _NUM_NEIGHBORS)
    if not others:
        return None
    distances = np.linalg.norm(frusta.centers - frusta.centers[row], axis=1)
    # From a point that is d away, a baseline b shows an angle of at most b / d, so farther there is nothing to count.
    farthest = distances[others].max() / np.radians(min_angle)
    depths = np.geomspace(distances[others].min() / 20, farthest, _NUM_DEPTHS)
    points, point_depths = frusta.samples(row, depths)
    sightings = frusta.sightings(row, others, points.reshape(-1, 3), point_depths.ravel())
    alike = (sightings.angle <= _MAX_ANGLE) & (sightings.scale <= _MAX_SCALE) & (sightings.scale >= 1 / _MAX_SCALE)
    counts = sightings.seen & (sightings.angle >= min_angle) & alike
    support = counts.sum(0).reshape(point_depths.shape).sum(1)
    wanted = depths[(support > 0) & (support >= share * support.max())]
    return (wanted[0], wanted[-1]) if len(wanted) else None


def _check_margin(margin: float) -> None:
    if not 0 <= margin < 1:
        raise ValueError(f"margin: expected 0 or more, less than 1, got {margin}")
