# SPDX-License-Identifier: Apache-2.0
"""fastcv: from photographs to cameras, geometry and pictures, with kernels in C++ and CUDA.

Rooms are imported on first use: ``fastcv.camera``, ``fastcv.geometry``, ``fastcv.ba``, ``fastcv.mvs``, … Importing
fastcv starts no thread, installs no signal handler, prints nothing and does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import DeviceError, FastcvError, FormatError, MissingDependencyError, ReconstructionError
from .scene import Camera, Frame, Image, Points3D, Reconstruction, Rig
from .threads import get_num_threads, set_num_threads

ROOMS = (
    "ba",
    "camera",
    "cuda",
    "doctor",
    "features",
    "generative",
    "geometry",
    "io",
    "mvs",
    "nerf",
    "ode",
    "pipeline",
    "report",
    "sfm",
    "synthetic",
    "voxels",
)

if TYPE_CHECKING:
    from . import ba as ba
    from . import camera as camera
    from . import cuda as cuda
    from . import doctor as doctor
    from . import features as features
    from . import generative as generative
    from . import geometry as geometry
    from . import io as io
    from . import mvs as mvs
    from . import nerf as nerf
    from . import ode as ode
    from . import pipeline as pipeline
    from . import report as report
    from . import sfm as sfm
    from . import synthetic as synthetic
    from . import voxels as voxels

__version__ = "0.1.0"

__all__ = [
    "ROOMS",
    "Camera",
    "DeviceError",
    "FastcvError",
    "FormatError",
    "Frame",
    "Image",
    "MissingDependencyError",
    "Points3D",
    "Reconstruction",
    "ReconstructionError",
    "Rig",
    "__version__",
    "get_num_threads",
    "set_num_threads",
]


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return importlib.import_module(f"fastcv.{name}")
    raise AttributeError(f"module 'fastcv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *ROOMS})
