# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real data with ground truth: FASTCV_DATA, else ../shared/data beside the checkout.

    Missing data fails in CI and skips elsewhere.
    """
    root = os.environ.get("FASTCV_DATA")
    path = Path(root) if root else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        reason = f"no test data at {path}: set FASTCV_DATA to the folder that holds sfm/, bal/, mvs/ …"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
