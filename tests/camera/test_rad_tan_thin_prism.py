# SPDX-License-Identifier: Apache-2.0
"""RAD_TAN_THIN_PRISM_FISHEYE with the strong distortion of real glasses, up to 85° from the axis."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.camera import _reference, max_valid_angle, project, project_jacobian, unproject

# Of the size that Project Aria's calibrations have: radial terms of some tenths that nearly cancel at the rim.
GLASSES = Camera(
    "RAD_TAN_THIN_PRISM_FISHEYE",
    640,
    480,
    [240, 241, 319, 238, -0.025, 0.1, -0.066, 0.01, 0.0015, -0.0005, 6e-4, -2e-4, 8e-4, -3e-4, 5e-4, 1e-4],
)


@pytest.fixture
def points() -> np.ndarray:
    rng = np.random.default_rng(9)
    angle, turn = rng.uniform(0, np.radians(85), 999), rng.uniform(0, 2 * np.pi, 999)
    return np.column_stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)])


def test_against_pycolmap(points, device):
    theirs = pycolmap.Camera(model=GLASSES.model, width=640, height=480, params=GLASSES.params)
    pixels = device.get(project(device.put(points), GLASSES))
    np.testing.assert_allclose(pixels, theirs.img_from_cam(points), rtol=0, atol=2e-12)
    np.testing.assert_allclose(unproject(pixels, GLASSES) * points[:, 2:], points, rtol=0, atol=1e-13)


def test_derivatives_against_complex_steps(points, device):
    exact = _reference.project_jacobian(points, GLASSES)
    for ours, theirs in zip(project_jacobian(device.put(points), GLASSES), exact, strict=True):
        np.testing.assert_allclose(device.get(ours), theirs, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("name", GLASSES.param_names[4:])
def test_every_parameter_matters(points, name):
    """Each moves pixels as pycolmap's does; one that was taken for another would not."""
    params = GLASSES.params.copy()
    params[GLASSES.param_names.index(name)] += 0.01
    theirs = pycolmap.Camera(model=GLASSES.model, width=640, height=480, params=params).img_from_cam(points)
    pixels = project(points, GLASSES, params=params)
    np.testing.assert_allclose(pixels, theirs, rtol=0, atol=2e-12)
    assert abs(pixels - project(points, GLASSES)).max() > 1


def test_beyond_the_fold_is_nan():
    folding = Camera(GLASSES.model, 640, 480, [1, 1, 0, 0, -0.3, *[0] * 11])
    top = 2 / 3 * max_valid_angle(folding)  # of theta (1 - 0.3 theta²)
    rays = unproject(np.array([[0.999 * top, 0], [0, 1.001 * top]]), folding)
    np.testing.assert_array_equal(np.isnan(rays[:, 0]), [False, True])
