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
_VALUES |= {"p1": 0.002, "p2": -0.003, "sx1": 0.001, "sy1": -0.002}


@pytest.fixture(params=list(CAMERA_MODELS))
def camera(request: pytest.FixtureRequest) -> Camera:
    names = CAMERA_MODELS[request.param][1]
    return Camera(request.param, 640, 480, np.array([_VALUES[name] for name in names]))


@pytest.fixture
def points() -> np.ndarray:
    """1001 points, up to 45° off the axis: an odd number, with one exactly on the axis and two beside it."""
    rng = np.random.default_rng(1)
    points = rng.uniform([-1, -1, 1], [1, 1, 3], (1001, 3))
    points[0] = 0, 0, 1
    points[1:3, :2] *= 1e-9
    return points
