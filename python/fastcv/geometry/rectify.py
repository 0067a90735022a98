# SPDX-License-Identifier: Apache-2.0
"""Rectification: two cameras turned and undistorted so that a point of the scene has the same y in both images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..camera import angle_axis_from_rotation, rotation_from_angle_axis, undistort_image, unproject
from ..scene import Camera

Array = NDArray[np.float64]

# Beyond this angle to the common viewing direction a baseline leaves too little of the images (an epipole comes near
# them), and a pinhole image spends most of its pixels on the rim.
_MIN_BASELINE_ANGLE = math.radians(30)
_MAX_HALF_FIELD = math.radians(70)
_BORDER_POINTS = 64  # a side


class Rectification(NamedTuple):
    """Two cameras made parallel, side by side along x.

    Parameters
    ----------
    left, right : Camera
        What took the two photographs.
    camera : Camera
        The ``PINHOLE`` camera, with one focal length, of both rectified images.
    rect_from_left, rect_from_right : (3, 3) float64 array
        How the photographs' cameras are turned: ``x_rect = R @ x_cam``. Maps of positions come from
        ``camera.undistort_map(left, pinhole=camera, cam_from_pinhole=rect_from_left.T)``.
    baseline : float
        Distance of the projection centres in scene units; a point at depth z has a disparity of
        ``camera.focal_length * baseline / z`` pixels.
    """

    left: Camera
    right: Camera
    camera: Camera
    rect_from_left: Array
    rect_from_right: Array
    baseline: float

    def resample(self, left_image: Any, right_image: Any, *, num_threads: int = 0) -> tuple[Any, Any]:
        """The rectified images of the two photographs.

        Parameters
        ----------
        left_image, right_image : (H, W) or (H, W, C) uint8 or float32 array
            The photographs, each of its camera's size.
        num_threads : int, optional
            Threads to use; 0 is the default of ``fastcv.set_num_threads``.

        Returns
        -------
        left, right : array
            Size of ``self.camera``, dtype and channels of the photographs; bilinear, 0 where a photograph has no pixel.
        """
        sides = (left_image, self.left, self.rect_from_left), (right_image, self.right, self.rect_from_right)
        left, right = (
            undistort_image(image, camera, pinhole=self.camera, cam_from_pinhole=R.T, num_threads=num_threads)[0]
            for image, camera, R in sides
        )
        return left, right


def rectify(left: Camera, right: Camera, right_from_left: ArrayLike, *, crop: bool = True) -> Rectification:
    """Turn two calibrated cameras so that matching is a search along rows.

    Each camera is turned by half of the rotation between them, then both by the smallest rotation that lays x along the
    baseline (as Bouguet's method, which OpenCV uses, does). A pair one above the other is turned by another 90 degrees,
    so that its rows, too, are what is searched; the upper camera then is the left one. Focal length and principal point
    are chosen for both images together.

    Parameters
    ----------
    left, right : Camera
        Any models with a focal length.
    right_from_left : (3, 4) array
        ``[R | t]``: ``x_right = R @ x_left + t``, t in scene units.
    crop : bool, optional
        True: every rectified pixel is in both photographs. False: everything that either photograph shows is kept, up
        to 70 degrees from the axis, and some pixels are black.

    Returns
    -------
    Rectification
        Images have the size of the left one, on its side for a pair one above the other.

    Raises
    ------
    ValueError
        Without a baseline, with one along the viewing direction, with the cameras in the wrong order, or where the
        turned cameras have no field in common.

    References
    ----------
    Fusiello, Trucco, Verri 2000, "A compact algorithm for rectification of stereo pairs". Bouguet, "Camera calibration
    toolbox".

    Examples
    --------
    >>> import fastcv
    >>> camera = fastcv.Camera("SIMPLE_RADIAL", 640, 480, [500, 320, 240, -0.1])
    >>> pair = fastcv.geometry.rectify(camera, camera, np.c_[np.eye(3), [-0.2, 0, 0]])
    >>> pair.camera.model, pair.baseline
    ('PINHOLE', 0.2)
    """
    cameras = (("left", left), ("right", right))
    for name, camera in cameras:
        if camera.is_spherical:
            raise ValueError(f"{name}: expected a model with a focal length, got {camera.model}")
    rotations, baseline, upright = _rotations(right_from_left)
    size = np.array([left.width, left.height] if upright else [left.height, left.width])
    extents = [_extent(name, camera, R, crop) for (name, camera), R in zip(cameras, rotations, strict=True)]
    low, high = (np.array(side) for side in zip(*extents, strict=True))
    low, high = (low.max(0), high.min(0)) if crop else (low.min(0), high.max(0))
    if not (low < high).all():
        raise ValueError("right_from_left: expected cameras with a field in common, got none once they are turned")
    scales = size / (high - low)
    focal_length = scales.max() if crop else scales.min()
    center = size / 2 - focal_length * (low + high) / 2
    camera = Camera("PINHOLE", int(size[0]), int(size[1]), np.array([focal_length, focal_length, *center]))
    return Rectification(left, right, camera, *rotations, baseline)


def _rotations(right_from_left: ArrayLike) -> tuple[tuple[Array, Array], float, bool]:
    """``rect_from_left`` and ``rect_from_right``, the baseline, and whether images stay upright."""
    pose = np.asarray(right_from_left, np.float64)
    if pose.shape != (3, 4):
        raise ValueError(f"right_from_left: expected shape (3, 4), got {pose.shape}")
    R, t = pose[:, :3], pose[:, 3]
    if not (np.isfinite(pose).all() and np.abs(R @ R.T - np.eye(3)).max() < 1e-5 and np.linalg.det(R) > 0):
        raise ValueError(f"right_from_left: expected a rotation and a translation, got {pose.tolist()}")
    baseline = float(np.linalg.norm(t))
    if baseline == 0:
        raise ValueError("right_from_left: expected a baseline, got a translation of 0")
    half = rotation_from_angle_axis(angle_axis_from_rotation(R[None]) / 2)[0]
    direction = -half.T @ t / baseline  # from left to right, seen from a camera turned half way
    angle = math.acos(min(abs(direction[2]), 1.0))
    if angle < _MIN_BASELINE_ANGLE:
        raise ValueError(
            f"right_from_left: expected a baseline at {math.degrees(_MIN_BASELINE_ANGLE):.0f} degrees or more to the "
            f"viewing direction, got {math.degrees(angle):.1f}"
        )
    upright = bool(abs(direction[0]) >= abs(direction[1]))
    if direction[0 if upright else 1] < 0:
        where = "to the left of" if upright else "above"
        raise ValueError(
            f"right_from_left: expected the right camera right of or below the left one, got it {where} it"
        )
    turn = _turn(direction, np.eye(3)[0 if upright else 1])
    if not upright:
        turn = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) @ turn
    return (turn @ half, turn @ half.T), baseline, upright


def _turn(direction: Array, target: Array) -> Array:
    """The smallest rotation that takes one unit vector to another, not the opposite one."""
    axis = np.cross(direction, target)
    sine, cosine = float(np.linalg.norm(axis)), float(direction @ target)
    scale = math.atan2(sine, cosine) / sine if sine > 0 else 0.0
    return np.asarray(rotation_from_angle_axis((axis * scale)[None])[0])


def _extent(name: str, camera: Camera, rect_from_cam: Array, crop: bool) -> tuple[Array, Array]:
    """Least and greatest x and y, at z = 1, of the rectangle inside of the turned image, or of the one around it."""
    along = np.linspace(0, 1, _BORDER_POINTS)
    ends = np.zeros_like(along), np.ones_like(along)
    sides = [np.stack([end, along], -1) for end in ends] + [np.stack([along, end], -1) for end in ends]
    turned = [_turned(camera, rect_from_cam, side * [camera.width, camera.height]) for side in sides]
    every = np.concatenate(turned)
    if not len(every):
        raise ValueError(f"{name}: expected a camera that sees along the rectified axis, got none of its border")
    if not crop:
        return every.min(0), every.max(0)
    low, high = np.full(2, -np.inf), np.full(2, np.inf)
    for side in turned:
        if not len(side):
            continue
        offset = side.mean(0) - every.mean(0)
        axis = int(np.argmax(np.abs(offset)))
        if offset[axis] < 0:
            low[axis] = max(low[axis], side[:, axis].max())
        else:
            high[axis] = min(high[axis], side[:, axis].min())
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"{name}: expected a camera that sees along the rectified axis, got only a part of its border")
    return low, high


def _turned(camera: Camera, rect_from_cam: Array, pixels: Array) -> Array:
    """Where rays of pixels meet z = 1 of the turned camera, none further than 70 degrees out, (N, 2)."""
    rays = unproject(pixels, camera, num_threads=1) @ rect_from_cam.T
    rays = rays[~np.isnan(rays).any(1)]
    radius = np.hypot(rays[:, 0], rays[:, 1])
    limit = math.tan(_MAX_HALF_FIELD)
    outside = radius > limit * rays[:, 2]
    scale = np.where(outside, limit / np.maximum(radius, 1e-300), 1 / np.where(outside, 1, rays[:, 2]))
    return rays[:, :2] * scale[:, None]
