# SPDX-License-Identifier: Apache-2.0
"""Masks of probabilities and cameras of a soft carving, checked, and in one row as the kernels want them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import FLOATS, Call, dtype_name, handle, is_torch
from ._blocks import outside_violates
from ._cameras import Array, image_from_voxel, image_of, on_host, starts_of
from ._memory import require_memory
from .grid import VoxelGrid

LEAST_RATE = 1e-6  # kLeastRate of cpp/voxels/soft_voxel.hd.h
_OUTSIDE = -1  # stands for a pixel that is not of the image


class Sensor(NamedTuple):
    """How reliable masks are, as ``carve_soft`` takes it."""

    miss_rate: float
    false_alarm_rate: float
    prior: float
    outside: str

    def native(self) -> tuple[float, float, float, bool]:
        """As the kernels take it, checked."""
        for name, rate in self._asdict().items():
            if name != "outside" and not LEAST_RATE <= rate <= 1 - LEAST_RATE:
                raise ValueError(f"{name}: expected a number from {LEAST_RATE:g} to 1 - {LEAST_RATE:g}, got {rate}")
        prior_odds = self.prior / (1 - self.prior)
        return float(self.miss_rate), float(self.false_alarm_rate), prior_odds, outside_violates(self.outside)


class Resampling(NamedTuple):
    """The pixels of a pinhole view, each a sum of four of the photograph's, or none of it."""

    pixels: NDArray[np.int64]  # (4, h, w)
    weights: Array  # (4, h, w)
    inside: NDArray[np.bool_]  # (h, w)

    def __call__(self, mask: NDArray[np.floating]) -> NDArray[Any]:
        values = (self.weights * mask.reshape(-1)[self.pixels]).sum(0)
        return np.where(self.inside, values, _OUTSIDE).astype(mask.dtype)

    def vjp(self, grad: NDArray[np.floating], size: int) -> NDArray[np.float64]:
        """Gradient by the photograph's pixels."""
        shares = np.where(self.inside, self.weights * grad, 0)
        return np.bincount(self.pixels.reshape(-1), shares.reshape(-1), minlength=size).astype(np.float64)


def bilinear(positions: Array, height: int, width: int) -> Resampling:
    """Between the pixels' centres; beyond the outermost ones these go on."""
    x, y = positions[..., 0], positions[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    x, y = (np.clip(np.where(inside, p, 0) - 0.5, 0, size - 1) for p, size in ((x, width), (y, height)))
    column, row = x.astype(np.int64), y.astype(np.int64)
    across, down = x - column, y - row
    columns, rows = (column, np.minimum(column + 1, width - 1)), (row, np.minimum(row + 1, height - 1))
    pixels = np.stack([r * width + c for r in rows for c in columns])
    weights = np.stack([v * u for v in (1 - down, down) for u in (1 - across, across)])
    return Resampling(pixels, weights, inside)


class SoftViews(NamedTuple):
    """Masks in one row, and what the kernels need beside them."""

    call: Call
    sizes: list[tuple[int, int]]
    resamplings: list[Resampling | None]
    layout: NDArray[np.int64]  # (V, 3): width, height, where in the row
    matrices: Array
    row: Any
    shape: tuple[int, int, int]
    sensor: Sensor

    def native(self) -> tuple[Any, ...]:
        """The first arguments of the native functions."""
        tables = map(handle, (self.call.place(self.matrices), self.call.place(self.layout), self.row))
        return (*tables, np.array(self.shape, np.int64), *self.sensor.native())


def prepare(masks: Any, cameras: Any, grid: VoxelGrid, sensor: Sensor) -> SoftViews:
    """Check masks and cameras, undo lenses, and put the masks into one row."""
    call = Call()
    images: list[Any] = []
    sizes, resamplings, projections = [], [], []
    for i, (mask, camera) in enumerate(zip(masks, cameras, strict=True)):
        image, projection = image_of(call, "mask", i, mask, camera, grid, FLOATS)
        if dtype_name(image) != (first := dtype_name(images[0] if images else image)):
            raise TypeError(f"masks[{i}]: expected dtype {first} as masks[0], got {dtype_name(image)}")
        if not bool(((image >= 0) & (image <= 1)).all()):
            raise ValueError(f"masks[{i}]: expected values from 0 to 1, got others")
        resampling = None if projection.positions is None else bilinear(projection.positions, *image.shape)
        sizes.append(tuple(image.shape))
        resamplings.append(resampling)
        if resampling is not None:
            values = resampling(on_host(image))
            image = image.new_tensor(values) if is_torch(image) else call.place(values)
        images.append(image)
        projections.append(projection)
    shapes = np.array([image.shape for image in images])
    layout = np.stack([shapes[:, 1], shapes[:, 0], starts_of(shapes.prod(1))], axis=1).astype(np.int64)
    require_memory("grid", images[0].itemsize * grid.num_voxels, f"an array {grid.shape}")
    row = call.empty((int(shapes.prod(1).sum()),), dtype_name(images[0]))
    for image, (width, height, start) in zip(images, layout.tolist(), strict=True):
        row[start : start + width * height] = image.reshape(-1)
    matrices = image_from_voxel(projections, grid)
    return SoftViews(call, sizes, resamplings, layout, matrices, row, grid.shape, sensor)
