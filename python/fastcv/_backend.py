# SPDX-License-Identifier: Apache-2.0
"""Which native module serves a device: fastcv._core for the CPU, fastcv._cuda for CUDA. Both have the same names."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from .errors import DeviceError, MissingDependencyError


@functools.cache
def backend(device: str) -> ModuleType:
    """The native module for ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    DeviceError
        For another device, or where fastcv was built without CUDA.
    """
    if device == "cpu":
        return importlib.import_module("fastcv._core")
    if device != "cuda":
        raise DeviceError(f"device: expected cpu or cuda, got {device}")
    try:
        return importlib.import_module("fastcv._cuda")
    except ModuleNotFoundError as error:
        raise DeviceError("device: fastcv was built without CUDA; rebuild with FASTCV_CUDA=ON") from error


@functools.cache
def ceres() -> ModuleType:
    """fastcv._ceres, loaded on first use: it alone links Ceres and what the distribution's Ceres brings along."""
    try:
        return importlib.import_module("fastcv._ceres")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "fastcv was built without Ceres; install libceres-dev (Debian, Ubuntu) and rebuild"
        ) from error
