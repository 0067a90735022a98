# SPDX-License-Identifier: Apache-2.0
"""Refuses what cannot fit into memory before it is allocated."""

from __future__ import annotations

import os


def require_memory(name: str, num_bytes: int, what: str) -> None:
    """Raise ValueError where this machine has less memory in all than ``what`` takes."""
    total = _total()
    if num_bytes > total:
        limit, got = f"{total / 1e9:.1f} GB of memory", f"{what} of {num_bytes / 1e9:.1f} GB"
        raise ValueError(f"{name}: expected a size that fits into {limit}, got {got}")


def memory_limit(name: str, num_bytes: int | None) -> int:
    """``num_bytes``, checked, or what this machine has where that is None."""
    if num_bytes is None:
        return _total()
    if num_bytes <= 0:
        raise ValueError(f"{name}: expected a positive number of bytes, got {num_bytes}")
    return int(num_bytes)


def _total() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
