# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment: the poses, intrinsics and points that explain the observations best."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import threads
from .._backend import backend, ceres, split_device
from ..scene import Camera
from ._alignment import moved_to_priors
from ._arrays import ProblemArrays
from ._checks import LOSSES, check_choice, check_positive
from ._gauge import GAUGES, free_poses
from ._notes import notes
from .priors import prior_residuals
from .problem import Problem

SOLVERS = ("auto", "native", "ceres")
LINEAR_SOLVERS = ("auto", "dense_schur", "sparse_schur", "iterative_schur")
PHASES = ("setup", "linearize", "linear_solve", "take_step", "refine_points")
LINEAR_SOLVERS_ON_CUDA = ("auto", "dense_schur", "iterative_schur")
# Pixels. Beyond, the squares of such residuals drown all others, and derivatives may overflow single precision.
_FARTHEST_PROJECTION = 1e15
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Iteration:
    """One iteration of a solve.

    Parameters
    ----------
    iteration : int
        0 is the start.
    accepted : bool
        Whether the step was taken.
    cost : float
        Cost after it, px²; of the rejected state where it was not taken.
    gradient_max : float
        Largest absolute component of the gradient.
    step_norm : float
        Length of the step in all unknowns.
    trust_region_radius : float
        Inverse of the Levenberg-Marquardt damping.
    linear_iterations : int
        Iterations of the linear solver, 1 for the direct ones.
    seconds : float
        Since the start of the solve.
    """

    iteration: int
    accepted: bool
    cost: float
    gradient_max: float
    step_norm: float
    trust_region_radius: float
    linear_iterations: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """What a solve found.

    Parameters
    ----------
    cam_from_world : (I, 3, 4) float64 array
    cameras : list of Camera
    points : (N, 3) float64 array
    rig_from_world : (F, 3, 4) float64 array
    sensor_from_rig : (S, 3, 4) float64 array
        Of the problem's rigs; the images' poses are their products. Empty without rigs.
    residuals : (K, 2) float64 array
        Projection minus observation in pixels, without weights, covariances and loss.
    prior_residuals : dict of str to (M, D) float64 array
        For each field of the problem with priors, their errors in standard deviations: whitened by the covariance.
    outliers : (O,) int64 array
        Rows of observations whose weighted residual is beyond ``loss_scale``; none without a robust loss.
    initial_cost, final_cost : float
        1/2 sum rho(|weight residual|²), px², and the costs of the priors. NaN where Ctrl-C came before the first
        evaluation.
    iterations : list of Iteration
        The start and every step that was tried.
    termination : str
        ``"converged"``, ``"max_iterations"``, ``"time_limit"``, ``"stopped"`` (by the callback), ``"interrupted"`` (by
        Ctrl-C; only in ``SolveInterrupted.result``) or ``"failed"`` (no step made progress; ``message`` says why).
    message : str
        The solver's own words.
    notes : list of str
        What was treated in a way of its own: a start that was moved onto its priors, components that share no
        point, points behind a camera, images that see fewer than three points, cameras without images.
    solver, linear_solver : str
        What ran. Empty where Ctrl-C came during the set-up.
    reason : str
        Why this linear solver.
    device : str
        Where it ran, ``"cpu"`` or ``"cuda:N"``.
    seconds : float
        Time taken, with checks and set-up.
    phase_seconds : dict of str to float
        Where the solver's own time went: ``"setup"``, ``"linearize"``, ``"linear_solve"``, ``"take_step"`` (of Ceres:
        evaluating residuals) and ``"refine_points"``.
    """

    cam_from_world: NDArray[np.float64]
    cameras: list[Camera]
    points: NDArray[np.float64]
    rig_from_world: NDArray[np.float64]
    sensor_from_rig: NDArray[np.float64]
    residuals: NDArray[np.float64]
    prior_residuals: dict[str, NDArray[np.float64]]
    outliers: NDArray[np.int64]
    initial_cost: float
    final_cost: float
    iterations: list[Iteration]
    termination: str
    message: str
    notes: list[str]
    solver: str
    linear_solver: str
    reason: str
    device: str
    seconds: float
    phase_seconds: dict[str, float]


class SolveInterrupted(KeyboardInterrupt):
    """Ctrl-C during a solve; ``result`` is the best state until then."""

    def __init__(self, result: Result):
        super().__init__("bundle adjustment was interrupted")
        self.result = result


