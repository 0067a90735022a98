# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: encodings, volume rendering, an optimiser. ``fastcv.nerf.modules`` has what torch modules are."""

from __future__ import annotations

from .adam import adam_step, mark_nonfinite
from .background import random_background
from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .metrics import psnr, ssim
from .ray_weights import DistortionGradients, distortion_loss, distortion_loss_vjp, median_depth
from .render import Rendered, RenderGradients, render, render_vjp, render_weights

__all__ = [
    "DistortionGradients",
    "HashGrid",
    "HashGridGradients",
    "RenderGradients",
    "Rendered",
    "adam_step",
    "distortion_loss",
    "distortion_loss_vjp",
    "hash_grid",
    "hash_grid_vjp",
    "mark_nonfinite",
    "median_depth",
    "psnr",
    "random_background",
    "render",
    "render_vjp",
    "render_weights",
    "ssim",
]
