# SPDX-License-Identifier: Apache-2.0
"""How far a proposal's weights fall short of bounding those of the final samples."""

from __future__ import annotations

from typing import Any

from .._arrays import FLOATS, Call, dtype_name, handle


def interlevel_loss(
    edges: Any, weights: Any, proposal_edges: Any, proposal_weights: Any, *, num_threads: int = 0
) -> Any:
    """The loss that trains a proposal network, of each ray: its weights should bound the others from above.

    ``sum_i max(0, w_i - b_i)² / (w_i + 2^-23)``, where b_i is the sum of the proposal's weights over all its intervals
    that have something in common with interval i.

    Parameters
    ----------
    edges, weights : (R, N + 1) and (R, N) float32 or float64 array
        Final intervals, rising edges, and their weights. No gradient flows to them.
    proposal_edges, proposal_weights : (R, M + 1) and (R, M) array
        Those of the proposal, in the same dtype. torch tensors' ``proposal_weights`` get gradients.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (R,) array

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.

    References
    ----------
    Barron et al. 2022, "Mip-NeRF 360", eqs. 12 and 13.

    Examples
    --------
    >>> from fastcv import nerf
    >>> edges, weights = np.array([[0.0, 1.0, 2.0]]), np.array([[0.5, 0.25]])
    >>> nerf.interlevel_loss(edges, weights, np.array([[0.0, 0.5, 2.0]]), np.array([[0.1, 0.2]]))
    array([0.09])
    """
    call = Call()
    weights = call.input("weights", weights, ("R", "N"), FLOATS)
    dtype, rays, count = (dtype_name(weights),), weights.shape[0], weights.shape[1]
    edges = call.input("edges", edges, (rays, count + 1), dtype)
    proposal_weights = call.input("proposal_weights", proposal_weights, ("R", "M"), dtype)
    proposal_edges = call.input("proposal_edges", proposal_edges, (rays, proposal_weights.shape[1] + 1), dtype)
    arrays = (edges, weights, proposal_edges, proposal_weights)
    execution = call.execution(num_threads)
    if call.is_torch:
        from . import _torch_interlevel

        return _torch_interlevel.interlevel_loss(*arrays, num_threads)
    loss = call.empty(("R",), *dtype)
    call.backend.nerf.interlevel_loss(*(handle(array) for array in (*arrays, loss)), execution)
    return call.result(loss)
