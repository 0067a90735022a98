# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment with gradients for torch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import DeviceError
from ._implicit import Minimum
from .problem import Problem

Tensors = Mapping[str, Tensor | Sequence[Tensor]]


class _Solve(torch.autograd.Function):
    """From the fields of a problem's arrays to its solution, differentiated where that stands.

    No custom op: cameras, options and callbacks do not fit into a custom op's schema, nor the result into its tensors.
    """

    @staticmethod
    def forward(ctx: Any, minimum: Minimum, names: Sequence[str], *_fields: Tensor) -> tuple[Tensor, ...]:
        ctx.minimum, ctx.names = minimum, names
        arrays = minimum.arrays
        solved = arrays.cam_from_world, arrays.params, arrays.points, arrays.rigs.sensor_from_rig
        return tuple(torch.tensor(values) for values in solved)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gradients = ctx.minimum.gradient(*(grad.contiguous().numpy() for grad in grads))
        fields = zip(ctx.names, ctx.needs_input_grad[2:], strict=True)
        return None, None, *(torch.from_numpy(gradients[name]) if needed else None for name, needed in fields)


def differentiable_solve(
    problem: Problem, tensors: Tensors, **options: Any
) -> tuple[Tensor, list[Tensor], Tensor, Tensor, Any]:
    device = _check(problem, tensors)
    # In double precision on the CPU, where the solver is; autograd takes gradients the way back.
    moved = {name: [t.to("cpu", torch.float64) for t in _listed(value)] for name, value in tensors.items()}
    told = _told(copy.deepcopy(problem), moved)
    minimum = Minimum(told, **options)
    fields = dict(_field(told, name, values) for name, values in moved.items())
    poses, params, points, sensors = _Solve.apply(minimum, tuple(fields), *fields.values())
    sizes = [len(camera.params) for camera in problem.cameras]
    cameras = [part.to(device) for part in torch.split(params, sizes)]
    poses, sensors = (part.reshape(-1, 3, 4).to(device) for part in (poses, sensors))
    return poses, cameras, points.to(device), sensors, minimum.result


def _listed(value: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value)


def _check(problem: Problem, tensors: Tensors) -> torch.device:
    """The device of all tensors; raises for what is no field of the problem and no float tensor."""
    device: torch.device | None = None
    for name, value in tensors.items():
        if name not in _TO_FIELDS:
            raise ValueError(f"tensors: expected names among {', '.join(_TO_FIELDS)}, got {name!r}")
        kind, _, field = name.partition(".")
        if field and getattr(problem, kind) is None:
            raise ValueError(f"{name}: expected a problem with {kind}, got None")
        if name == "cam_from_world" and problem.rigs is not None:
            raise ValueError(f"{name}: expected a problem without rigs, got one with {problem.rigs.num_frames} frames")
        if name in _PER_CAMERA and isinstance(value, Tensor):
            raise TypeError(f"{name}: expected a sequence of tensors, got {type(value).__name__}")
        for tensor in value if name in _PER_CAMERA else [value]:
            device = _check_tensor(name, tensor, device)
    if device is None:
        raise ValueError("tensors: expected at least one, got none")
    return device


def _check_tensor(name: str, tensor: Any, device: torch.device | None) -> torch.device:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(tensor).__name__}")
    if tensor.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name}: expected dtype float32 or float64, got {str(tensor.dtype).removeprefix('torch.')}")
    if tensor.device.type not in ("cpu", "cuda"):
        raise DeviceError(f"{name}: expected a tensor on cpu or cuda, got one on {tensor.device}")
    if device is not None and tensor.device != device:
        raise DeviceError(f"{name}: expected a tensor on {device}, got one on {tensor.device}")
    return tensor.device


def _told(problem: Problem, tensors: Mapping[str, list[Tensor]]) -> Problem:
    """The problem with the tensors' values, checked."""
    for name, values in tensors.items():
        arrays = [tensor.detach().numpy().copy() for tensor in values]
        kind, _, field = name.partition(".")
        if name == "params":
            if len(arrays) != len(problem.cameras):
                raise ValueError(f"params: expected {len(problem.cameras)} tensors, got {len(arrays)}")
            cameras = zip(problem.cameras, arrays, strict=True)
            problem = replace(problem, cameras=[camera.with_params(array) for camera, array in cameras])
        elif field:
            priors = replace(getattr(problem, kind), **{field: arrays if name in _PER_CAMERA else arrays[0]})
            problem = replace(problem, **{kind: priors})
        else:
            problem = replace(problem, **{kind: arrays[0]})
    return problem


# How the fields of ProblemArrays follow from those of a problem.
_PER_CAMERA = ("params", "params_priors.values", "params_priors.deviations")


def _order(problem: Problem, kind: str) -> Tensor:
    return torch.from_numpy(np.argsort(getattr(problem, kind).rows, kind="stable"))


def _prior_values(problem: Problem, kind: str, values: list[Tensor]) -> Tensor:
    return values[0][_order(problem, kind)].flatten(1)


def _prior_whitening(problem: Problem, kind: str, covariances: list[Tensor]) -> Tensor:
    shape = getattr(problem, kind).covariances.shape
    return _whitening(covariances[0].expand(shape))[_order(problem, kind)]


def _whitening(covariances: Tensor) -> Tensor:
    factors = torch.linalg.cholesky(covariances)
    identity = torch.eye(factors.shape[-1], dtype=factors.dtype).expand(factors.shape)
    return torch.linalg.solve_triangular(factors, identity, upper=False)


def _pixel_whitening(problem: Problem, _kind: str, covariances: list[Tensor]) -> Tensor:
    whitening = _whitening(covariances[0].expand(problem.num_observations, 2, 2))
    return torch.stack([whitening[:, 0, 0], whitening[:, 1, 0], whitening[:, 1, 1]], dim=1)


def _known_values(problem: Problem, kind: str, values: list[Tensor]) -> Tensor:
    known = np.isfinite(np.concatenate(getattr(problem, kind).deviations))
    return torch.cat(values)[torch.from_numpy(known)]


def _known_weights(problem: Problem, kind: str, deviations: list[Tensor]) -> Tensor:
    return 1 / _known_values(problem, kind, deviations)


def _same(_problem: Problem, _kind: str, values: list[Tensor]) -> Tensor:
    return values[0]


_TO_FIELDS: dict[str, tuple[str, Callable[[Problem, str, list[Tensor]], Tensor]]] = {
    "observations": ("observations", _same),
    "weights": ("weights", _same),
    "covariances": ("whitening", _pixel_whitening),
    "cam_from_world": ("cam_from_world", lambda _problem, _kind, values: values[0].flatten(1)),
    "params": ("params", lambda _problem, _kind, values: torch.cat(values)),
    "points": ("points", _same),
    **{
        f"{kind}_priors.{field}": (f"{kind}_priors.{to}", convert)
        for kind in ("pose", "position", "point")
        for field, to, convert in (("values", "values", _prior_values), ("covariances", "whitening", _prior_whitening))
    },
    "params_priors.values": ("params_priors.values", _known_values),
    "params_priors.deviations": ("params_priors.weights", _known_weights),
}


def _field(problem: Problem, name: str, values: list[Tensor]) -> tuple[str, Tensor]:
    field, convert = _TO_FIELDS[name]
    return field, convert(problem, name.partition(".")[0], values)
