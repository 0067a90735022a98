# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: rays and their samples, encodings, small networks, volume rendering.

``fastcv.nerf.modules`` has what is trained as torch modules.
"""

from __future__ import annotations

from .adam import adam_step, mark_nonfinite
from .background import random_background
from .contraction import contract, contract_jvp, uncontract
from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .interlevel_loss import interlevel_loss
from .march import march
from .metrics import psnr, ssim
from .occupancy import OccupancyGrid
from .ray_weights import DistortionGradients, distortion_loss, distortion_loss_vjp, median_depth
from .render import RenderGradients, Rendered, render, render_vjp, render_weights
from .samples import RaySamples
from .sampling import merge_edges, sample_pdf, sample_stratified

__all__ = [
    "DistortionGradients",
    "HashGrid",
    "HashGridGradients",
    "OccupancyGrid",
    "RaySamples",
    "RenderGradients",
    "Rendered",
    "adam_step",
    "contract",
    "contract_jvp",
    "distortion_loss",
    "distortion_loss_vjp",
    "hash_grid",
    "hash_grid_vjp",
    "interlevel_loss",
    "march",
    "mark_nonfinite",
    "median_depth",
    "merge_edges",
    "psnr",
    "random_background",
    "render",
    "render_vjp",
    "render_weights",
    "sample_pdf",
    "sample_stratified",
    "ssim",
    "uncontract",
]