def solve(
    problem: Problem,
    *,
    solver: str = "auto",
    device: str = "cpu",
    loss: str = "none",
    loss_scale: float = 1.0,
    gauge: str = "two_cameras",
    linear_solver: str = "auto",
    max_iterations: int = 50,
    function_tolerance: float = 1e-6,
    gradient_tolerance: float = 1e-10,
    parameter_tolerance: float = 1e-8,
    time_limit: float = math.inf,
    num_threads: int = 0,
    callback: Callable[[Iteration], bool | None] | None = None,
) -> Result:
    """Minimise the reprojection errors of a problem by Levenberg-Marquardt, with our own solver or with Ceres.

    The cost is 1/2 sum rho(s) with s the squared length of weight * (projection - observation), in the norm of the
    observation's covariance where there is one; and what the problem's priors add.

    Parameters
    ----------
    problem : Problem
        Is not changed.
    solver : str
        ``"native"``, ``"ceres"`` (to compare with), or ``"auto"``, at present always the native one.
    device : str
        ``"cpu"``; or ``"cuda"``, ``"cuda:1"`` … for the native solver with all its arrays on that GPU. The problem and
        the result are numpy arrays there too.
    loss : str
        rho, with a = ``loss_scale`` and x = s/a²: ``"none"`` s; ``"huber"`` s up to a², then 2 a sqrt(s) - a²;
        ``"soft_l1"`` 2 a² (sqrt(1 + x) - 1); ``"cauchy"`` a² log(1 + x); ``"geman_mcclure"`` s / (1 + x); ``"tukey"``
        a²/3 (1 - (1 - x)³) up to a², then a²/3.
    loss_scale : float
        The residual, in pixels where weights are 1, from which an observation counts as an outlier.
    gauge : str
        ``"two_cameras"`` holds what reprojection errors cannot determine, as far as fixed images and points and priors
        leave it open: the first image (in a rig: its frame), and for the scale one coordinate of the centre of the
        image farthest from it; nothing where there are priors on poses, positions or points. ``"fixed_camera"`` leaves
        the scale to the damping, ``"free"`` everything: the scene may drift.
    linear_solver : str
        ``"dense_schur"``, ``"sparse_schur"`` (Cholesky factorisations, one and the same for the native solver),
        ``"iterative_schur"`` (conjugate gradients), or ``"auto"`` to choose by what each would cost. There is no
        ``"sparse_schur"`` on a GPU.
    max_iterations : int
        Steps to try at most.
    function_tolerance, gradient_tolerance, parameter_tolerance : float
        Converged when a step changes the cost by less than this part of it, when no component of the gradient is
        larger, or when a step is shorter than this part of the unknowns' norm.
    time_limit : float
        Seconds, asked between iterations: a solve ends with the first iteration that is over after them, however long
        that takes.
    num_threads : int
        0 is the default of ``fastcv.set_num_threads``. The native solver's result does not depend on it. For Ceres 0
        means 1: with more it adds up in the order in which they finish, and the last digits differ from run to run.
    callback : callable, optional
        Called with an ``Iteration`` after each; returning False stops the solve.

    Returns
    -------
    Result
        Also where it did not converge: ``termination`` says so.

    Raises
    ------
    TypeError, ValueError
        The problem or an option is wrong, or a point lies on a camera's plane (depth 0), where it has no image, or so
        near to it that its image is 1e15 pixels away.
    SolveInterrupted
        Ctrl-C. It is a KeyboardInterrupt that carries the best state; answered within half a second. During the checks
        of the problem before the solve it is a KeyboardInterrupt and nothing more.
    MissingDependencyError
        Ceres was asked for, and fastcv was built without it.
    DeviceError
        There is no such device, or fastcv was built without CUDA.
    MemoryError
        The problem does not fit into the device's memory.

    Notes
    -----
    A point behind a camera is projected as the opposite point in front of it, on the same line of sight, as in BAL.

    References
    ----------
    Triggs, McLauchlan, Hartley, Fitzgibbon: Bundle Adjustment, A Modern Synthesis, 1999.

    Examples
    --------
    >>> from fastcv.ba import Problem, solve
    >>> from fastcv.synthetic import make_tracks
    >>> problem = Problem.from_reconstruction(make_tracks("ring", num_images=8, num_points=100).reconstruction)
    >>> problem.points += 0.01
    >>> result = solve(problem)
    >>> result.termination, bool(result.final_cost < 1e-6 * result.initial_cost)
    ('converged', True)
    """
    start = time.perf_counter()
    check_choice("solver", solver, SOLVERS)
    solver = "native" if solver == "auto" else solver
    native, run, device = _native_solver(solver, device, linear_solver)
    if device != "cpu":
        num_threads = num_threads or threads.get_num_threads()  # fastcv._cuda has a default of its own
    options = native_options(
        native,
        gauge=gauge,
        linear_solver=linear_solver,
        loss=loss,
        loss_scale=loss_scale,
        max_iterations=max_iterations,
        function_tolerance=function_tolerance,
        gradient_tolerance=gradient_tolerance,
        parameter_tolerance=parameter_tolerance,
        time_limit=time_limit,
        num_threads=max(num_threads, 1) if solver == "ceres" and num_threads >= 0 else num_threads,
    )
    problem.check()
    moved = moved_to_priors(problem)
    problem = moved or problem
    arrays = ProblemArrays.from_problem(problem, free_poses(problem, gauge))
    check_depths(problem, arrays)
    report = None if callback is None else lambda iteration: callback(_iteration(iteration))
    summary, error = run(arrays, options, report)
    result = Result(
        **where_it_stands(problem, arrays, loss, loss_scale),
        initial_cost=summary.initial_cost,
        final_cost=summary.final_cost,
        iterations=[_iteration(iteration) for iteration in summary.iterations],
        termination=summary.termination.name,
        message=summary.message,
        notes=notes(problem, arrays, moved is not None),
        solver=solver,
        linear_solver=summary.linear_solver.lower(),
        reason=summary.reason,
        device=device,
        seconds=time.perf_counter() - start,
        phase_seconds={name: getattr(summary.phases, name) for name in PHASES},
    )
    if isinstance(error, KeyboardInterrupt):
        raise SolveInterrupted(result) from error
    if error is not None:
        raise error
    return result


