# SPDX-License-Identifier: Apache-2.0
"""Every choice that a bundle adjustment from files offers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from .options import OptionsError

Solver = Literal["auto", "native", "ceres"]
LinearSolver = Literal["auto", "dense_schur", "sparse_schur", "iterative_schur"]
Loss = Literal["none", "huber", "soft_l1", "cauchy", "geman_mcclure", "tukey"]
Gauge = Literal["two_cameras", "fixed_camera", "free"]


@dataclass(frozen=True)
class AdjustOptions:
    """What to adjust and how; the fields without ``refine_`` are those of ``fastcv.ba.solve``.

    Parameters
    ----------
    solver : {"auto", "native", "ceres"}
        Ceres is there to compare with.
    linear_solver : {"auto", "dense_schur", "sparse_schur", "iterative_schur"}
        By default what would cost least.
    loss : {"none", "huber", "soft_l1", "cauchy", "geman_mcclure", "tukey"}
        How residuals beyond the loss scale count.
    loss_scale : float
        The residual in pixels from which an observation counts as an outlier.
    max_iterations : int
        Steps to try at most.
    function_tolerance : float
        Converged when a step changes the cost by less than this part of it.
    time_limit : float
        Seconds, asked between iterations.
    num_threads : int
        0 for all cores (Ceres: one). The native solver's result does not depend on it.
    refine_focal : bool
        Adjust focal lengths.
    refine_principal_point : bool
        Adjust principal points, which few scenes determine.
    refine_distortion : bool
        Adjust the lens models' other parameters.
    refine_rigs : bool
        Adjust how the cameras of a rig sit on it.
    gauge : {"two_cameras", "fixed_camera", "free"}
        What holds the scene's place, orientation and scale: two cameras, or one that leaves the scale to the damping.
    device : str
        ``cpu``, or ``cuda``, ``cuda:1`` … for the native solver on that GPU.
    """

    solver: Solver = "auto"
    linear_solver: LinearSolver = "auto"
    loss: Loss = "none"
    loss_scale: float = 1.0
    max_iterations: int = 50
    function_tolerance: float = 1e-6
    time_limit: float = math.inf
    num_threads: int = 0
    refine_focal: bool = True
    refine_principal_point: bool = False
    refine_distortion: bool = True
    refine_rigs: bool = True
    gauge: Gauge = "two_cameras"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            allowed = get_args(kind)
            if allowed and getattr(self, name) not in allowed:
                raise OptionsError(f"{name}: expected one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.device != "cpu" and (self.solver == "ceres" or self.linear_solver == "sparse_schur"):
            raise OptionsError(f"device: expected cpu for ceres and for sparse_schur, got {self.device!r}")
        if not 0 < self.loss_scale < math.inf:
            raise OptionsError(f"loss_scale: expected a positive number, got {self.loss_scale}")
        for name in ("max_iterations", "function_tolerance", "time_limit", "num_threads"):
            if not getattr(self, name) >= 0:
                raise OptionsError(f"{name}: expected 0 or more, got {getattr(self, name)}")

    def solver_options(self) -> dict[str, Any]:
        """The keyword arguments of ``fastcv.ba.solve``."""
        return {name: value for name, value in vars(self).items() if not name.startswith("refine_")}
