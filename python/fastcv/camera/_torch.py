# SPDX-License-Identifier: Apache-2.0
"""torch custom ops of the camera room, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._torch import host, run
from ..scene import Camera


def model_params(camera: Camera, params: Any) -> Tensor:
    """The parameters as a tensor; the camera's own where ``params`` is None."""
    if params is None:
        return torch.as_tensor(camera.params.copy())  # torch warns of the read-only original
    if not isinstance(params, Tensor):
        params = torch.tensor(np.asarray(params, np.float64))
    if tuple(params.shape) != (len(camera.param_names),):
        raise ValueError(f"params: expected shape ({len(camera.param_names)},), got {tuple(params.shape)}")
    if params.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"params: expected dtype float32 or float64, got {str(params.dtype).removeprefix('torch.')}")
    return params


@torch.library.custom_op("fastcv::camera_project", mutates_args=())
def project(points: Tensor, params: Tensor, model_id: int, num_threads: int) -> Tensor:
    pixels = points.new_empty((len(points), 2))
    run("camera", "project", model_id, host(params), points, pixels, num_threads=num_threads)
    return pixels


@torch.library.custom_op("fastcv::camera_project_vjp", mutates_args=())
def project_vjp(points: Tensor, params: Tensor, grad: Tensor, model_id: int, threads: int) -> tuple[Tensor, Tensor]:
    grad_points = torch.empty_like(points)
    grad_params = points.new_empty(params.shape, dtype=torch.float64)
    run("camera", "project_vjp", model_id, host(params), points, grad, grad_points, grad_params, num_threads=threads)
    return grad_points, grad_params.to(params)


@torch.library.custom_op("fastcv::camera_project_jacobian", mutates_args=())
def project_jacobian(
    points: Tensor, params: Tensor, model_id: int, num_params: int, num_threads: int
) -> tuple[Tensor, Tensor, Tensor]:
    n = len(points)
    result = points.new_empty((n, 2)), points.new_empty((n, 2, 3)), points.new_empty((n, 2, num_params))
    run("camera", "project_jacobian", model_id, host(params), points, *result, num_threads=num_threads)
    return result


@torch.library.custom_op("fastcv::camera_unproject", mutates_args=())
def unproject(pixels: Tensor, params: Tensor, model_id: int, num_threads: int) -> Tensor:
    rays = pixels.new_empty((len(pixels), 3))
    run("camera", "unproject", model_id, host(params), pixels, rays, num_threads=num_threads)
    return rays


@torch.library.custom_op("fastcv::camera_unproject_vjp", mutates_args=())
def unproject_vjp(rays: Tensor, params: Tensor, grad: Tensor, model_id: int, threads: int) -> tuple[Tensor, Tensor]:
    grad_pixels = rays.new_empty((len(rays), 2))
    grad_params = rays.new_empty(params.shape, dtype=torch.float64)
    run("camera", "unproject_vjp", model_id, host(params), rays, grad, grad_pixels, grad_params, num_threads=threads)
    return grad_pixels, grad_params.to(params)


@torch.library.custom_op("fastcv::camera_undistort_image", mutates_args=())
def _undistort_image(
    image: Tensor, params: list[float], ray_from_pixel: list[float], size: list[int], model_id: int, num_threads: int
) -> Tensor:
    out = image.new_empty((*size, image.shape[2]))
    arrays = np.array(params), np.array(ray_from_pixel)
    run("camera", "undistort_image", model_id, *arrays, image, out, num_threads=num_threads)
    return out


@torch.library.custom_op("fastcv::camera_rotation_from_angle_axis", mutates_args=())
def rotation_from_angle_axis(angle_axis: Tensor, num_threads: int) -> Tensor:
    rotations = angle_axis.new_empty((len(angle_axis), 3, 3))
    run("camera", "rotation_from_angle_axis", angle_axis, rotations, num_threads=num_threads)
    return rotations


@torch.library.custom_op("fastcv::camera_rotation_from_angle_axis_vjp", mutates_args=())
def rotation_from_angle_axis_vjp(angle_axis: Tensor, grad: Tensor, num_threads: int) -> Tensor:
    grad_angle_axis = torch.empty_like(angle_axis)
    run("camera", "rotation_from_angle_axis_vjp", angle_axis, grad, grad_angle_axis, num_threads=num_threads)
    return grad_angle_axis


