# SPDX-License-Identifier: Apache-2.0
"""Rays of pixels in the world frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import FLOATS, Call, check, dtype_name, framework, handle, is_torch
from ..scene import Camera

_MAX_PARAMS = 16  # kCameraRow in cpp/nerf/rays.h, less the number of the model


class Rays(NamedTuple):
    """Rays in the world frame.

    Parameters
    ----------
    origins : (R, 3) float32 array
    directions : (R, 3) float32 array
        Of length 1 where :func:`rays` made them; t counts in it.
    """

    origins: Any
    directions: Any


def rays(
    camera: Camera | Sequence[Camera],
    cam_from_world: Any,
    pixels: Any = None,
    *,
    images: Any = None,
    num_threads: int = 0,
) -> Rays:
    """The rays that pixels see, in the world frame; distortion is undone.

    Parameters
    ----------
    camera : Camera, or sequence of M Camera
        One for all poses, or one for each, of any models.
    cam_from_world : (3, 4) or (M, 3, 4) float32 or float64 array
        Poses ``[R | t]``; a numpy array goes with pixels of any framework.
    pixels : (R, 2) float32 or float64 array, optional
        (0, 0) is the top-left corner of the image. The centres of all pixels of all images, row by row, where it is
        None.
    images : (R,) int64 array, optional
        The pose that each pixel belongs to. Not needed for a single pose.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    Rays
        Origins and unit directions, (R, 3) float32, computed in float64. A pixel without a ray (beyond the fold of the
        distortion, NaN) has a direction of NaN; an image that does not exist, an origin of NaN too.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape; another number of cameras than 1 or M; pixels without ``images`` where there are
        several poses, or ``images`` without pixels.

    Notes
    -----
    Where pixels or poses require a gradient they get it, through torch's own operations, which are slower.
    Pixels on a GPU: several cameras are copied there in each call, and so are poses in numpy; a single camera goes
    along with the kernel.

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import nerf
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 4, 2, [2.0, 2.0, 1.0])
    >>> origins, directions = nerf.rays(camera, np.eye(3, 4), np.array([[2.0, 1.0]]))
    >>> directions
    array([[0., 0., 1.]], dtype=float32)
    >>> nerf.rays(camera, np.eye(3, 4)).origins.shape
    (8, 3)
    """
    cameras = (camera,) if isinstance(camera, Camera) else tuple(camera)
    poses: Any = cam_from_world if hasattr(cam_from_world, "shape") else np.asarray(cam_from_world)
    if poses.ndim == 2:
        poses = poses[None]
    check("cam_from_world", poses, ("M", 3, 4), FLOATS)
    if len(cameras) not in (1, len(poses)):
        raise ValueError(f"camera: expected one camera, or one for each of {len(poses)} poses, got {len(cameras)}")
    call = Call()
    if pixels is None:
        if images is not None:
            raise ValueError("images: expected None where all pixels are meant, got an array")
        poses = call.input("cam_from_world", poses, ("M", 3, 4), FLOATS)
        pixels, images = (call.place(array) for array in _all_pixels(cameras, len(poses)))
    else:
        pixels = call.input("pixels", pixels, ("R", 2), FLOATS)
        if images is not None:
            images = call.input("images", images, ("R",), ("int64",))
        elif len(poses) != 1:
            raise ValueError(f"images: expected the image of each pixel for {len(poses)} poses, got None")
        if framework(poses) != "numpy":
            poses = call.input("cam_from_world", poses, ("M", 3, 4), FLOATS)
    if any(is_torch(array) and array.requires_grad for array in (pixels, poses)):
        from . import _torch_rays

        return Rays(*_torch_rays.rays(cameras, poses, pixels, images, num_threads))
    return _native(call, cameras, poses, pixels, images, num_threads)


def _native(call: Call, cameras: Sequence[Camera], poses: Any, pixels: Any, images: Any, num_threads: int) -> Rays:
    execution = call.execution(num_threads)
    table = np.zeros((len(cameras), 1 + _MAX_PARAMS))
    for row, camera in zip(table, cameras, strict=True):
        row[0], row[1 : 1 + len(camera.params)] = camera.model_id, camera.params
    if framework(poses) == "numpy":
        poses = call.place(np.ascontiguousarray(poses, np.float64))
    elif dtype_name(poses) != "float64":
        poses = poses.double() if is_torch(poses) else poses.astype("float64")
    origins, directions = (call.empty((pixels.shape[0], 3), "float32") for _ in range(2))
    on_device = None if len(cameras) == 1 else call.place(table)
    arrays = (on_device, poses, images, origins, directions)
    handles = (None if array is None else handle(array) for array in arrays)
    call.backend.nerf.rays(handle(pixels), table, *handles, execution)
    return Rays(call.result(origins), call.result(directions))


def _all_pixels(cameras: Sequence[Camera], num_poses: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The centres of all pixels, (R, 2), and the image of each, (R,)."""
    grids = []
    for camera in cameras:
        v, u = np.mgrid[: camera.height, : camera.width].reshape(2, -1)
        grids.append(np.stack([u, v], 1).astype(np.float32) + np.float32(0.5))
    if len(grids) == 1:
        grids *= num_poses
    return np.concatenate(grids), np.repeat(np.arange(num_poses), [len(grid) for grid in grids])


