# SPDX-License-Identifier: Apache-2.0
"""Cameras of views, checked: projections of the world to images, and where a lens moved their pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from .._arrays import Call, is_torch
from ..scene import Camera
from .grid import VoxelGrid

Array = NDArray[np.float64]

_MAX_PIXELS = 2**31  # pixels are numbered in 32 bits
_PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE")


class Projection(NamedTuple):
    """How a view sees the world: by a pinhole camera, whose pixels' centres lie at ``positions`` in the photograph.

    (3, 4) ``image_from_world``, w > 0 in front of the camera; (h, w, 2) positions, None where they are the
    photograph's own.
    """

    image_from_world: Array
    positions: Array | None


def check_views(name: str, images: Any, cameras: Any) -> None:
    """Raise ValueError unless there are images and as many cameras."""
    if len(images) == 0:
        raise ValueError(f"{name}s: expected at least one, got none")
    if len(cameras) != len(images):
        raise ValueError(f"cameras: expected one per {name} ({len(images)}), got {len(cameras)}")


def image_of(
    call: Call, name: str, i: int, image: Any, camera: Any, grid: VoxelGrid, dtypes: Sequence[str]
) -> tuple[Any, Projection]:
    """Image i, checked, and the projection of its camera, which is a (3, 4) matrix or a pair of Camera and pose."""
    label = f"{name}s[{i}]"
    if hasattr(image, "shape") and math.prod(image.shape) >= _MAX_PIXELS:
        raise ValueError(f"{label}: expected fewer than 2**31 pixels, got shape {tuple(image.shape)}")
    image = call.input(label, image, (None, None), dtypes)
    size = height, width = tuple(image.shape)
    if height == 0 or width == 0:
        raise ValueError(f"{label}: expected at least one pixel, got shape {size}")
    if not is_pair(camera):
        return image, Projection(facing_matrix(f"cameras[{i}]", camera, grid), None)
    intrinsics, pose = camera[0], rigid_pose(f"cameras[{i}]", camera[1])
    if size != (expected := (intrinsics.height, intrinsics.width)):
        raise ValueError(f"{label}: expected its camera's size {expected}, got shape {size}")
    if is_pinhole(intrinsics):
        return image, Projection(intrinsics.matrix @ pose, None)
    positions, pinhole = camera_room.undistort_map(intrinsics)
    return image, Projection(pinhole.matrix @ pose, positions)


def on_host(image: Any) -> NDArray[Any]:
    """An image as numpy knows it."""
    return np.asarray(image.cpu() if is_torch(image) else image.get() if hasattr(image, "get") else image)


def nearest(image: Any, positions: Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The pixels of an image that positions lie in, as numpy, and which of them lie in the image at all."""
    image = on_host(image)
    row, column, inside = pixels_under(positions, image.shape[0], image.shape[1])
    return image[row, column], inside


def pixels_under(
    positions: Array, height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Row and column of the pixels that positions lie in, 0 beside the image, and which of them lie in it."""
    x, y = positions[..., 0], positions[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    row, column = (np.where(inside, p, 0).astype(np.int64) for p in (y, x))
    return row, column, inside


def image_from_voxel(projections: Sequence[Projection], grid: VoxelGrid) -> Array:
    """(V, 12): the projections of the grid's (x, y, z, 1) in voxels."""
    with np.errstate(over="ignore", invalid="ignore"):
        matrices = np.stack([(p.image_from_world @ grid.world_from_voxel).ravel() for p in projections])
    if not np.isfinite(matrices).all():
        raise ValueError("cameras: expected projections of the grid that are finite numbers, got one that overflows")
    return matrices


def starts_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of a row of tables begins."""
    return np.concatenate([[0], np.cumsum(counts)[:-1]])


def is_pair(camera: Any) -> bool:
    """Whether a camera comes as a Camera and a pose, rather than as a matrix."""
    return isinstance(camera, tuple | list) and len(camera) == 2 and isinstance(camera[0], Camera)


def is_pinhole(camera: Camera) -> bool:
    """Whether a camera's photographs need no resampling."""
    return camera.model in _PINHOLES


def scaled_matrix(name: str, matrix: ArrayLike) -> Array:
    """A projection matrix of any scale and sign, scaled so that w is depth up to its sign."""
    P = np.asarray(matrix, np.float64)
    if P.shape != (3, 4):
        raise ValueError(f"{name}: expected shape (3, 4), or a Camera and a pose, got {P.shape}")
    if not np.isfinite(P).all():
        raise ValueError(f"{name}: expected finite values, got {P.tolist()}")
    lengths = np.linalg.norm(P[:, :3], axis=1)
    # The volume of the parallelepiped of unit rows is that of K's: above the square of focal length over image size.
    if not lengths.all() or abs(np.linalg.det(P[:, :3] / lengths[:, None])) < 1e-12:
        raise ValueError(f"{name}: expected a matrix whose left 3x3 part is not singular, got {P.tolist()}")
    return np.divide(P, lengths[2])


def facing_matrix(name: str, matrix: ArrayLike, grid: VoxelGrid) -> Array:
    """The same with the sign for which the grid's centre lies in front."""
    P = scaled_matrix(name, matrix)
    depth = P[2] @ grid.world_from_voxel @ [*(0.5 * np.array(grid.shape[::-1])), 1.0]
    if depth == 0:
        raise ValueError(f"{name}: expected a camera that does not stand beside the grid's centre, got depth 0 there")
    return P * np.sign(depth)


def rigid_pose(name: str, pose: ArrayLike) -> Array:
    """A pose as it is, checked."""
    pose = np.asarray(pose, np.float64)
    if pose.shape != (3, 4):
        raise ValueError(f"{name}: expected a pose of shape (3, 4), got {pose.shape}")
    R = pose[:, :3]
    if not np.isfinite(pose).all() or np.abs(R @ R.T - np.eye(3)).max() > 1e-5 or np.linalg.det(R) < 0:
        raise ValueError(f"{name}: expected a rotation and a translation, got {pose.tolist()}")
    return pose
