# SPDX-License-Identifier: Apache-2.0
"""Sampling from flow and diffusion models: paths, predictions, noise schedules and solvers."""

from __future__ import annotations

from .path import Path
from .prediction import PREDICTIONS, conversion, convert_prediction
from .sampler import Sampler
from .schedules import (
    cosine_betas,
    exponential,
    karras,
    linear_betas,
    polyexponential,
    scaled_linear_betas,
    shift_times,
    zero_terminal_snr,
)
from .solvers import SOLVERS, make_table
from .state import SamplerState
from .table import Row, Stage, Table

__all__ = [
    "PREDICTIONS",
    "SOLVERS",
    "Path",
    "Row",
    "Sampler",
    "SamplerState",
    "Stage",
    "Table",
    "conversion",
    "convert_prediction",
    "cosine_betas",
    "exponential",
    "karras",
    "linear_betas",
    "make_table",
    "polyexponential",
    "scaled_linear_betas",
    "shift_times",
    "zero_terminal_snr",
]
