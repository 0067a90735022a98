# SPDX-License-Identifier: Apache-2.0
"""torch custom ops of the voxels room, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._arrays import handle
from ..scene import CAMERA_MODELS, Camera
from ._soft_masks import Sensor, SoftViews, prepare
from .grid import VoxelGrid
from .occupancy import BLOCK, FULL, MIXED

_MODELS = {model_id: name for name, (model_id, _) in CAMERA_MODELS.items()}
_MATRIX = -1  # stands for a camera that is a projection matrix


def pack(cameras: Any, grid: VoxelGrid, sensor: Sensor) -> tuple[Any, ...]:
    """Cameras, grid and sensor as what an op takes: tensors and plain numbers. Their values are not looked at yet."""

    def constant(name: str, value: Any) -> Tensor:
        value = value if isinstance(value, Tensor) else torch.from_numpy(np.array(value, np.float64))
        if value.requires_grad:
            raise ValueError(f"{name}: expected a constant, got a tensor that requires a gradient")
        return value.to("cpu", torch.float64)

    tensors: list[Tensor] = []
    kinds: list[int] = []
    for i, camera in enumerate(cameras):
        if isinstance(camera, tuple | list) and len(camera) == 2 and isinstance(camera[0], Camera):
            intrinsics = camera[0]
            tensors += [constant(f"cameras[{i}]", intrinsics.params), constant(f"cameras[{i}]", camera[1])]
            kinds += [intrinsics.model_id, intrinsics.width, intrinsics.height]
        else:
            tensors += [constant(f"cameras[{i}]", camera)]
            kinds += [_MATRIX]
    place = constant("origin", grid.origin)
    return tensors, kinds, place, grid.voxel_size, list(grid.shape), *sensor


def _unpack(
    masks: Sequence[Tensor],
    cameras: Sequence[Tensor],
    kinds: Sequence[int],
    origin: Tensor,
    voxel_size: float,
    shape: Sequence[int],
    miss_rate: float,
    false_alarm_rate: float,
    prior: float,
    outside: str,
) -> SoftViews:
    numbers, tensors = iter(kinds), iter(cameras)
    unpacked: list[Any] = []
    for model in numbers:
        values = next(tensors).numpy()
        if model != _MATRIX:
            values = (Camera(_MODELS[model], next(numbers), next(numbers), values), next(tensors).numpy())
        unpacked.append(values)
    grid = VoxelGrid(origin.numpy(), voxel_size, (shape[0], shape[1], shape[2]))
    sensor = Sensor(miss_rate, false_alarm_rate, prior, outside)
    return prepare([mask.detach() for mask in masks], unpacked, grid, sensor)


def _split(views: SoftViews, row: Tensor) -> list[Tensor]:
    """Gradients by the masks from those by the row of them; copies, as an op must not return views of one tensor."""
    parts = []
    for size, resampling, place in zip(views.sizes, views.resamplings, views.layout.tolist(), strict=True):
        width, height, start = place
        part = row[start : start + width * height].clone()
        if resampling is not None:
            part = row.new_tensor(resampling.vjp(part.cpu().numpy().reshape(height, width), size[0] * size[1]))
        parts.append(part.reshape(size))
    return parts


@torch.library.custom_op("fastcv::voxels_carve_soft", mutates_args=())
def carve_soft(
    masks: Sequence[Tensor],
    cameras: Sequence[Tensor],
    kinds: Sequence[int],
    origin: Tensor,
    voxel_size: float,
    shape: Sequence[int],
    miss_rate: float,
    false_alarm_rate: float,
    prior: float,
    outside: str,
    num_threads: int,
) -> Tensor:
    scene = (cameras, kinds, origin, voxel_size, shape, miss_rate, false_alarm_rate, prior, outside)
    views = _unpack(masks, *scene)
    out = masks[0].new_empty(tuple(shape))
    views.call.backend.voxels.carve_soft(*views.native(), handle(out), views.call.execution(num_threads))
    return out


@torch.library.custom_op("fastcv::voxels_carve_soft_vjp", mutates_args=())
def carve_soft_vjp(
    grad: Tensor,
    masks: Sequence[Tensor],
    cameras: Sequence[Tensor],
    kinds: Sequence[int],
    origin: Tensor,
    voxel_size: float,
    shape: Sequence[int],
    miss_rate: float,
    false_alarm_rate: float,
    prior: float,
    outside: str,
    num_threads: int,
) -> list[Tensor]:
    scene = (cameras, kinds, origin, voxel_size, shape, miss_rate, false_alarm_rate, prior, outside)
    views = _unpack(masks, *scene)
    weights, row = torch.empty_like(grad), torch.empty_like(views.row)
    arrays, execution = map(handle, (grad, weights, row)), views.call.execution(num_threads)
    views.call.backend.voxels.carve_soft_vjp(*views.native(), *arrays, execution)
    return _split(views, row)


# Shapes of the results, for torch.compile.
@carve_soft.register_fake
def _(masks: Any, _cameras: Any, _kinds: Any, _origin: Any, _size: Any, shape: Any, *_: Any) -> Tensor:
    return masks[0].new_empty(tuple(shape))


carve_soft_vjp.register_fake(lambda _grad, masks, *_: [mask.new_empty(mask.shape) for mask in masks])


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ARG001
    masks, cameras, ctx.kinds, origin, *ctx.options = inputs
    ctx.num_masks = len(masks)
    ctx.save_for_backward(*masks, *cameras, origin)


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    *tensors, origin = ctx.saved_tensors
    masks, cameras = tensors[: ctx.num_masks], tensors[ctx.num_masks :]
    grads = carve_soft_vjp(grad.contiguous(), masks, cameras, ctx.kinds, origin, *ctx.options)
    return grads, [None] * len(cameras), None, None, *([None] * len(ctx.options))


carve_soft.register_autograd(_backward, setup_context=_save)


def dense_of(states: NDArray[np.uint8], bits: NDArray[np.uint8], shape: tuple[int, int, int], device: str) -> Tensor:
    """The volume of an ``Occupancy``, 8 layers at a time, as ``Occupancy.to_dense`` makes it."""
    dense = torch.empty(shape, dtype=torch.bool, device=device)
    starts = np.concatenate([[0], np.cumsum((states == MIXED).sum((1, 2)))]).tolist()
    places = 2 ** torch.arange(BLOCK, dtype=torch.uint8, device=device)
    for slab, plane in enumerate(states):
        its_states = torch.from_numpy(plane).to(device)
        rows = torch.from_numpy(bits[starts[slab] : starts[slab + 1]]).to(device)
        blocks = torch.zeros((*plane.shape, BLOCK, BLOCK, BLOCK), dtype=torch.bool, device=device)
        blocks[its_states == FULL] = True
        blocks[its_states == MIXED] = (rows[..., None] & places) != 0
        layers = blocks.permute(2, 0, 3, 1, 4).reshape(BLOCK, BLOCK * plane.shape[0], -1)
        low = BLOCK * slab
        dense[low : low + BLOCK] = layers[: shape[0] - low, : shape[1], : shape[2]]
    return dense
