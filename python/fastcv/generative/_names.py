# SPDX-License-Identifier: Apache-2.0
"""Unknown names, answered with the nearest one that exists."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def known(name: str, value: str, choices: Iterable[str]) -> str:
    """The value; raises ValueError with a suggestion where it is none of the choices."""
    choices = list(choices)
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{name}: expected {', '.join(choices)}, got {value!r}{hint}")
    return value
