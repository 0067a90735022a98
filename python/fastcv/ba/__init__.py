# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment: arrays in, arrays out."""

from __future__ import annotations

from .batch import BatchResult, solve_batch
from .covariance import Covariance, covariance
from .differentiable_solve import Solution, differentiable_solve
from .linearize import Linearization, linearize
from .pose import refine_pose
from .priors import ParamsPriors, Priors
from .problem import Problem
from .rigs import Rigs
from .solve import Iteration, Result, SolveInterrupted, solve

__all__ = [
    "BatchResult",
    "Covariance",
    "Iteration",
    "Linearization",
    "ParamsPriors",
    "Priors",
    "Problem",
    "Result",
    "Rigs",
    "Solution",
    "SolveInterrupted",
    "covariance",
    "differentiable_solve",
    "linearize",
    "refine_pose",
    "solve",
    "solve_batch",
]
