# SPDX-License-Identifier: Apache-2.0
"""The camera ops on torch tensors: gradients, opcheck, torch.compile, and both devices."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import Camera
from fastcv.camera import (
    angle_axis_from_rotation,
    project,
    project_jacobian,
    rotation_from_angle_axis,
    undistort_image,
    unproject,
)

torch = pytest.importorskip("torch")
from fastcv.camera import _torch  # noqa: E402  (needs torch)


@pytest.fixture
def dev(device):
    return device.name


def few(points: np.ndarray, dev: str) -> torch.Tensor:
    return torch.tensor(points[:4], device=dev, requires_grad=True)


def test_values(camera, points, dev):
    tensor = torch.tensor(points, device=dev)
    pixels = project(tensor, camera)
    np.testing.assert_allclose(pixels.cpu(), project(points, camera), rtol=0, atol=1e-12)
    np.testing.assert_allclose(unproject(pixels, camera).cpu(), unproject(pixels.cpu().numpy(), camera), atol=1e-14)
    for ours, expected in zip(project_jacobian(tensor, camera), project_jacobian(points, camera), strict=True):
        np.testing.assert_allclose(ours.cpu(), expected, rtol=0, atol=1e-12)


def test_gradients_of_project(camera, points, dev):
    tensor, params = few(points, dev), torch.tensor(camera.params.copy(), requires_grad=True)
    # Central differences of pixels of some hundreds, step 1e-6: 1e-13 / 1e-6.
    assert torch.autograd.gradcheck(lambda x, p: project(x, camera, params=p), (tensor, params), rtol=1e-6, atol=1e-5)


def test_gradients_of_unproject(camera, points, dev):
    pixels = project(few(points, dev).detach(), camera).requires_grad_()
    params = torch.tensor(camera.params.copy(), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, p: unproject(x, camera, params=p), (pixels, params), rtol=1e-6, atol=1e-7)


def test_gradients_of_many_are_sums_that_no_thread_count_changes(camera, points):
    many = torch.tensor(np.tile(points, (70, 1)))
    grads = []
    for num_threads in (1, 3):
        params = torch.tensor(camera.params.copy(), requires_grad=True)
        project(many, camera, params=params, num_threads=num_threads).square().sum().backward()
        grads.append(params.grad.numpy())
    np.testing.assert_array_equal(*grads)
    pixels, _, d_params = project_jacobian(points, camera)
    expected = 70 * np.einsum("nx,nxp->p", 2 * pixels, d_params)
    np.testing.assert_allclose(grads[0], expected, rtol=1e-11)  # 70 000 terms


def test_float32_gradients(camera, points, dev):
    tensor = torch.tensor(points, device=dev, dtype=torch.float32, requires_grad=True)
    params = torch.tensor(camera.params, dtype=torch.float32, requires_grad=True)
    project(tensor, camera, params=params).sum().backward()
    _, d_point, d_params = project_jacobian(points, camera)
    np.testing.assert_allclose(tensor.grad.cpu(), d_point.sum(axis=1), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(params.grad, d_params.sum(axis=(0, 1)), rtol=1e-4, atol=1e-3)


def test_points_without_an_image_have_no_gradient(forward_camera, dev):
    camera = forward_camera
    points = torch.tensor([[0.1, 0.2, -1.0], [0.1, 0.2, 0.0], [0.1, 0.2, 1.0]], dtype=torch.float64, device=dev)
    points.requires_grad_()
    params = torch.tensor(camera.params.copy(), requires_grad=True)
    project(points, camera, params=params).nansum().backward()
    assert (points.grad[:2] == 0).all()
    alone = torch.tensor(camera.params.copy(), requires_grad=True)
    project(points[2:].detach(), camera, params=alone).sum().backward()
    np.testing.assert_allclose(params.grad, alone.grad, rtol=1e-13)
    pixels = torch.tensor([[1e9, 1e9], [np.nan, 1.0]], dtype=torch.float64, device=dev, requires_grad=True)
    folded = Camera("SIMPLE_RADIAL", 640, 480, [500, 320, 240, -0.3])
    unproject(pixels, folded).nansum().backward()
    assert (pixels.grad == 0).all()


def test_gradients_of_rotations(dev):
    w = torch.tensor([[0.3, -0.2, 0.9], [0, 0, 0], [1e-9, 0, 0], [0, 3.1, 0.2]], dtype=torch.float64, device=dev)
    w.requires_grad_()
    assert torch.autograd.gradcheck(lambda w: rotation_from_angle_axis(w), w)
    # The logarithm is defined on rotations only, so its gradient is checked behind the exponential.
    assert torch.autograd.gradcheck(lambda w: angle_axis_from_rotation(rotation_from_angle_axis(w)), w)


def test_logarithm_gradient_stays_in_the_tangent_space(dev):
    rotation = rotation_from_angle_axis(torch.tensor([[0.3, -0.2, 0.9]], dtype=torch.float64, device=dev))
    rotation.requires_grad_()
    angle_axis_from_rotation(rotation).square().sum().backward()
    tangent = rotation.detach()[0].T @ rotation.grad[0]
    np.testing.assert_allclose((tangent + tangent.T).cpu(), 0, atol=1e-15)


def test_opcheck(camera, points, dev):
    tensor, params = few(points, dev), torch.tensor(camera.params.copy(), requires_grad=True)
    pixels = project(tensor.detach(), camera)
    model, num_params = camera.model_id, len(camera.params)
    for op, args in (
        (_torch.project, (tensor, params, model, 0)),
        (_torch.unproject, (pixels.requires_grad_(), params, model, 0)),
        (_torch.project_vjp, (tensor.detach(), params.detach(), pixels.detach(), model, 0)),
        (_torch.unproject_vjp, (tensor.detach(), params.detach(), tensor.detach(), model, 0)),
        (_torch.project_jacobian, (tensor.detach(), params.detach(), model, num_params, 0)),
    ):
        torch.library.opcheck(op, args, test_utils=("test_schema", "test_autograd_registration", "test_faketensor"))


def test_opcheck_with_dynamic_shapes(points, dev):
    camera = Camera("OPENCV", 640, 480, [500, 510, 321, 239, -0.05, 0.02, 0.002, -0.003])
    params = torch.tensor(camera.params.copy(), requires_grad=True)
    torch.library.opcheck(_torch.project, (few(points, dev), params, camera.model_id, 0))
    w = few(points, dev)
    torch.library.opcheck(_torch.rotation_from_angle_axis, (w, 0))
    torch.library.opcheck(_torch.angle_axis_from_rotation, (rotation_from_angle_axis(w).detach().requires_grad_(), 0))
    image = torch.zeros((48, 64, 3), device=dev)
    torch.library.opcheck(
        _torch._undistort_image,
        (image, camera.params.tolist(), [0.01, 0, -0.3, 0, 0.01, -0.2, 0, 0, 1.0], [48, 64], 4, 0),
    )


def test_compile(points, dev):
    camera = Camera("OPENCV_FISHEYE", 640, 480, [500, 510, 321, 239, -0.05, 0.02, 0.002, -0.003])

    def loss(x, params):
        rays = unproject(project(x, camera, params=params), camera)
        return (rays[:, :2] * project(x, camera) / 100).square().sum()

    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        tensor, params = few(points, dev), torch.tensor(camera.params.copy(), requires_grad=True)
        value = run(tensor, params)
        value.backward()
        results.append((value.item(), tensor.grad.cpu().numpy(), params.grad.numpy()))
    for eager, compiled in zip(*results, strict=True):
        np.testing.assert_allclose(eager, compiled, rtol=1e-12)


def test_layouts_and_parameters(camera, points, dev):
    expected = project(points, camera)
    tensor = torch.tensor(points.T.copy(), device=dev).T  # strided
    np.testing.assert_allclose(project(tensor, camera).cpu(), expected, rtol=0, atol=1e-12)
    parameter = torch.nn.Parameter(torch.tensor(points, device=dev))
    project(parameter, camera).sum().backward()
    assert parameter.grad.shape == parameter.shape
    assert project(tensor[:0], camera).shape == (0, 2)


def test_out(points, dev):
    camera = Camera("PINHOLE", 640, 480, [500, 510, 321, 239])
    out = torch.empty((1001, 2), dtype=torch.float64, device=dev)
    assert project(torch.tensor(points, device=dev), camera, out=out) is out
    np.testing.assert_allclose(out.cpu(), project(points, camera), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"^out: expected None where points requires a gradient, got a tensor$"):
        project(torch.tensor(points, device=dev, requires_grad=True), camera, out=out)
    with pytest.raises(ValueError, match=r"^out: expected None where params requires a gradient, got a tensor$"):
        project(out.new_ones((1001, 3)), camera, params=torch.ones(4, requires_grad=True), out=out)


def test_undistort_image(dev):
    camera = Camera("SIMPLE_RADIAL", 64, 48, [50, 32, 24, -0.1])
    image = np.random.default_rng(10).integers(0, 256, (48, 64, 3), np.uint8)
    expected, pinhole = undistort_image(image, camera)
    for part in (image, image[..., 0]):
        result, theirs = undistort_image(torch.tensor(part, device=dev), camera)
        assert theirs == pinhole
        np.testing.assert_array_equal(result.cpu(), expected if part.ndim == 3 else expected[..., 0])


def test_wrong_arguments(points):
    camera, tensor = Camera("PINHOLE", 640, 480, [500, 510, 321, 239]), torch.tensor(points)
    with pytest.raises(ValueError, match=r"^params: expected shape \(4,\), got \(3,\)$"):
        project(tensor, camera, params=torch.ones(3))
    with pytest.raises(TypeError, match=r"^params: expected dtype float32 or float64, got int64$"):
        project(tensor, camera, params=torch.ones(4, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"^params: expected a numpy array as the arguments before it, got torch$"):
        project(points, camera, params=torch.ones(4))
    with pytest.raises(TypeError, match=r"^points: expected dtype float32 or float64, got float16$"):
        project(tensor.half(), camera)
    with pytest.raises(fastcv.DeviceError, match=r"^device: expected cpu or cuda, got meta$"):
        project(tensor.to("meta"), camera, out=torch.empty((1001, 2), dtype=torch.float64, device="meta"))
