# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every room's tests share."""

from __future__ import annotations

import importlib.util
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A shell starts background jobs with SIGINT ignored, and so do their children: the tests of Ctrl-C need it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@dataclass(frozen=True)
class Device:
    """Where a test runs an op: ``put`` moves a numpy array there, ``get`` brings a result back."""

    name: str

    def put(self, array: Any) -> Any:
        if self.name == "cpu":
            return array
        import torch

        return torch.tensor(array, device=self.name)

    def get(self, array: Any) -> np.ndarray:
        return np.asarray(array if self.name == "cpu" else array.cpu())


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Device:
    """Every device that an op runs on: numpy arrays on the CPU, torch tensors on a GPU."""
    if request.param == "cuda":
        reason = _why_no_cuda()
        if reason:
            pytest.skip(reason)
    return Device(request.param)


def _why_no_cuda() -> str:
    if importlib.util.find_spec("fastcv._cuda") is None:
        return "fastcv was built without CUDA"
    if importlib.import_module("fastcv._cuda").device_count() == 0:
        return "no CUDA device"
    import torch

    return "" if torch.cuda.is_available() else "torch sees no CUDA device"
