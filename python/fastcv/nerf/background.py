# SPDX-License-Identifier: Apache-2.0
"""Backgrounds that keep a field from learning them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Call, handle


def random_background(
    num_rays: int, channels: int = 3, *, seed: int = 0, first: int = 0, out: Any = None, num_threads: int = 0
) -> Any:
    """Uniform colours in [0, 1), one for each ray, that depend on the seed and the ray's number alone.

    A scene whose photographs have transparent surroundings is trained in front of another background in every step, in
    the rendering and in the photograph alike: only true transparency then fits.

    Parameters
    ----------
    num_rays : int
        Rays ``first`` to ``first + num_rays`` of the seed's; a step's rays may go on where the last one's ended.
    channels : int, optional
        Of a colour.
    seed : int, optional
        Between 0 and 2^64 - 1.
    first : int, optional
        Number of the first ray, 0 or more.
    out : (num_rays, channels) float32 array, optional
        Where to write: a torch tensor on a GPU, for one. A numpy array where it is None.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (num_rays, channels) float32 array
        For ``background=`` of :func:`render`.

    Raises
    ------
    TypeError, ValueError
        For a number that is not as described, or another ``out``.

    Examples
    --------
    >>> from fastcv import nerf
    >>> colors = nerf.random_background(4, seed=7)
    >>> np.array_equal(nerf.random_background(2, seed=7, first=2), colors[2:])
    True
    """
    rules = {"num_rays": (num_rays, 2**40), "channels": (channels, 2**20), "first": (first, 2**40)}
    for name, (value, limit) in {**rules, "seed": (seed, 2**64)}.items():
        if not 0 <= value < limit:
            raise ValueError(f"{name}: expected 0 to {limit - 1}, got {value}")
    call = Call()
    shape = (num_rays, channels)
    out = call.output("out", np.empty(shape, np.float32) if out is None else out, shape, "float32")
    call.backend.nerf.random_background(seed, first, handle(out), call.execution(num_threads))
    return out
