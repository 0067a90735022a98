# SPDX-License-Identifier: Apache-2.0
"""Real spherical harmonics of directions."""

from __future__ import annotations

from typing import Any

from .._arrays import FLOATS, Call
from ._encode import encode, encode_vjp

MAX_DEGREE = 8
_OP = "spherical_harmonics"


def spherical_harmonics(directions: Any, degree: int, *, out: Any = None, num_threads: int = 0) -> Any:
    """The real spherical harmonics of the bands below a degree, at directions.

    Parameters
    ----------
    directions : (N, 3) float32 or float64 array
        Unit vectors. At other points the values are those of the same polynomials of x, y and z, and gradients are
        theirs everywhere. NaN gives NaN, but for the constant first value.
    degree : int
        How many bands: 1 to 8.
    out : (N, degree^2) array, optional
        Where to write the result, in the directions' dtype. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (N, degree^2) array
        In the directions' dtype; band l, order m (-l to l) in column ``l^2 + l + m``. Orthonormal on the sphere, with
        the Condon-Shortley phase: the second band is ``0.4886 (-y, z, -x)``.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape or degree.

    Notes
    -----
    Basis, order and signs are those of tiny-cuda-nn's ``SphericalHarmonics``, which takes directions as
    ``(d + 1) / 2`` in [0, 1]; here they come as they are. torch tensors get first and second gradients.

    References
    ----------
    Sloan 2013, "Efficient spherical harmonic evaluation", Journal of Computer Graphics Techniques 2(2).
    docs/encodings.md has the formulas.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.spherical_harmonics(np.array([[0.0, 0.0, 1.0]]), 2).round(4) + 0.0
    array([[0.2821, 0.    , 0.4886, 0.    ]])
    """
    call = Call()
    directions = call.input("directions", directions, ("N", 3), FLOATS)
    return encode(call, _OP, _config(degree), directions, out, num_threads)


def spherical_harmonics_vjp(directions: Any, degree: int, grad: Any, *, num_threads: int = 0) -> Any:
    """The gradient by the directions of a number whose gradient by the values is known.

    For arrays whose framework does not differentiate; torch tensors get theirs by ``backward()``.

    Parameters
    ----------
    directions, degree, num_threads
        As for :func:`spherical_harmonics`.
    grad : (N, degree^2) array
        The gradient by the values, in the directions' dtype.

    Returns
    -------
    (N, 3) array
        Of the polynomials: not projected onto the sphere.

    Raises
    ------
    TypeError, ValueError
        As for :func:`spherical_harmonics`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> grad = np.array([[0.0, 1.0, 2.0, 0.0]])
    >>> nerf.spherical_harmonics_vjp(np.array([[0.0, 0.0, 1.0]]), 2, grad).round(4) + 0.0
    array([[ 0.    , -0.4886,  0.9772]])
    """
    call = Call()
    directions = call.input("directions", directions, ("N", 3), FLOATS)
    return encode_vjp(call, _OP, _config(degree), directions, grad, num_threads)


def _config(degree: int) -> list[float]:
    if not 1 <= degree <= MAX_DEGREE:
        raise ValueError(f"degree: expected 1 to {MAX_DEGREE}, got {degree}")
    return [float(degree)]
