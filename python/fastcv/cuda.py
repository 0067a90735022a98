# SPDX-License-Identifier: Apache-2.0
"""Whether this build and this machine can use CUDA."""

from __future__ import annotations

from types import ModuleType

from ._backend import backend
from .errors import DeviceError


def _module() -> ModuleType | None:
    try:
        return backend("cuda")
    except DeviceError:
        return None


def is_built() -> bool:
    """Whether fastcv was built with CUDA."""
    return _module() is not None


def device_count() -> int:
    """Number of usable CUDA devices; 0 without a driver or without a CUDA build."""
    module = _module()
    return module.device_count() if module else 0


def is_available() -> bool:
    """Whether fastcv was built with CUDA and a device is usable.

    Examples
    --------
    >>> import fastcv
    >>> isinstance(fastcv.cuda.is_available(), bool)
    True
    """
    return device_count() > 0


def device_name(device: int = 0) -> str:
    """Name of a CUDA device.

    Raises
    ------
    DeviceError
        Where there is no such device.
    """
    module = _module()
    if module is None or not 0 <= device < module.device_count():
        raise DeviceError(f"device: expected one of the {device_count()} CUDA devices, got {device}")
    return module.device_name(device)