def where_it_stands(problem: Problem, arrays: ProblemArrays, loss: str, loss_scale: float) -> dict[str, Any]:
    """The fields of a result that follow from the unknowns."""
    cameras, poses = arrays.cameras(problem.cameras), arrays.cam_from_world.reshape(-1, 3, 4)
    num_frames = problem.rigs.num_frames if problem.rigs else 0
    return {
        "cam_from_world": poses,
        "cameras": cameras,
        "points": arrays.points,
        "rig_from_world": arrays.rigs.rig_from_world.reshape(-1, 3, 4)[:num_frames],
        "sensor_from_rig": arrays.rigs.sensor_from_rig.reshape(-1, 3, 4),
        "residuals": residuals_in_pixels(arrays),
        "prior_residuals": prior_residuals(problem, poses, cameras, arrays.points),
        "outliers": _outliers(arrays, loss, loss_scale),
    }


def _native_solver(solver: str, device: str, linear_solver: str) -> tuple[Any, Callable[..., Any], str]:
    """Module and function that solve, and the full name of the device."""
    kind, index = split_device(device)
    if kind == "cpu":
        native = ceres() if solver == "ceres" else backend("cpu").ba
        return native, native.solve, "cpu"
    check_choice("solver", solver, ("native",))  # of those on a GPU
    check_choice("linear_solver", linear_solver, LINEAR_SOLVERS_ON_CUDA)
    native = backend("cuda").ba
    return native, functools.partial(native.solve, device=index), f"cuda:{index}"


def native_options(native: Any, *, gauge: str, linear_solver: str, loss: str, loss_scale: float, **limits: Any) -> Any:
    """The options of a native module, checked."""
    check_choice("loss", loss, LOSSES)
    check_choice("gauge", gauge, GAUGES)
    check_choice("linear_solver", linear_solver, LINEAR_SOLVERS)
    return native.Options(
        linear_solver="" if linear_solver == "auto" else linear_solver,
        loss=getattr(native.Loss, loss),
        loss_scale=check_positive("loss_scale", loss_scale),
        **{name: check_not_negative(name, value) for name, value in limits.items()},
    )


def check_not_negative(name: str, value: Number) -> Number:
    """The value; raises where it is negative or NaN."""
    if not value >= 0:
        raise ValueError(f"{name}: expected 0 or more, got {value}")
    return value


def _iteration(native: Any) -> Iteration:
    return Iteration(**{name: getattr(native, name) for name in Iteration.__dataclass_fields__})


def residuals_in_pixels(arrays: ProblemArrays) -> NDArray[np.float64]:
    """Residuals: those of the problem without weights and covariances."""
    residuals = np.empty((len(arrays.observations), 2))
    backend("cpu").ba.residuals(arrays, residuals, False, 0)
    return residuals


def _outliers(arrays: ProblemArrays, loss: str, loss_scale: float) -> NDArray[np.int64]:
    if loss == "none":
        return np.empty(0, np.int64)
    residuals = np.empty((len(arrays.observations), 2))
    backend("cpu").ba.residuals(arrays, residuals, True, 0)
    return np.flatnonzero(np.einsum("kc,kc->k", residuals, residuals) > loss_scale**2)


def check_depths(problem: Problem, arrays: ProblemArrays) -> None:
    """Raise where a point has no image, or one that is out of reach."""
    k = backend("cpu").ba.first_beyond(arrays, _FARTHEST_PROJECTION, 0)
    if k >= 0:
        residuals = residuals_in_pixels(arrays)
        raise ValueError(
            f"observations[{k}]: expected a projection of point {problem.point_indices[k]} in image "
            f"{problem.image_indices[k]} within {_FARTHEST_PROJECTION:g} pixels, got "
            f"{residuals[k] + problem.observations[k]} (is it on the camera's plane?)"
        )
