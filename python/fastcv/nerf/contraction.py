# SPDX-License-Identifier: Apache-2.0
"""All of space in a ball or a cube of radius 2, and back."""

from __future__ import annotations

from typing import Any

from .._arrays import FLOATS, Call, dtype_name, handle

NORMS = ("l2", "linf")


def contract(points: Any, *, norm: str = "l2", out: Any = None, num_threads: int = 0) -> Any:
    """Leave points within radius 1 where they are, and draw those beyond to within radius 2.

    ``x`` becomes ``(2 - 1 / |x|) x / |x|`` where its norm is above 1.

    Parameters
    ----------
    points : (N, 3) float32 or float64 array
        What is to stay has a norm of 1 at most.
    norm : str, optional
        ``"l2"``: a ball. ``"linf"``, the largest coordinate's magnitude: a cube, which a grid fills.
    out : (N, 3) array, optional
        Where to write the result, in the points' dtype. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 3) array
        In the points' dtype. torch tensors get gradients, and gradients of gradients. A point with infinite coordinates
        becomes NaN.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or another norm.

    References
    ----------
    Barron et al. 2022, "Mip-NeRF 360", eq. 10.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.contract(np.array([[0.5, 0, 0], [0, 4, 0]]))
    array([[0.5 , 0.  , 0.  ],
           [0.  , 1.75, 0.  ]])
    """
    return _contract(points, norm, out, num_threads, inverse=False)


def uncontract(points: Any, *, norm: str = "l2", out: Any = None, num_threads: int = 0) -> Any:
    """The points that :func:`contract` makes these of.

    Parameters
    ----------
    points : (N, 3) float32 or float64 array
        Of a norm below 2; others become infinite or NaN.
    norm, out, num_threads
        As for :func:`contract`.

    Returns
    -------
    (N, 3) array
        As for :func:`contract`.

    Raises
    ------
    TypeError, ValueError
        As for :func:`contract`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.uncontract(np.array([[0, 1.75, 0]]))
    array([[0., 4., 0.]])
    """
    return _contract(points, norm, out, num_threads, inverse=True)


def contract_jvp(points: Any, tangents: Any, *, norm: str = "l2", inverse: bool = False, num_threads: int = 0) -> Any:
    """How contracted points move when points move along tangents: the Jacobian times them.

    Parameters
    ----------
    points, norm, num_threads
        As for :func:`contract`.
    tangents : (N, 3) array
        In the points' dtype.
    inverse : bool, optional
        Of :func:`uncontract`.

    Returns
    -------
    (N, 3) array
        Nothing here is differentiable further: ``torch.func.jvp`` of :func:`contract` is.

    Raises
    ------
    TypeError, ValueError
        As for :func:`contract`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.contract_jvp(np.array([[2.0, 0, 0]]), np.array([[1.0, 1.0, 0]]))
    array([[0.25, 0.75, 0.  ]])
    """
    call, points = _input(points, norm)
    dtype = dtype_name(points)
    tangents = call.input("tangents", tangents, ("N", 3), (dtype,))
    execution, out = call.execution(num_threads), call.empty(("N", 3), dtype)
    arrays = (handle(array) for array in (points, tangents, out))
    call.backend.nerf.contract(norm == "linf", inverse, *arrays, execution)
    return call.result(out)


def _input(points: Any, norm: str) -> tuple[Call, Any]:
    if norm not in NORMS:
        raise ValueError(f"norm: expected {' or '.join(NORMS)}, got {norm}")
    call = Call()
    return call, call.input("points", points, ("N", 3), FLOATS)


def _contract(points: Any, norm: str, out: Any, num_threads: int, *, inverse: bool) -> Any:
    call, points = _input(points, norm)
    execution = call.execution(num_threads)
    if call.is_torch and out is None:
        from . import _torch_contraction

        return _torch_contraction.contract(points, norm == "linf", inverse, num_threads)
    if call.is_torch and points.requires_grad:
        raise ValueError("out: expected None where a gradient is required, got a tensor")
    out = call.output("out", out, ("N", 3), dtype_name(points))
    call.backend.nerf.contract(norm == "linf", inverse, handle(points), None, handle(out), execution)
    return call.result(out)
