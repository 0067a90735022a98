# SPDX-License-Identifier: Apache-2.0
"""Digests of files and values: what a result was made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTES = 16  # 128 bits: accidental collisions are out of reach
_BLOCK = 1 << 20


def digest_file(path: Path) -> str:
    """Hexadecimal digest of a file's content."""
    state = hashlib.blake2b(digest_size=_BYTES)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()


def digest_or_none(path: Path) -> str | None:
    """Digest of a file's content, None where it cannot be read."""
    try:
        return digest_file(path)
    except OSError:
        return None


def digest_array(array: NDArray[Any]) -> str:
    """Hexadecimal digest of an array's numbers."""
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=_BYTES).hexdigest()


def digest_values(*values: Any) -> str:
    """Hexadecimal digest of numbers, strings, None, and lists and dictionaries of them.

    Floats count to their last bit; the order of dictionary keys does not count.
    """
    text = json.dumps(values, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=_BYTES).hexdigest()
