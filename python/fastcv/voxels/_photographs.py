# SPDX-License-Identifier: Apache-2.0
"""Photographs, masks and cameras of a space carving, checked, and packed as the kernels want them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .._arrays import Call, dtype_name, handle
from ..scene import Camera
from ._cameras import facing_matrix, is_pair, is_pinhole, rigid_pose
from ._memory import require_memory
from ._silhouettes import view_of
from .grid import VoxelGrid

Array = NDArray[np.float64]

TILE = 8  # kSightTile of cpp/voxels/photographs.h
NOT_CAST, NO_VOXEL = -2, -1
_BYTES_PER_PIXEL = 4 + 8 + 4  # the pixel, the voxel that it sees, and how far away that is


@dataclass(frozen=True, eq=False)
class Photographs:
    """What the kernels take, in the callers' framework (cpp/voxels/photographs.h).

    ``layout`` and ``geometry`` describe the views, ``pixels`` are all of their pixels one after the other, ``seen`` and
    ``depths`` the voxel that each of them sees.
    """

    geometry: Any
    layout: Any
    pixels: Any
    seen: Any
    depths: Any
    sizes: list[tuple[int, int]]

    @property
    def num_tiles(self) -> int:
        """Tiles of all photographs."""
        return sum(map(num_tiles, self.sizes))

    def images(self, array: Any) -> list[Any]:
        """Every view's part of an array over pixels, (H, W)."""
        parts = _split(array, map(math.prod, self.sizes))
        return [part.reshape(size) for part, size in zip(parts, self.sizes, strict=True)]

    def tiles(self, array: Any) -> list[Any]:
        """Every view's part of an array over tiles, (T,)."""
        return _split(array, map(num_tiles, self.sizes))


def _split(array: Any, counts: Iterable[int]) -> list[Any]:
    parts, begin = [], 0
    for count in counts:
        parts.append(array[begin : begin + count])
        begin += count
    return parts


def pack_photographs(
    call: Call,
    images: Sequence[Any],
    masks: Sequence[Any] | None,
    cameras: Any,
    grid: VoxelGrid,
    num_threads: int,
) -> Photographs:
    """Checks and packs; distorted photographs are resampled once."""
    photos = [_photo(call, i, image, None if masks is None else masks[i], cameras[i], grid)
              for i, image in enumerate(images)]  # fmt: skip
    sizes = [(image.shape[0], image.shape[1]) for image, _, _ in photos]
    count = np.array([height * width for height, width in sizes])
    total = int(count.sum())
    what = f"the pixels of {len(photos)} photographs and {grid.shape} voxels"
    require_memory("images", _BYTES_PER_PIXEL * total + 2 * grid.num_voxels, what)
    starts = np.concatenate([[0], np.cumsum(count)[:-1]])
    layout = np.array([[width, height, start] for (height, width), start in zip(sizes, starts, strict=True)], np.int64)
    pixels = call.empty((total,), "int32")
    seen = np.full(total, NO_VOXEL, np.int64)
    for (image, shows, _), start, size in zip(photos, starts, sizes, strict=True):
        end = start + size[0] * size[1]
        out = pixels[start:end].reshape(size)
        call.backend.voxels.pack_photograph(handle(image), handle(out), call.execution(num_threads))
        seen[start:end][shows.ravel()] = NOT_CAST
    geometry = np.stack([view_geometry(matrix, grid) for _, _, matrix in photos])
    depths = np.zeros(total, np.float32)
    place = call.place
    return Photographs(place(geometry), place(layout), pixels, place(seen), place(depths), sizes)


def view_geometry(image_from_world: Array, grid: VoxelGrid) -> Array:
    """A row of ``Photographs.geometry``. Written out, as BLAS adds up in another order on every processor."""
    M = np.sum(image_from_world[:, :, None] * grid.world_from_voxel[None], axis=1)
    rows, offset = M[:, :3], M[:, 3]
    cofactors = np.stack([np.cross(rows[1], rows[2]), np.cross(rows[2], rows[0]), np.cross(rows[0], rows[1])], axis=1)
    with np.errstate(all="ignore"):
        voxel_from_pixel = cofactors / np.sum(rows[0] * cofactors[:, 0])
        center = -np.sum(voxel_from_pixel * offset, axis=1)
        axis = rows[2] / np.sqrt(np.sum(rows[2] ** 2))
        sides = [np.sqrt(np.sum(np.cross(row, axis) ** 2)) for row in rows[:2]]
        geometry = np.concatenate([M.ravel(), center, voxel_from_pixel.ravel(), sides])
    if not np.isfinite(geometry).all():
        raise ValueError("cameras: expected projections of the grid that are finite numbers, got one that overflows")
    return geometry


def _photo(
    call: Call, i: int, image: Any, mask: Any, camera: Any, grid: VoxelGrid
) -> tuple[Any, NDArray[np.bool_], Array]:
    """A photograph as bytes, where it shows the object, and its projection."""
    name = f"images[{i}]"
    image = call.input(name, image, (None, None, 3), ("uint8", "float32"))
    size = tuple(image.shape[:2])
    if 0 in size:
        raise ValueError(f"{name}: expected at least one pixel, got shape {tuple(image.shape)}")
    if is_pair(camera) and size != (camera[0].height, camera[0].width):
        raise ValueError(f"{name}: expected its camera's size {(camera[0].height, camera[0].width)}, got {size}")
    if mask is None:
        mask = call.place(np.ones(size, np.uint8))
    elif tuple(getattr(mask, "shape", np.shape(mask))) != size:
        raise ValueError(f"masks[{i}]: expected its image's size {size}, got shape {tuple(np.shape(mask))}")
    view = view_of(call, i, mask, camera, grid)
    image = _as_levels(call, name, image)
    if is_pair(camera) and not is_pinhole(camera[0]):
        image, _ = camera_room.undistort_image(image, camera[0])
    shows = call.fetch(view.mask)
    return image, (shows != 0) & (shows != view.outside), view.projection.image_from_world


def _as_levels(call: Call, name: str, image: Any) -> Any:
    """uint8 levels."""
    if dtype_name(image) == "uint8":
        return image
    values = call.fetch(image)
    if not (values >= 0).all() or not (values <= 1).all():
        got = "NaN" if np.isnan(values).any() else f"{values.min()} to {values.max()}"
        raise ValueError(f"{name}: expected values in [0, 1], got {got}")
    return call.place(np.rint(values * np.float32(255)).astype(np.uint8))


def num_tiles(size: tuple[int, int]) -> int:
    """Tiles of a picture (H, W)."""
    return -(-size[0] // TILE) * -(-size[1] // TILE)


def camera_of(camera: Any, size: tuple[int, int] | None, grid: VoxelGrid) -> tuple[Array, tuple[int, int]]:
    """A pinhole view to render: the projection, and the image's height and width."""
    if is_pair(camera):
        intrinsics: Camera = camera[0]
        if not is_pinhole(intrinsics):
            raise ValueError(f"camera: expected PINHOLE or SIMPLE_PINHOLE, got {intrinsics.model}")
        return intrinsics.matrix @ rigid_pose("camera", camera[1]), (intrinsics.height, intrinsics.width)
    if size is None:
        raise ValueError("size: expected (H, W) where the camera is a matrix, got None")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size: expected two positive numbers (H, W), got {size}")
    return facing_matrix("camera", camera, grid), size
