# SPDX-License-Identifier: Apache-2.0
"""Expected depth under a softmax of costs, and how uncertain it is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from .._arrays import Call, handle
from ._hypotheses import Surfaces, hypotheses_of_costs


class SoftDepth(NamedTuple):
    """Expected depth of every pixel.

    Parameters
    ----------
    depth : (H, W) float32 array
        Depth along z in the camera frame, in scene units; 0 where no surface has a cost.
    uncertainty : (H, W) float32 array
        Standard deviation of the depth in scene units; infinite where no surface has a cost.
    """

    depth: Any
    uncertainty: Any


def soft_argmin(
    costs: Any, depths: Surfaces, *, temperature: float, K: ArrayLike | None = None, num_threads: int = 0
) -> SoftDepth:
    """Expected depth of every pixel where the probability of a surface is the softmax of its cost.

    ``p = softmax(-cost / temperature)`` over the surfaces. The mean and the deviation are those of the inverse depth,
    along which matches move evenly and errors are symmetric; the depth is one over the mean, the uncertainty the
    deviation times the squared depth. Gradients of torch tensors flow to the costs. The costs are read once, in
    single precision, whatever their number.

    Unlike ``winner_take_all`` it has a derivative by every cost, which is why networks end in it, and needs no
    neighbours for depths between surfaces; but where two surfaces are alike, their mean is neither.

    Parameters
    ----------
    costs : (D, H, W) float32 array
        Lower is better, of either sign. One that is NaN or infinite does not count.
    depths : (D,) array, SlantedPlanes or DepthRange
        Where the surfaces lie, as for ``plane_sweep``.
    temperature : float
        In units of the costs: surfaces count whose cost is within a few temperatures of the lowest one.
    K : (3, 3) array, optional
        The reference's calibration matrix, needed for slanted planes.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. Neither result nor gradients depend on it.

    Returns
    -------
    SoftDepth
        In the framework and on the device of the costs.

    Raises
    ------
    ValueError
        For a temperature that is not positive, another number of surfaces than costs have, or depths that require a
        gradient.

    References
    ----------
    Kendall et al. 2017, "End-to-end learning of geometry and context for deep stereo regression" (soft argmin). Yao
    et al. 2018, "MVSNet", eq. 3.

    Examples
    --------
    >>> from fastcv import mvs
    >>> costs = np.array([0.9, 0.2, 0.2, 0.8, 0.6, 0.9], np.float32).reshape(6, 1, 1)
    >>> result = mvs.soft_argmin(costs, mvs.inverse_depth_planes(1.0, 2.0, 6), temperature=0.05)
    >>> round(result.depth.item(), 3), round(result.uncertainty.item(), 3)
    (1.177, 0.069)
    """
    if not 1e-30 <= temperature < math.inf:
        raise ValueError(f"temperature: expected a finite number of 1e-30 or more, got {temperature}")
    call = Call()
    costs = call.input("costs", costs, ("D", "H", "W"), ("float32",))
    execution = call.execution(num_threads)
    if call.is_torch:
        from . import _torch

        packed = _torch.pack_surfaces(depths, K)
        return SoftDepth(*_torch.soft_argmin(costs, *packed, temperature, num_threads))
    planes, bounds = hypotheses_of_costs(call, depths, K)
    maps = [call.empty(("H", "W"), "float32") for _ in SoftDepth._fields]
    native = call.backend.mvs.soft_argmin
    native(handle(costs), planes, handle(bounds), 1 / temperature, *map(handle, maps), execution)
    return SoftDepth(*map(call.result, maps))
