# SPDX-License-Identifier: Apache-2.0
"""One realistic camera of every model, and points in front of it."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import Camera
from fastcv.scene import CAMERA_MODELS

# Distortion of real lenses (a phone, an action camera); strong enough that every term moves pixels by more than 0.1.
_VALUES = {"f": 500.0, "fx": 500.0, "fy": 510.0, "cx": 321.0, "cy": 239.0, "omega": 0.9}
_VALUES |= {"k": -0.05, "k1": -0.05, "k2": 0.02, "k3": -0.003, "k4": 0.001, "k5": 0.002, "k6": 0.001}
_VALUES |= {"k0": 0.03, "p0": 0.001, "s0": 0.001, "s1": -0.002, "s2": 0.0015, "s3": 0.0005}
_VALUES |= {"alpha": 0.6, "beta": 1.1, "w": 640.0, "h": 480.0}
_VALUES |= {"p1": 0.002, "p2": -0.003, "sx1": 0.001, "sy1": -0.002}


def make_camera(model: str) -> Camera:
    return Camera(model, 640, 480, np.array([_VALUES[name] for name in CAMERA_MODELS[model][1]]))


@pytest.fixture(params=list(CAMERA_MODELS))
def camera(request: pytest.FixtureRequest) -> Camera:
    return make_camera(request.param)


@pytest.fixture(params=[name for name in CAMERA_MODELS if name != "EQUIRECTANGULAR"])
def forward_camera(request: pytest.FixtureRequest) -> Camera:
    """A camera of each model that sees only what is in front of it."""
    return make_camera(request.param)


@pytest.fixture
def points() -> np.ndarray:
    """1001 points, up to 45° off the axis: an odd number, with one exactly on the axis and two beside it."""
    rng = np.random.default_rng(1)
    points = rng.uniform([-1, -1, 1], [1, 1, 3], (1001, 3))
    points[0] = 0, 0, 1
    points[1:3, :2] *= 1e-9
    return points
