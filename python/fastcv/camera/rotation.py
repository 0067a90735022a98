# SPDX-License-Identifier: Apache-2.0
"""Rotation matrices and angle-axis vectors."""

from __future__ import annotations

from typing import Any

from .._arrays import FLOATS, Call, dtype_name


def rotation_from_angle_axis(angle_axis: Any, *, num_threads: int = 0) -> Any:
    """Rotation matrices of angle-axis vectors (the exponential map).

    Parameters
    ----------
    angle_axis : (N, 3) float32 or float64 array
        Axis times angle, in radians.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 3, 3) array
        Accurate to a few roundings for every angle. Differentiable by torch.

    References
    ----------
    Rodrigues' formula; its derivative after Gallego & Yezzi 2015.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> fastcv.camera.rotation_from_angle_axis(np.array([[0.0, 0.0, np.pi / 2]])).round(6)[0]
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    return _convert("rotation_from_angle_axis", "angle_axis", angle_axis, ("N", 3), ("N", 3, 3), num_threads)


def angle_axis_from_rotation(rotations: Any, *, num_threads: int = 0) -> Any:
    """Angle-axis vectors of rotation matrices (the logarithm), with the angle in [0, pi].

    Parameters
    ----------
    rotations : (N, 3, 3) float32 or float64 array
        Rotation matrices; orthonormality is not checked.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    (N, 3) array
        Axis times angle, in radians, accurate close to 0 and to pi too; at pi the sign of the axis is arbitrary.
        Differentiable by torch along the rotations: the gradient is the one in their tangent space.

    References
    ----------
    Shepperd 1978 (quaternion of a matrix); Chirikjian 2011, eq. 10.86 (derivative).

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> fastcv.camera.angle_axis_from_rotation(np.diag([1.0, -1.0, -1.0])[None]).round(6)
    array([[3.141593, 0.      , 0.      ]])
    """
    return _convert("angle_axis_from_rotation", "rotations", rotations, ("N", 3, 3), ("N", 3), num_threads)


def _convert(op: str, name: str, array: Any, shape: tuple, result: tuple, num_threads: int) -> Any:
    call = Call()
    array = call.input(name, array, shape, FLOATS)
    execution = call.execution(num_threads)
    if call.is_torch:
        from . import _torch

        return getattr(_torch, op)(array, num_threads)
    out = call.empty(result, dtype_name(array))
    getattr(call.backend.camera, op)(array, out, execution)
    return call.result(out)
