# SPDX-License-Identifier: Apache-2.0
"""Numbers and errors as people read them."""

from __future__ import annotations

from ..errors import FormatError


def thousands(number: int) -> str:
    """With a thin space between thousands."""
    return f"{number:,}".replace(",", "\u2009")


def duration(seconds: float) -> str:
    """A time for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


def why_unreadable(error: FormatError | OSError) -> str:
    """Why a file cannot be read, without its path: that differs between machines that share the work."""
    text = getattr(error, "strerror", None) or str(error)
    return text.removeprefix(f"{error.path}: ") if isinstance(error, FormatError) else text
