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


def _total() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
