# SPDX-License-Identifier: Apache-2.0
"""Radiance fields: rays and their samples, encodings, small networks, volume rendering.

``fastcv.nerf.modules`` has what is trained as torch modules.
"""

from __future__ import annotations

from .adam import adam_step, mark_nonfinite
from .background import random_background
from .clip import RayRanges, clip_box, clip_sphere
from .contraction import contract, contract_jvp, uncontract
from .frequency import frequency_encoding, frequency_encoding_vjp
from .grid import HashGrid
from .hash_grid import HashGridGradients, hash_grid, hash_grid_vjp
from .interlevel_loss import interlevel_loss
from .march import march
from .metrics import psnr, ssim
from .mlp import MlpGradients, mlp, mlp_vjp
from .network import Mlp
from .occupancy import OccupancyGrid
from .pixels import PixelBatch, PixelWeights, sample_pixels
from .ray_weights import DistortionGradients, distortion_loss, distortion_loss_vjp, median_depth
from .rays import Rays, ndc_depth, ndc_rays, rays
from .read_scene import read_scene
from .render import Rendered, RenderGradients, render, render_vjp, render_weights
from .samples import RaySamples
from .sampling import merge_edges, sample_pdf, sample_stratified
from .scene import Scene, estimate_box, unit_from_world
from .spherical_harmonics import spherical_harmonics, spherical_harmonics_vjp
from .train import TrainProgress, load_field, train
from .train_options import TrainOptions

__all__ = [
    "DistortionGradients",
    "HashGrid",
    "HashGridGradients",
    "Mlp",
    "MlpGradients",
    "OccupancyGrid",
    "PixelBatch",
    "PixelWeights",
    "RayRanges",
    "RaySamples",
    "Rays",
    "RenderGradients",
    "Rendered",
    "Scene",
    "TrainOptions",
    "TrainProgress",
    "adam_step",
    "clip_box",
    "clip_sphere",
    "contract",
    "contract_jvp",
    "distortion_loss",
    "distortion_loss_vjp",
    "estimate_box",
    "frequency_encoding",
    "frequency_encoding_vjp",
    "hash_grid",
    "hash_grid_vjp",
    "interlevel_loss",
    "load_field",
    "march",
    "mark_nonfinite",
    "median_depth",
    "merge_edges",
    "mlp",
    "mlp_vjp",
    "ndc_depth",
    "ndc_rays",
    "psnr",
    "random_background",
    "rays",
    "read_scene",
    "render",
    "render_vjp",
    "render_weights",
    "sample_pdf",
    "sample_pixels",
    "sample_stratified",
    "spherical_harmonics",
    "spherical_harmonics_vjp",
    "ssim",
    "train",
    "uncontract",
    "unit_from_world",
]
