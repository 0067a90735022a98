# SPDX-License-Identifier: Apache-2.0
"""The noise of the samplers by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .step import Step


def normals(
    shape: tuple[int, ...],
    *,
    seed: int = 0,
    sample_ids: ArrayLike | None = None,
    number: int = 0,
    out: Any = None,
    num_threads: int = 0,
) -> Any:
    """Standard normal numbers that depend on (seed, sample id, number of the step, element) alone.

    The bits are the same for a sample alone and in any batch, for every number of threads and instruction set. They
    have the resolution of float32, in every dtype: absolute errors of a deviate's own formula are below 2e-6, and the
    largest deviate is 6.77. What a step adds as noise are these numbers; initial noise wants a number of its own.

    Parameters
    ----------
    shape : tuple of int
        (B, ...).
    seed, sample_ids, number, num_threads
        As in ``Step``.
    out : (B, ...) array, optional
        Where to write, in any framework; a new numpy array of float32 by default.

    Returns
    -------
    (B, ...) array

    References
    ----------
    Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"; Box & Muller 1958.

    Examples
    --------
    >>> from fastcv import ode
    >>> batch = ode.normals((4, 1000), seed=7)
    >>> bool((ode.normals((1, 1000), seed=7, sample_ids=[2])[0] == batch[2]).all())
    True
    """
    out = np.empty(shape, np.float32) if out is None else out
    if tuple(out.shape) != tuple(shape):
        raise ValueError(f"out: expected shape {tuple(shape)}, got {tuple(out.shape)}")
    coefficients = np.empty((1, 0))
    Step(
        [], [out], coefficients, noise=[1], seed=seed, sample_ids=sample_ids, number=number, num_threads=num_threads
    ).run()
    return out
