# SPDX-License-Identifier: Apache-2.0
"""Numbers as people read them."""

from __future__ import annotations


def thousands(number: int) -> str:
    """With a thin space between thousands."""
    return f"{number:,}".replace(",", "\u2009")


def duration(seconds: float) -> str:
    """A time for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
