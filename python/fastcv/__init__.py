# SPDX-License-Identifier: Apache-2.0
"""fastcv: from photographs to cameras, geometry and pictures, with kernels in C++ and CUDA."""

from __future__ import annotations

from .errors import DeviceError, FastcvError, FormatError, MissingDependencyError, ReconstructionError
from .scene import Camera, Image, Points3D, Reconstruction

__version__ = "0.1.0"
__all__ = [
    "Camera",
    "DeviceError",
    "FastcvError",
    "FormatError",
    "Image",
    "MissingDependencyError",
    "Points3D",
    "Reconstruction",
    "ReconstructionError",
]
