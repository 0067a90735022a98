# SPDX-License-Identifier: Apache-2.0
"""Points and their observations without pictures: truth for tests of geometry, bundle adjustment and sfm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera, Image, Points3D, Reconstruction, projection_centers
from .poses import Array, arc, look_at, make_camera, project
from .solids import transform

Mask = NDArray[np.bool_]
# A layout draws num_points points for num_images views: points (P, 3), poses (N, 3, 4), and (N, P) which of them
# the view may see.
Layout = Callable[[np.random.Generator, int, int], tuple[Array, Array, Mask]]


class Tracks(NamedTuple):
    """``reconstruction`` with true cameras and points and measured keypoints; ``outliers``, for each image id, a
    (M,) bool array over its keypoints: true where the keypoint is not an image of its point."""

    reconstruction: Reconstruction
    outliers: dict[int, Mask]


def _facing_arc(random: np.random.Generator, num_images: int, num_points: int) -> tuple[Array, Array, Mask]:
    points = random.uniform((-2, -1, -1.4), (2, 1.5, 1.4), (num_points, 3))
    poses = arc(num_images, target=(0, 0, 0), radius=6.0, height=0.4, degrees=60, wobble=0.05)
    return points, poses, np.ones((num_images, num_points), bool)


def _ring(random: np.random.Generator, num_images: int, num_points: int) -> tuple[Array, Array, Mask]:
    directions = random.standard_normal((num_points, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = directions * random.uniform(0.7, 1, (num_points, 1))
    poses = arc(num_images, target=(0, 0, 0), radius=4.0, height=1.0, degrees=360, wobble=0.05)
    centers = projection_centers(poses)
    to_camera = centers[:, None] - points
    cosine = (to_camera * directions).sum(2) / np.linalg.norm(to_camera, axis=2)
    return points, poses, cosine > 0.2  # the far side of an opaque ball is hidden


def _street(random: np.random.Generator, num_images: int, num_points: int) -> tuple[Array, Array, Mask]:
    """A drive along x that looks at house fronts on the left, half forwards; houses are seen within 15 units."""
    length = 1.0 * (num_images - 1)
    points = random.uniform((0, 5, -1), (length + 12, 7, 4), (num_points, 3))
    sway = 0.1 * np.sin(1.3 * np.arange(num_images))
    centers = np.stack([1.0 * np.arange(num_images), sway, 1.5 + 0.3 * sway], axis=1)
    poses = np.stack([look_at(center, center + np.array([1.0, 1.0, 0.05])) for center in centers])
    return points, poses, np.linalg.norm(centers[:, None] - points, axis=2) < 15


def _planar(random: np.random.Generator, num_images: int, num_points: int) -> tuple[Array, Array, Mask]:
    """Points in the plane z = 0: the epipolar geometry of two views is a homography, degenerate for F."""
    points = random.uniform((-2, -2, 0), (2, 2, 0), (num_points, 3))
    poses = arc(num_images, target=(0, 0, 0), radius=4.0, height=4.0, degrees=70, wobble=0.05)
    return points, poses, np.ones((num_images, num_points), bool)


def _narrow(random: np.random.Generator, num_images: int, num_points: int) -> tuple[Array, Array, Mask]:
    """All cameras within 1 % of the distance to the points: rays that meet at half a degree."""
    points = random.uniform((-2, 4, -1.4), (2, 8, 1.4), (num_points, 3))
    centers = random.uniform(-0.03, 0.03, (num_images, 3))
    poses = np.stack([look_at(center, (0, 6, 0)) for center in centers])
    return points, poses, np.ones((num_images, num_points), bool)


LAYOUTS: dict[str, Layout] = {
    "arc": _facing_arc,
    "ring": _ring,
    "street": _street,
    "planar": _planar,
    "narrow": _narrow,
}


def make_tracks(
    layout: str = "arc",
    *,
    num_images: int = 10,
    num_points: int = 500,
    camera_model: str = "SIMPLE_PINHOLE",
    noise_px: float = 0.0,
    outlier_ratio: float = 0.0,
    seed: int = 0,
) -> Tracks:
    """Cameras that observe random points, in milliseconds.

    Parameters
    ----------
    layout : str
        ``"arc"`` (a deep relief from 60 degrees), ``"ring"`` (an opaque ball from all round), ``"street"`` (a drive
        past houses, each seen for a short while), ``"planar"`` (every point in one plane) or ``"narrow"`` (a baseline
        of 1 % of the distance).
    num_images, num_points : int
        Points that fewer than two images see are dropped.
    camera_model : str
        SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL or RADIAL; one camera of 1024 x 768 pixels takes all images.
    noise_px : float
        Standard deviation of Gaussian noise of each keypoint coordinate, in pixels.
    outlier_ratio : float
        Chance of each keypoint to lie at a random place of the image instead.
    seed : int

    Returns
    -------
    Tracks

    Raises
    ------
    ValueError
        For an unknown layout or camera model and for numbers out of range.

    Examples
    --------
    >>> from fastcv.synthetic import make_tracks
    >>> truth, outliers = make_tracks("ring", num_images=8, num_points=100, noise_px=0.5)
    >>> len(truth.images), int(sum(flags.sum() for flags in outliers.values()))
    (8, 0)
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
    if num_images < 1 or num_points < 0:
        raise ValueError(f"num_images, num_points: expected at least 1 and 0, got {num_images} and {num_points}")
    if not 0 <= outlier_ratio <= 1:
        raise ValueError(f"outlier_ratio: expected 0 to 1, got {outlier_ratio}")
    random = np.random.Generator(np.random.Philox(seed))
    points, poses, visible = LAYOUTS[layout](random, num_images, num_points)
    camera = make_camera(camera_model, 1024, 768)
    rgb = random.integers(0, 256, points.shape, np.uint8)
    names = [f"{layout}_{i:04d}.jpg" for i in range(num_images)]
    for row, pose in enumerate(poses):
        visible[row] &= in_view(points, camera, pose)
    return observe(camera, poses, names, points, rgb, visible, random, noise_px, outlier_ratio)