def ndc_rays(origins: Any, directions: Any, camera: Camera, *, near: float = 1.0) -> Rays:
    """Rays of a forward-facing scene in normalised device coordinates: what is infinitely far away comes to t = 1.

    Parameters
    ----------
    origins, directions : (R, 3) float array
        Rays in the frame of a camera that looks along z, such as the middle one of the scene.
    camera : Camera
        That camera, taken without its distortion; its image becomes [-1, 1] in x and y.
    near : float, optional
        z of the plane where the new rays begin; positive.

    Returns
    -------
    Rays
        Origins, all with z = -1, and directions, not of length 1: t in [0, 1) runs from the plane to infinity, where
        z = 1. x and y are NaN where a ray does not go forward.

    Raises
    ------
    ValueError
        For another shape, a ``near`` that is not positive, or a camera without a focal length.

    Notes
    -----
    Made of array operations, so torch's gradients flow. :func:`ndc_depth` brings t back.

    References
    ----------
    Mildenhall et al. 2020, "NeRF", appendix C, with z forward and y down.

    Examples
    --------
    >>> import fastcv
    >>> from fastcv import nerf
    >>> camera = fastcv.Camera("SIMPLE_PINHOLE", 200, 100, [100.0, 100.0, 50.0])
    >>> rays = nerf.ndc_rays(np.zeros((1, 3)), np.array([[0.0, 0.6, 0.8]]), camera)
    >>> rays.origins, rays.directions.round(4) + 0.0
    (array([[ 0. ,  1.5, -1. ]]), array([[0., 0., 2.]]))
    """
    call = Call()
    origins = call.input("origins", origins, ("R", 3), FLOATS)
    directions = call.input("directions", directions, ("R", 3), (dtype_name(origins),))
    matrix, size = camera.matrix, (camera.width, camera.height)
    xp = call.namespace
    z = _forward(xp, directions[:, 2], near)
    t = (near - origins[:, 2]) / z
    begin, slope = [], []
    for i in range(2):
        scale, shift = 2 * float(matrix[i, i]) / size[i], 2 * float(matrix[i, 2]) / size[i] - 1
        at_near = scale / near * (origins[:, i] + t * directions[:, i])
        begin.append(at_near + shift)
        slope.append(scale * directions[:, i] / z - at_near)
    origins = xp.stack([*begin, xp.full_like(z, -1.0)], -1)
    return Rays(call.result(origins), call.result(xp.stack([*slope, xp.full_like(z, 2.0)], -1)))


def ndc_depth(origins: Any, directions: Any, t: Any, *, near: float = 1.0) -> Any:
    """How far along the original rays the points at t along their :func:`ndc_rays` are.

    Parameters
    ----------
    origins, directions, near
        What :func:`ndc_rays` was given.
    t : (R,) or (R, N) array
        In [0, 1]; 1 gives infinity.

    Returns
    -------
    (R,) or (R, N) array

    Raises
    ------
    ValueError
        For a ``near`` that is not positive.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.ndc_depth(np.zeros((1, 3)), np.array([[0.0, 0.6, 0.8]]), np.array([[0.0, 0.5]]))
    array([[1.25, 2.5 ]])
    """
    call = Call()
    origins = call.input("origins", origins, ("R", 3), FLOATS)
    directions = call.input("directions", directions, ("R", 3), (dtype_name(origins),))
    shape = ("R",) if t.ndim == 1 else ("R", "N")
    t = call.input("t", t, shape, (dtype_name(origins),))
    column = (slice(None), 2) + (None,) * (t.ndim - 1)
    z = _forward(call.namespace, directions[column], near)
    # On the plane z is near, and z / near = 1 / (1 - t) along the ray: appendix C, eq. 14.
    return call.result((near - origins[column]) / z + near / z * (t / (1 - t)))


def _forward(xp: Any, z: Any, near: float) -> Any:
    """z where it is positive, else NaN."""
    if not near > 0:
        raise ValueError(f"near: expected a positive number, got {near}")
    return xp.where(z > 0, z, math.nan)
