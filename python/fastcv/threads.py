# SPDX-License-Identifier: Apache-2.0
"""The number of threads that native calls use where they are not told."""

from __future__ import annotations

from ._backend import backend


def set_num_threads(num_threads: int) -> None:
    """Set the number of threads of native calls whose ``num_threads`` is 0.

    Results do not depend on it. It starts as the environment's FASTCV_NUM_THREADS, else as the number of processors
    that this process may run on.

    Parameters
    ----------
    num_threads : int
        1 to 4096.

    Raises
    ------
    ValueError
        For a number out of this range.

    Examples
    --------
    >>> import fastcv
    >>> fastcv.set_num_threads(2)
    >>> fastcv.get_num_threads()
    2
    """
    if not 1 <= num_threads <= 4096:
        raise ValueError(f"num_threads: expected 1 to 4096, got {num_threads}")
    backend("cpu").set_num_threads(num_threads)


def get_num_threads() -> int:
    """The number of threads of native calls whose ``num_threads`` is 0."""
    return backend("cpu").num_threads()