def in_view(points: Array, camera: Camera, cam_from_world: Array) -> Mask:
    """Which world points (N, 3) lie in front of a camera and inside its image."""
    in_cam = transform(cam_from_world[:, :3], points) + cam_from_world[:, 3]
    inside = in_cam[:, 2] > 0.05
    pixels = project(in_cam[inside], camera)
    inside[inside] = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(1)
    return inside


def observe(
    camera: Camera,
    poses: Array,
    names: Sequence[str],
    points: Array,
    rgb: NDArray[np.uint8],
    visible: Mask,
    random: np.random.Generator,
    noise_px: float = 0.0,
    outlier_ratio: float = 0.0,
) -> Tracks:
    """Project points (P, 3) into the images that see them (``visible``, (N, P)): image ids count from 1, point ids
    too, and points with fewer than two observations are dropped."""
    if not noise_px >= 0:
        raise ValueError(f"noise_px: expected 0 or more, got {noise_px}")
    kept = visible.sum(0) >= 2
    points, rgb, visible = points[kept], rgb[kept], visible[:, kept]
    images, outliers, error = {}, {}, np.zeros(len(points))
    for image_id, (pose, name) in enumerate(zip(poses, names, strict=True), 1):
        rows = np.flatnonzero(visible[image_id - 1])
        exact = project(transform(pose[:, :3], points[rows]) + pose[:, 3], camera)
        pixels = exact + noise_px * random.standard_normal(exact.shape)
        wrong = random.random(len(rows)) < outlier_ratio
        pixels[wrong] = random.uniform((0, 0), (camera.width, camera.height), (int(wrong.sum()), 2))
        error[rows] += np.linalg.norm(pixels - exact, axis=1)
        images[image_id], outliers[image_id] = Image(name, 1, pose, pixels, rows + 1), wrong
    points3d = Points3D(np.arange(1, len(points) + 1), points, rgb, error / np.maximum(visible.sum(0), 1))
    return Tracks(Reconstruction({1: camera}, images, points3d), outliers)
