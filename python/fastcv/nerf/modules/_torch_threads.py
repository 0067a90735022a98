# SPDX-License-Identifier: Apache-2.0
"""Torch on one thread, while fastcv's own operations take all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use the calling thread alone while the context is open, or the function runs that it decorates.

    What a step leaves to torch takes microseconds, and threads of OpenMP that wait for more of it by spinning take the
    processors from fastcv's: on two busy cores a step took five times as long. And where torch shares elements among
    threads shows in their last bits: those at the ends of a share are not computed by the same instructions.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
