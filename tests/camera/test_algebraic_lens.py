# SPDX-License-Identifier: Apache-2.0
"""DIVISION and EUCM over their whole domain, against pycolmap, closed forms and complex steps."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.camera import _reference, max_valid_angle, project, project_jacobian, unproject

LENSES = [("DIVISION", [k]) for k in (-2.0, -0.3, -1e-9, 0.0, 1e-9, 0.02, 0.3)]
LENSES += [("EUCM", [alpha, beta]) for alpha in (0.0, 0.1, 0.5, 0.8, 1.0) for beta in (0.4, 1.0, 1.7)]


def camera_of(model: str, lens: list[float]) -> Camera:
    return Camera(model, 640, 480, [500, 510, 321, 239, *lens])


def fan(largest_angle: float) -> np.ndarray:
    """Points in all directions up to an angle from the optical axis, at distances from a millimetre to a kilometre."""
    rng = np.random.default_rng(0)
    angle, turn = rng.uniform(0, largest_angle, 500), rng.uniform(0, 2 * np.pi, 500)
    points = np.column_stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)])
    points[0] = 0, 0, 1
    return points * np.geomspace(1e-3, 1e3, 500)[:, None]


@pytest.mark.parametrize(("model", "lens"), LENSES)
def test_the_whole_domain_against_pycolmap(model, lens):
    camera, points = camera_of(model, lens), fan(np.radians(89.9))
    pixels = project(points, camera)
    theirs = pycolmap.Camera(model=model, width=640, height=480, params=camera.params).img_from_cam(points)
    np.testing.assert_array_equal(np.isnan(pixels), np.isnan(theirs))
    # Relative to the distance from the principal point, which for a flat lens at 89.9° is 300 000 px.
    np.testing.assert_allclose(pixels, theirs, rtol=1e-13, atol=2e-12)


@pytest.mark.parametrize(("model", "lens"), LENSES)
def test_derivatives_against_complex_steps(model, lens):
    camera = camera_of(model, lens)
    points = fan(min(np.radians(85), 0.95 * max_valid_angle(camera)))
    for ours, exact in zip(project_jacobian(points, camera), _reference.project_jacobian(points, camera), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize(("model", "lens"), [*LENSES, ("EUCM", [1.5, 1.2]), ("EUCM", [-0.5, 1.2])])
def test_returns_to_every_point_of_the_domain(model, lens, device):
    camera = camera_of(model, lens)
    points = fan(min(np.radians(89), 0.99 * max_valid_angle(camera)))
    rays = device.get(unproject(device.put(project(points, camera)), camera))
    expected = points / points[:, 2:]
    # Towards 90° and towards a fold a rounding of the pixel moves the ray by the square of its length.
    length = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(rays / length**2, expected / length**2, rtol=0, atol=2e-12)


def test_division_is_what_fitzgibbon_defines():
    camera = Camera("SIMPLE_DIVISION", 640, 480, [400, 0, 0, -0.25])
    image = np.array([[0.3, -0.4], [1.2, 0.9], [0.0, 0.0]])
    expected = image / (1 - 0.25 * (image**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(unproject(400 * image, camera)[:, :2], expected, rtol=1e-15)


def test_outside_of_the_domain_is_nan(device):
    def rays(camera: Camera, radii: list[float]) -> np.ndarray:
        return device.get(unproject(device.put(np.array([[0.6 * r, -0.8 * r] for r in radii])), camera))[:, 0]

    # An image radius of 1 / sqrt(|k|) is the fold for k > 0, and 90° for k < 0.
    for k in (0.25, -0.25):
        division = Camera("SIMPLE_DIVISION", 640, 480, [1, 0, 0, k])
        np.testing.assert_array_equal(np.isnan(rays(division, [1.999, 2.001, 9.0])), [False, True, True])
    # A point at r has an image only up to 1 / (2 sqrt(k)).
    folded = Camera("SIMPLE_DIVISION", 640, 480, [1, 0, 0, 0.25])
    pixels = device.get(project(device.put(np.array([[0.999, 0, 1], [1.001, 0, 1]])), folded))
    np.testing.assert_array_equal(np.isnan(pixels[:, 0]), [False, True])
    # At 90° the image radius is 1 / (alpha sqrt(beta)), for alpha = 1 the largest one at all.
    for alpha in (0.3, 0.8, 1.0):
        unified = Camera("EUCM", 640, 480, [1, 1, 0, 0, alpha, 1.44])
        rim = 1 / (1.2 * alpha)
        np.testing.assert_array_equal(np.isnan(rays(unified, [0.999 * rim, 1.001 * rim])), [False, True])
    for beta in (0.0, -1.0):
        nowhere = Camera("EUCM", 640, 480, [1, 1, 0, 0, 0.5, beta])
        assert np.isnan(project(np.array([[0.1, 0.2, 1.0]]), nowhere)).all()
        assert np.isnan(rays(nowhere, [0.1])).all()


def test_unified_limits():
    points = fan(np.radians(80))
    flat = Camera("EUCM", 640, 480, [500, 510, 321, 239, 0, 1.3])
    np.testing.assert_allclose(
        project(points, flat), project(points, Camera("PINHOLE", 640, 480, [500, 510, 321, 239])), rtol=1e-14
    )
    # alpha = beta = 1 is the orthographic image of the unit sphere.
    sphere = Camera("EUCM", 640, 480, [1, 1, 0, 0, 1, 1])
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    np.testing.assert_allclose(project(points, sphere), unit[:, :2], rtol=0, atol=1e-15)
