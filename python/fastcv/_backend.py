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


def split_device(device: str) -> tuple[str, int]:
    """``"cpu"``, ``"cuda"`` or ``"cuda:N"`` as the name of a backend and the number of one of its devices.

    Raises
    ------
    DeviceError
        For another word, where fastcv was built without CUDA, or where there is no such device.
    """
    name, colon, digits = device.partition(":")
    if name not in ("cpu", "cuda") or (colon and (name == "cpu" or not digits.isdecimal())):
        raise DeviceError(f"device: expected cpu, cuda or cuda:N, got {device}")
    index = int(digits or 0)
    if name == "cuda" and index >= (count := backend("cuda").device_count()):
        raise DeviceError(f"device: expected one of the {count} CUDA devices, got {device}")
    return name, index


@functools.cache
def ceres() -> ModuleType:
    """fastcv._ceres, loaded on first use: it alone links Ceres and what the distribution's Ceres brings along."""
    try:
        return importlib.import_module("fastcv._ceres")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "fastcv was built without Ceres; install libceres-dev (Debian, Ubuntu) and rebuild"
        ) from error
