# SPDX-License-Identifier: Apache-2.0
"""Soft carving: how probable it is that a voxel is occupied, given masks of probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import dtype_name, handle, is_torch
from ..scene import Camera
from ._cameras import check_views
from ._soft_masks import Sensor, prepare
from .grid import VoxelGrid


def carve_soft(
    masks: Any,
    cameras: Sequence[ArrayLike] | Sequence[tuple[Camera, ArrayLike]] | NDArray[np.floating],
    grid: VoxelGrid,
    *,
    miss_rate: float = 0.001,
    false_alarm_rate: float = 0.9,
    prior: float = 0.5,
    outside: Literal["ignore", "carve"] = "ignore",
    out: Any = None,
    num_threads: int = 0,
) -> Any:
    """Probability of every voxel from the probability of every pixel that it shows the object.

    Views are taken as independent given the voxel. With s the value of a view's mask where the voxel's centre falls,
    between the four nearest pixels' centres, Bayes' rule adds up log odds::

        logit p = logit prior + sum over views of log(occupied(s) / empty(s))
        occupied(s) = s (1 - miss_rate) + (1 - s) miss_rate
        empty(s) = s false_alarm_rate + (1 - s) (1 - false_alarm_rate)

    A mask of 0.5 says nothing; one of 0 takes log((1 - false_alarm_rate) / miss_rate) from the log odds; one of 1 adds
    log((1 - miss_rate) / false_alarm_rate), which is little: foreground is common where a voxel is empty too, as others
    on the same ray may be occupied. The ratio of the two is how many views of foreground outweigh one of background,
    with the defaults 44. Gradients of torch tensors flow to the masks.

    Parameters
    ----------
    masks : (V, H, W) float32 or float64 array, or sequence of V (H, W) arrays
        Probabilities of foreground, from 0 to 1, of any sizes, of one dtype. On a GPU where they are torch or CuPy
        arrays there.
    cameras : (V, 3, 4) array, or sequence of (3, 4) arrays or of pairs (Camera, cam_from_world)
        As for ``carve``; the mask of one with lens distortion is first resampled to a pinhole camera, bilinearly. They
        are constants.
    grid : VoxelGrid
        The voxels.
    miss_rate : float, optional
        How often a mask is surely background where the voxel is occupied.
    false_alarm_rate : float, optional
        How often a mask is surely foreground where the voxel is empty, the rest of the object included.
    prior : float, optional
        Probability of a voxel that nobody sees. This and the rates are numbers from 1e-6 to 1 - 1e-6.
    outside : {"ignore", "carve"}, optional
        A view that does not see a voxel, as for ``carve``, says nothing of it, or as much as background.
    out : (Z, Y, X) array of the masks' dtype, optional
        Where to write the result.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. Neither result nor gradients depend on it.

    Returns
    -------
    (Z, Y, X) array of the masks' dtype
        In the framework and on the device of the masks.

    Raises
    ------
    TypeError
        Masks of another dtype, or of several; JAX arrays as ``out``.
    ValueError
        Values out of range, NaN too; cameras and poses that require a gradient; ``out`` for masks that require one; a
        grid that does not fit into memory; and as for ``carve``.

    References
    ----------
    Franco & Boyer 2005, "Fusion of multi-view silhouette cues using a space occupancy grid", for the model of a sensor
    with its rates and for independent views.

    Examples
    --------
    Two views of a soft-edged square, along z and along x:

    >>> from fastcv import voxels
    >>> x = np.abs(np.arange(40) - 19.5)
    >>> edge = 1 / (1 + np.exp(2 * (x - 10)))
    >>> mask = np.minimum(edge, edge[:, None]).astype(np.float32)
    >>> K = np.array([[2000.0, 0, 20], [0, 2000.0, 20], [0, 0, 1]])
    >>> along_z = K @ np.c_[np.eye(3), [0, 0, 100]]
    >>> along_x = K @ np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 100]])
    >>> grid = voxels.VoxelGrid([-1, -1, -1], 1 / 16, (32, 32, 32))
    >>> p = voxels.carve_soft([mask, mask], [along_z, along_x], grid)
    >>> p[16, 16, 4:12].round(3)
    array([0.013, 0.042, 0.227, 0.478, 0.543, 0.551, 0.552, 0.552], dtype=float32)
    """
    check_views("mask", masks, cameras)
    sensor = Sensor(miss_rate, false_alarm_rate, prior, outside)
    if num_threads < 0:
        raise ValueError(f"num_threads: expected 0 (default) or more, got {num_threads}")
    if out is None and is_torch(masks[0]):
        from . import _torch

        for i, mask in enumerate(masks):
            if not is_torch(mask):
                raise TypeError(f"masks[{i}]: expected a torch tensor as masks[0], got {type(mask).__name__}")
        return _torch.carve_soft(list(masks), *_torch.pack(cameras, grid, sensor), num_threads)
    if any(is_torch(mask) and mask.requires_grad for mask in masks):
        raise ValueError("out: expected None for masks that require a gradient, got an array")
    views = prepare(masks, cameras, grid, sensor)
    out = views.call.output("out", out, grid.shape, dtype_name(views.row))
    views.call.backend.voxels.carve_soft(*views.native(), handle(out), views.call.execution(num_threads))
    return views.call.result(out)
