# SPDX-License-Identifier: Apache-2.0
"""Posed pinhole views and depth maps: what goes into multi-view stereo and what comes out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

MAX_SOURCES = 32
MAX_SIDE = 32766
PIXEL_CENTERS = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # the kernels count from the first pixel's centre


class View(NamedTuple):
    """An undistorted image with its camera. ``undistorted_view`` makes one of a photograph with lens distortion.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8, uint16, float16 or float32 array
        Intensities, floating-point ones in [0, 1]. They are matched at 8 bits.
    K : (3, 3) array
        Upper triangular calibration matrix in pixels; (0, 0) is the top-left corner of the image.
    cam_from_world : (3, 4) array
        ``[R | t]``; x right, y down, z forward; t in scene units.
    mask : (H, W) bool or uint8 array, optional
        False or 0 where a pixel is not to be used: sky, people, what lies outside of an undistorted photograph. As
        reference such a pixel gets no cost and is left out of windows; a sample of a source that touches one is not in
        view.
    """

    image: Any
    K: ArrayLike
    cam_from_world: ArrayLike
    mask: Any = None


class DepthMap(NamedTuple):
    """Depth of every pixel of a view.

    Parameters
    ----------
    depth : (H, W) float32 array
        Depth along z in the camera frame, in scene units; 0 where there is none.
    confidence : (H, W) float32 array
        In [0, 1]; 0 where there is no depth.
    cost : (H, W) float32 array
        Matching cost of the winning plane; NaN where no source sees the pixel.
    """

    depth: Any
    confidence: Any
    cost: Any


class RefinedDepth(NamedTuple):
    """Depth and normal of every pixel of a view.

    Parameters
    ----------
    depth : (H, W) float32 array
        Depth along z in the camera frame, in scene units; 0 where there is none.
    normals : (H, W, 3) float32 array
        Unit vectors in the camera frame, towards the camera; 0 where there is no depth.
    confidence : (H, W) float32 array
        ``1 - cost``, at least 0; 0 where there is no depth.
    cost : (H, W) float32 array
        Of the pixel's plane; NaN where there is no depth.
    """

    depth: Any
    normals: Any
    confidence: Any
    cost: Any


def names_of(num_sources: int) -> list[str]:
    """What messages call the views of a sweep: the reference, then the sources."""
    if not 1 <= num_sources <= MAX_SOURCES:
        raise ValueError(f"sources: expected 1 to {MAX_SOURCES} views, got {num_sources}")
    return ["reference", *(f"sources[{k}]" for k in range(num_sources))]


def camera_of(name: str, view: View) -> tuple[Array, Array]:
    """K (3, 3) and cam_from_world (3, 4) of a view as float64, checked."""
    K, pose = np.asarray(view.K, np.float64), np.asarray(view.cam_from_world, np.float64)
    if K.shape != (3, 3):
        raise ValueError(f"{name}.K: expected shape (3, 3), got {K.shape}")
    if not np.isfinite(K).all() or np.tril(K, -1).any() or K[2, 2] != 1 or K[0, 0] <= 0 or K[1, 1] <= 0:
        raise ValueError(
            f"{name}.K: expected upper triangular with a positive diagonal that ends in 1, got {K.tolist()}"
        )
    if pose.shape != (3, 4):
        raise ValueError(f"{name}.cam_from_world: expected shape (3, 4), got {pose.shape}")
    R = pose[:, :3]
    if not np.isfinite(pose).all() or np.abs(R @ R.T - np.eye(3)).max() > 1e-5 or np.linalg.det(R) < 0:
        raise ValueError(f"{name}.cam_from_world: expected a rotation and a translation, got {pose.tolist()}")
    return K, pose


def size_of(name: str, view: View) -> tuple[int, int]:
    """Height and width of a view's image, its shape checked."""
    shape = tuple(view.image.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3) or 0 in shape:
        raise ValueError(f"{name}.image: expected shape (H, W) or (H, W, 3), got {shape}")
    return shape[0], shape[1]


def source_from_reference(reference: tuple[Array, Array], source: tuple[Array, Array]) -> tuple[Array, Array]:
    """A (3, 3) and b (3,) with ``pixel_source ~ A @ (x, y, 1) + b / depth`` (Hartley & Zisserman 2004, eq. 9.6)."""
    (K1, pose1), (K2, pose2) = reference, source
    R = pose2[:, :3] @ pose1[:, :3].T
    return K2 @ R @ np.linalg.inv(K1), K2 @ (pose2[:, 3] - R @ pose1[:, 3])
