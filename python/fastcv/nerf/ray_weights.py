# SPDX-License-Identifier: Apache-2.0
"""What is read off the weights of samples along rays: distortion, median depth."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._arrays import Call, handle
from ._rays import Rays


class DistortionGradients(NamedTuple):
    """Gradients by what :func:`distortion_loss` was given, each shaped as that."""

    weights: Any
    starts: Any
    ends: Any


def distortion_loss(weights: Any, starts: Any, ends: Any, offsets: Any = None, *, num_threads: int = 0) -> Any:
    """How far the weights of each ray spread: 0 for one sample without length, largest for light stopped everywhere.

    ``Σ_ij w_i w_j |m_i - m_j| + 1/3 Σ_i w_i² δ_i`` with middles m and lengths δ of samples, in linear time. Its mean
    over rays is a loss that removes floaters; the paper takes distances that are normalised to [0, 1] over the ray.

    Parameters
    ----------
    weights : (S,) or (R, N) float32 or float64 array
        Of :func:`render` or :func:`render_weights`.
    starts, ends : (S,) or (R, N) array
        Where samples begin and end, near to far, in any unit.
    offsets : (R + 1,) int64 array, optional
        As for :func:`render`.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (R,) array
        In the inputs' dtype, of sums in double precision. torch tensors get first gradients by all but the offsets.

    Raises
    ------
    TypeError, ValueError
        As for :func:`render`.

    References
    ----------
    Barron et al. 2022, "Mip-NeRF 360", eq. 15; Sun et al. 2022, "Improved direct voxel grid optimization for radiance
    fields reconstruction", section 3, for the linear time.

    Examples
    --------
    >>> from fastcv import nerf
    >>> edges = np.arange(4.0)
    >>> nerf.distortion_loss(np.array([0.5, 0, 0.5]), edges[:-1], edges[1:], np.array([0, 3]))
    array([1.166667])
    """
    call = Call()
    rays = Rays(call, {"weights": weights, "starts": starts, "ends": ends}, offsets)
    execution = call.execution(num_threads)
    if call.is_torch:
        from . import _torch_ray_weights

        return _torch_ray_weights.distortion(*rays.flat, rays.offsets, num_threads)
    out = call.empty(("R",), rays.dtype)
    call.backend.nerf.distortion(*(handle(array) for array in (*rays.flat, rays.offsets, out)), execution)
    return call.result(out)


def distortion_loss_vjp(
    weights: Any, starts: Any, ends: Any, offsets: Any, grad: Any, *, num_threads: int = 0
) -> DistortionGradients:
    """Gradients of a number whose gradient by :func:`distortion_loss` is known.

    For arrays whose framework does not differentiate; torch tensors get theirs by ``backward()``.

    Parameters
    ----------
    weights, starts, ends, offsets, num_threads
        As for :func:`distortion_loss`.
    grad : (R,) array
        The gradient by its result.

    Returns
    -------
    DistortionGradients

    Raises
    ------
    TypeError, ValueError
        As for :func:`render`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> edges = np.arange(4.0)
    >>> nerf.distortion_loss_vjp(np.full(3, 0.5), edges[:-1], edges[1:], np.array([0, 3]), np.ones(1)).weights
    array([3.333333, 2.333333, 3.333333])
    """
    call = Call()
    rays = Rays(call, {"weights": weights, "starts": starts, "ends": ends}, offsets)
    grad = call.input("grad", grad, ("R",), (rays.dtype,))
    results = [call.empty(rays.shape, rays.dtype) for _ in range(3)]
    arrays = [*rays.flat, rays.offsets, grad, *(result.reshape(-1) for result in results)]
    call.backend.nerf.distortion_vjp(*(handle(array) for array in arrays), call.execution(num_threads))
    return DistortionGradients(*(call.result(result) for result in results))


def median_depth(weights: Any, starts: Any, ends: Any, offsets: Any = None, *, num_threads: int = 0) -> Any:
    """The distance at which half of the light that enters a ray is left.

    Unlike the mean of :func:`render` it never lies in the empty space between two surfaces.

    Parameters
    ----------
    weights, starts, ends, offsets, num_threads
        As for :func:`distortion_loss`. Within a sample the light falls exponentially.

    Returns
    -------
    (R,) array
        In the inputs' dtype; 0 for rays that keep more than half of their light. It has no gradient.

    Raises
    ------
    TypeError, ValueError
        As for :func:`render`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.median_depth(np.array([0.25, 0.75]), np.array([1.0, 3]), np.array([2.0, 4]), np.array([0, 2]))
    array([3.])
    """
    call = Call()
    arrays = {"weights": weights, "starts": starts, "ends": ends}
    rays = Rays(call, {name: a.detach() if hasattr(a, "detach") else a for name, a in arrays.items()}, offsets)
    out = call.empty(("R",), rays.dtype)
    inputs = (*rays.flat, rays.offsets, out)
    call.backend.nerf.median_depth(*(handle(array) for array in inputs), call.execution(num_threads))
    return call.result(out)
