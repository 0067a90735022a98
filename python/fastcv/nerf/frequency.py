# SPDX-License-Identifier: Apache-2.0
"""The frequency (positional) encoding of points."""

from __future__ import annotations

import math
from typing import Any

from .._arrays import FLOATS, Call
from ._encode import encode, encode_vjp

MAX_FREQUENCIES = 32
_OP = "frequency_encoding"


def frequency_encoding(
    points: Any,
    frequencies: int,
    *,
    include_input: bool = False,
    window: float | None = None,
    out: Any = None,
    num_threads: int = 0,
) -> Any:
    """Sines and cosines of each coordinate at octaves: ``sin(2^k pi x), cos(2^k pi x)`` for k from 0 on.

    Parameters
    ----------
    points : (N, D) float32 or float64 array
        Any numbers: arguments are reduced exactly, so that the highest octave has the accuracy of the lowest. NaN and
        infinity give NaN.
    frequencies : int
        How many octaves: L, 1 to 32.
    include_input : bool, optional
        Put the coordinates themselves before their waves.
    window : float, optional
        Coarse to fine: octave k is multiplied by ``(1 - cos(pi clip(window - k, 0, 1))) / 2``, so that 0 leaves none
        and L (as None) all of them.
    out : (N, width) array, optional
        Where to write the result, in the points' dtype. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (N, 2 L D) array, or (N, D + 2 L D) with ``include_input``
        In the points' dtype. All waves of a coordinate stand together, sine and cosine in turns, the lowest octave
        first: the order of the paper and of tiny-cuda-nn.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, another number of octaves, or a window beside [0, L].

    Notes
    -----
    torch tensors get first and second gradients.

    References
    ----------
    Mildenhall et al. 2020, "NeRF: representing scenes as neural radiance fields for view synthesis", eq. 4; the window:
    Lin et al. 2021, "BARF: bundle-adjusting neural radiance fields", eq. 14.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.frequency_encoding(np.array([[0.5, 0.25]]), 2).round(4) + 0.0
    array([[ 1.    ,  0.    ,  0.    , -1.    ,  0.7071,  0.7071,  1.    ,  0.    ]])
    """
    call = Call()
    points = call.input("points", points, ("N", "D"), FLOATS)
    return encode(call, _OP, _config(frequencies, include_input, window), points, out, num_threads)


def frequency_encoding_vjp(
    points: Any,
    frequencies: int,
    grad: Any,
    *,
    include_input: bool = False,
    window: float | None = None,
    num_threads: int = 0,
) -> Any:
    """The gradient by the points of a number whose gradient by the features is known.

    For arrays whose framework does not differentiate; torch tensors get theirs by ``backward()``.

    Parameters
    ----------
    points, frequencies, include_input, window, num_threads
        As for :func:`frequency_encoding`.
    grad : (N, width) array
        The gradient by the features, in the points' dtype.

    Returns
    -------
    (N, D) array

    Raises
    ------
    TypeError, ValueError
        As for :func:`frequency_encoding`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.frequency_encoding_vjp(np.array([[1.0]]), 1, np.array([[1.0, 0.0]])).round(4)
    array([[-3.1416]])
    """
    call = Call()
    points = call.input("points", points, ("N", "D"), FLOATS)
    return encode_vjp(call, _OP, _config(frequencies, include_input, window), points, grad, num_threads)


def _config(frequencies: int, include_input: bool, window: float | None) -> list[float]:
    if not 1 <= frequencies <= MAX_FREQUENCIES:
        raise ValueError(f"frequencies: expected 1 to {MAX_FREQUENCIES}, got {frequencies}")
    if window is None:
        window = float(frequencies)
    elif not 0 <= window <= frequencies:
        raise ValueError(f"window: expected 0 to {frequencies}, got {window}")
    weights = [0.5 - 0.5 * math.cos(math.pi * min(max(window - k, 0.0), 1.0)) for k in range(frequencies)]
    return [float(include_input), *weights]
