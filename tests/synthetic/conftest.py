# SPDX-License-Identifier: Apache-2.0
"""Small datasets that several test files share."""

from __future__ import annotations

import pytest

from fastcv.synthetic import Dataset, make_dataset


@pytest.fixture(scope="session")
def courtyard() -> Dataset:
    return make_dataset("courtyard", num_views=6, width=320, height=240, num_points=1500, noise=0.0)


@pytest.fixture(scope="session")
def turntable() -> Dataset:
    return make_dataset("object", num_views=8, width=240, height=320, num_points=800, noise=0.0)
