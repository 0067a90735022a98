# SPDX-License-Identifier: Apache-2.0
"""The ``params`` argument that the ops of this room share."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import FLOATS, Call, check, is_torch
from ..scene import Camera


def model_params(call: Call, camera: Camera, params: Any) -> Any:
    """``params``, or the camera's own where it is None: a float64 array, or for torch calls a tensor."""
    num_params = len(camera.param_names)
    if call.is_torch:
        from . import _torch

        return _torch.model_params(camera, params)
    if params is None:
        return camera.params
    if is_torch(params):
        raise TypeError(f"params: expected a {call.framework} array as the arguments before it, got torch")
    params = np.ascontiguousarray(params)
    check("params", params, (num_params,), FLOATS)
    return params.astype(np.float64, copy=False)


def on_host(params: Any) -> Any:
    """What ``model_params`` gave as the float64 numpy array that native code reads."""
    if not is_torch(params):
        return params
    from .. import _torch

    return _torch.host(params)


def refuse_out(**arrays: Any) -> None:
    """Raise where results should go into given tensors and one of the inputs needs a gradient."""
    for name, array in arrays.items():
        if is_torch(array) and array.requires_grad:
            raise ValueError(f"out: expected None where {name} requires a gradient, got a tensor")
