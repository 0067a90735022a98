# SPDX-License-Identifier: Apache-2.0
"""EQUIRECTANGULAR in every direction, against pycolmap, closed forms and complex steps."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.camera import _reference, project, project_jacobian, unproject

PANORAMA = Camera("EQUIRECTANGULAR", 2000, 1000, [2000, 1000])
ORACLE = pycolmap.Camera(model="EQUIRECTANGULAR", width=2000, height=1000, params=[2000, 1000])
AXES = np.array([[0, 0, 1.0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])


@pytest.fixture
def directions() -> np.ndarray:
    """All over the sphere, at distances from a millimetre to a kilometre; the axes; both sides of the seam."""
    points = np.random.default_rng(5).standard_normal((1001, 3)) * np.geomspace(1e-3, 1e3, 1001)[:, None]
    points[:5] = AXES
    points[5:7] = [1e-12, 0.3, -1], [-1e-12, 0.3, -1]
    return points


def test_project_against_pycolmap(directions, device):
    pixels = device.get(project(device.put(directions), PANORAMA))
    np.testing.assert_allclose(pixels, ORACLE.img_from_cam(directions), rtol=0, atol=2e-12)


def test_directions_of_known_pixels():
    expected = [[1000, 500], [1500, 500], [500, 500], [1000, 1000], [1000, 0]]
    np.testing.assert_array_equal(project(AXES, PANORAMA), expected)
    # Straight behind is on the seam: at the right side.
    np.testing.assert_array_equal(project(np.array([[0.0, 0, -1]]), PANORAMA), [[2000, 500]])


def test_only_the_origin_has_no_image(device):
    points = np.array([[0.0, 0, 0], [0, 0, -1e-100], [np.nan, 0, 1], [0, np.nan, 1], [0, 0, np.nan]])
    pixels = device.get(project(device.put(points), PANORAMA))
    np.testing.assert_array_equal(np.isnan(pixels).any(axis=1), [True, False, True, True, True])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_stay_in_the_image(dtype):
    seam = np.random.default_rng(6).uniform(-1, 1, (10_000, 3)) * [1e-9, 1, 1] - [0, 0, 1]
    poles = np.random.default_rng(7).standard_normal((10_000, 3)) * [1e-9, 1, 1e-9]
    pixels = project(np.concatenate([seam, poles]).astype(dtype), PANORAMA)
    assert pixels.min() >= 0
    assert (pixels.max(axis=0) <= [2000, 1000]).all()


def test_derivatives_against_complex_steps(directions, device):
    points = directions[np.hypot(directions[:, 0], directions[:, 2]) > 0]
    exact = _reference.project_jacobian(points, PANORAMA)
    for ours, theirs in zip(project_jacobian(device.put(points), PANORAMA), exact, strict=True):
        np.testing.assert_allclose(device.get(ours), theirs, rtol=1e-12, atol=1e-11)


def test_derivatives_at_the_poles_are_finite():
    _, d_point, d_params = project_jacobian(np.array([[0, 2.0, 0], [0, -2.0, 0]]), PANORAMA)
    assert abs(d_point).max() < 1e-100
    np.testing.assert_array_equal(d_params, [[[0.5, 0], [0, 1]], [[0.5, 0], [0, 0]]])


def test_unproject_against_pycolmap(device):
    pixels = np.random.default_rng(8).uniform(0, 1, (1000, 2)) * [2000, 1000]
    pixels[:4] = [1000, 500], [0, 500], [2000, 500], [700, 0]
    rays = device.get(unproject(device.put(pixels), PANORAMA))
    np.testing.assert_allclose(rays, ORACLE.cam_ray_from_img(pixels), rtol=0, atol=5e-16)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1, rtol=4e-16)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 2e-3), (np.float64, 2e-12)])
def test_returns_to_the_pixel_even_at_the_poles(dtype, limit, device):
    x, y = np.meshgrid(np.linspace(0, 2000, 41)[1:-1], np.linspace(0, 1000, 21))
    pixels = np.column_stack([x.ravel(), y.ravel()]).astype(dtype)
    rays = unproject(device.put(pixels), PANORAMA)
    np.testing.assert_allclose(device.get(project(rays, PANORAMA)), pixels, rtol=0, atol=limit)


def test_a_turn_more_is_the_same_ray_and_beyond_a_pole_there_is_none(device):
    pixels = np.array([[-5.0, 300], [2005, 300], [-4005, 300], [10, -0.001], [10, 1000.001], [np.inf, 1]])
    rays = device.get(unproject(device.put(pixels), PANORAMA))
    expected = ORACLE.cam_ray_from_img(np.array([[1995.0, 300], [5, 300], [1995, 300]]))
    np.testing.assert_allclose(rays[:3], expected, rtol=0, atol=1e-15)
    assert np.isnan(rays[3:, :2]).all()


def test_gradients_all_over_the_sphere(directions):
    torch = pytest.importorskip("torch")
    # Steps of 1e-6 err by their square times the third derivative, which a millimetre from the camera is 1e12 px.
    points = torch.tensor(directions[-8:], requires_grad=True)
    params = torch.tensor(PANORAMA.params.copy(), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, p: project(x, PANORAMA, params=p), (points, params), rtol=1e-6, atol=1e-5)
    pixels = torch.tensor([[3.0, 40], [400, 999], [1999, 500], [1000, 500], [1300, 7]], dtype=torch.float64)
    pixels.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, p: unproject(x, PANORAMA, params=p), (pixels, params), rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_of_unproject_at_a_pole(dtype):
    """d(ray)/dy is the tangent of the meridian, d(ray)/dx is 0: finite for a large panorama in float32 too."""
    torch = pytest.importorskip("torch")
    camera = Camera("EQUIRECTANGULAR", 16384, 8192, [16384, 8192])
    pixels = torch.tensor([[4096.0, 0.0]], dtype=getattr(torch, dtype), requires_grad=True)  # longitude -90°
    unproject(pixels, camera)[0, 0].backward()
    np.testing.assert_allclose(pixels.grad, [[0, -np.pi / 8192]], rtol=1e-6, atol=1e-9)
