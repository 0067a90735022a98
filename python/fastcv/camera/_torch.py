# SPDX-License-Identifier: Apache-2.0
"""torch custom ops of the camera room."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .._arrays import current_stream, handle
from .._backend import backend


def _execution(tensor: Tensor) -> int:
    return current_stream(tensor) if tensor.is_cuda else 0


@torch.library.custom_op("fastcv::camera_project", mutates_args=())
def _project(points: Tensor, model_id: int, params: list[float]) -> Tensor:
    out = points.new_empty((len(points), 2))
    native = backend(points.device.type).camera.project
    native(model_id, np.array(params), handle(points), handle(out), _execution(points))
    return out


@_project.register_fake
def _(points: Tensor, model_id: int, params: list[float]) -> Tensor:  # noqa: ARG001
    return points.new_empty((points.shape[0], 2))


def project(points: Tensor, model_id: int, params: np.ndarray) -> Tensor:
    return _project(points, model_id, params.tolist())
