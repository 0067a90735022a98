# SPDX-License-Identifier: Apache-2.0
"""Every path that solvers are tried on, and where samples start."""

from __future__ import annotations

import numpy as np
import pytest

from .models import PATHS


@pytest.fixture(params=PATHS)
def path_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, 5))
