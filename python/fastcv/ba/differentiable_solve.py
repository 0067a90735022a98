# SPDX-License-Identifier: Apache-2.0
"""Bundle adjustment as a function that torch can differentiate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .problem import Problem
from .solve import Result


@dataclass(frozen=True)
class Solution:
    """What ``differentiable_solve`` found, as float64 tensors on the device of its inputs.

    Parameters
    ----------
    cam_from_world : (I, 3, 4) tensor
    params : list of (P,) tensors
        Of each camera.
    points : (N, 3) tensor
    sensor_from_rig : (S, 3, 4) tensor
        Of the problem's rigs; empty without.
    result : Result
        The same in numpy, with residuals, costs and how the solve went.
    """

    cam_from_world: Any
    params: list[Any]
    points: Any
    sensor_from_rig: Any
    result: Result


def differentiable_solve(
    problem: Problem,
    tensors: Mapping[str, Any],
    *,
    loss: str = "none",
    loss_scale: float = 1.0,
    gauge: str = "two_cameras",
    max_iterations: int = 200,
    function_tolerance: float = 1e-10,
    num_threads: int = 0,
    **options: Any,
) -> Solution:
    """``solve``, with gradients of the solution by what the problem was told.

    Where the cost is at a minimum, its gradient is zero and stays so as observations or priors change: the solution
    moves by the inverse of the cost's exact Hessian. No iteration is recorded or differentiated, so that the gradient
    costs about as much memory as the solve and less time.

    Parameters
    ----------
    problem : Problem
        Is not changed.
    tensors : mapping of str to torch tensor
        Stand in for the fields of the problem that they are named after, and may require gradients. All on one device,
        the CPU or a GPU (solved on the CPU), float32 or float64; computed in float64.

        =========================== ===================================== ============================================
        name                        shape                                 gradient
        =========================== ===================================== ============================================
        observations, weights       (K, 2), (K,)
        covariances                 (K, 2, 2) or (2, 2)
        pose_priors.values          (M, 3, 4)                             along the poses, see below
        position_priors.values      (M, 3)
        point_priors.values         (M, 3)
        params_priors.values        a (P,) tensor for each row            0 where the deviation is infinite
        ….covariances               (M, D, D) or (D, D), of the priors
        params_priors.deviations    a (P,) tensor for each row            0 where infinite
        cam_from_world, points      (I, 3, 4), (N, 3)                     by what is fixed; 0 by where free ones start
        params                      a (P,) tensor for each camera         likewise
        =========================== ===================================== ============================================

        With rigs, ``cam_from_world`` cannot be given: the images' poses follow from those of frames and sensors.

        A pose has six degrees of freedom. Of all gradients by its twelve entries that agree along them, given is the
        one whose part by R is itself along the rotations: right for poses made of parameters by whatever formula.
    loss, loss_scale, gauge, num_threads
        As for ``solve``.
    max_iterations, function_tolerance
        As for ``solve``, but to its end; where it converged, Newton's method with the exact Hessian follows until
        nothing is left.
    **options
        Further ones of ``solve``.

    Returns
    -------
    Solution
        Also where the solve did not converge: then its ``backward`` is an error.

    Raises
    ------
    TypeError, ValueError, DeviceError
        As for ``solve``; or a tensor has the wrong type, shape or device. In ``backward``: the solution is no isolated
        minimum, for the solve did not converge, observations and priors leave something undetermined (a free gauge), or
        the Hessian is not positive definite.

    References
    ----------
    Griewank, Walther: Evaluating Derivatives, 2008, section 15.3. Gould et al.: On Differentiating Parameterized Argmin
    and Argmax Problems, 2016.

    Examples
    --------
    How the depth of a point seen by two images follows from one of its pixels:

    >>> import torch, numpy as np, fastcv
    >>> from fastcv import ba
    >>> poses = np.stack([np.eye(3, 4), np.eye(3, 4)])
    >>> poses[1, 0, 3] = -1
    >>> pixels = torch.tensor([[320.0, 240], [220, 240]], requires_grad=True)
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> problem = ba.Problem([camera], [0, 0], poses, [[0, 0, 4.5]], [0, 1], [0, 0], pixels.detach(),
    ...     fixed_images=[True, True], fixed_params=[[True] * 4])
    >>> solution = ba.differentiable_solve(problem, {"observations": pixels})
    >>> solution.points[0, 2].backward()  # depth is 500 / disparity
    >>> pixels.grad[:, 0]
    tensor([-0.0500,  0.0500])
    """
    from . import _torch

    return Solution(
        *_torch.differentiable_solve(
            problem,
            tensors,
            loss=loss,
            loss_scale=loss_scale,
            gauge=gauge,
            max_iterations=max_iterations,
            function_tolerance=function_tolerance,
            num_threads=num_threads,
            **options,
        )
    )