@torch.library.custom_op("fastcv::camera_angle_axis_from_rotation", mutates_args=())
def angle_axis_from_rotation(rotations: Tensor, num_threads: int) -> Tensor:
    angle_axis = rotations.new_empty((len(rotations), 3))
    run("camera", "angle_axis_from_rotation", rotations, angle_axis, num_threads=num_threads)
    return angle_axis


@torch.library.custom_op("fastcv::camera_angle_axis_from_rotation_vjp", mutates_args=())
def angle_axis_from_rotation_vjp(rotations: Tensor, grad: Tensor, num_threads: int) -> Tensor:
    grad_rotations = torch.empty_like(rotations)
    run("camera", "angle_axis_from_rotation_vjp", rotations, grad, grad_rotations, num_threads=num_threads)
    return grad_rotations


# Shapes of the results, for torch.compile.
project.register_fake(lambda points, *_: points.new_empty((points.shape[0], 2)))
unproject.register_fake(lambda pixels, *_: pixels.new_empty((pixels.shape[0], 3)))
project_vjp.register_fake(lambda points, params, *_: (torch.empty_like(points), torch.empty_like(params)))
unproject_vjp.register_fake(lambda rays, params, *_: (rays.new_empty((rays.shape[0], 2)), torch.empty_like(params)))
project_jacobian.register_fake(
    lambda points, _params, _model_id, num_params, _threads: tuple(
        points.new_empty((points.shape[0], *shape)) for shape in ((2,), (2, 3), (2, num_params))
    )
)
_undistort_image.register_fake(lambda image, _params, _matrix, size, *_: image.new_empty((*size, image.shape[2])))
rotation_from_angle_axis.register_fake(lambda angle_axis, _: angle_axis.new_empty((angle_axis.shape[0], 3, 3)))
angle_axis_from_rotation.register_fake(lambda rotations, _: rotations.new_empty((rotations.shape[0], 3)))
rotation_from_angle_axis_vjp.register_fake(lambda angle_axis, *_: torch.empty_like(angle_axis))
angle_axis_from_rotation_vjp.register_fake(lambda rotations, *_: torch.empty_like(rotations))


def _save_projection(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    first, params, ctx.model_id, ctx.num_threads = inputs
    # Unprojection differentiates at the ray that it found, projection at the point that it was given.
    ctx.save_for_backward(output if first.shape[-1] == 2 else first, params)


def _project_backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
    return *project_vjp(*ctx.saved_tensors, grad.contiguous(), ctx.model_id, ctx.num_threads), None, None


def _unproject_backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
    return *unproject_vjp(*ctx.saved_tensors, grad.contiguous(), ctx.model_id, ctx.num_threads), None, None


def _save_rotation(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    ctx.save_for_backward(inputs[0])
    ctx.num_threads = inputs[1]


project.register_autograd(_project_backward, setup_context=_save_projection)
unproject.register_autograd(_unproject_backward, setup_context=_save_projection)
rotation_from_angle_axis.register_autograd(
    lambda ctx, grad: (rotation_from_angle_axis_vjp(*ctx.saved_tensors, grad.contiguous(), ctx.num_threads), None),
    setup_context=_save_rotation,
)
angle_axis_from_rotation.register_autograd(
    lambda ctx, grad: (angle_axis_from_rotation_vjp(*ctx.saved_tensors, grad.contiguous(), ctx.num_threads), None),
    setup_context=_save_rotation,
)


def undistort_image(
    image: Tensor, camera: Camera, pinhole: Camera, ray_from_pixel: np.ndarray, num_threads: int
) -> Tensor:
    size = [pinhole.height, pinhole.width]
    flat = image if image.ndim == 3 else image[:, :, None]
    params = camera.params.tolist(), ray_from_pixel.ravel().tolist()
    return _undistort_image(flat, *params, size, camera.model_id, num_threads).reshape(*size, *image.shape[2:])
