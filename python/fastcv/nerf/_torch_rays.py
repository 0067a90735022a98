# SPDX-License-Identifier: Apache-2.0
"""Rays in torch's own operations, for poses and pixels that want gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..camera import unproject
from ..scene import Camera


def rays(cameras: Sequence[Camera], poses: Any, pixels: Any, images: Any, num_threads: int) -> tuple[Tensor, Tensor]:
    """Origins and directions, float32, through float64."""
    like = pixels if isinstance(pixels, Tensor) else poses
    pixels, poses = (torch.as_tensor(array, device=like.device).double() for array in (pixels, poses))
    if images is None:
        images = torch.zeros(len(pixels), dtype=torch.int64, device=like.device)
    images = torch.as_tensor(images, device=like.device)
    if len(cameras) == 1:
        in_camera = unproject(pixels, cameras[0], num_threads=num_threads)
    else:
        rows = [torch.nonzero(images == i)[:, 0] for i in range(len(cameras))]
        parts = [unproject(pixels[r], camera, num_threads=num_threads) for r, camera in zip(rows, cameras, strict=True)]
        in_camera = torch.cat(parts)[torch.argsort(torch.cat(rows))]
    world_from_cam = poses[..., :3].transpose(1, 2)
    origins = -(world_from_cam @ poses[..., 3:])[..., 0]
    unit = torch.nn.functional.normalize(in_camera, dim=-1)
    return origins[images].float(), (world_from_cam[images] @ unit[..., None])[..., 0].float()
