# SPDX-License-Identifier: Apache-2.0
"""Trained fields and unfinished training as files of named arrays, written whole or not at all."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..io import atomic_write

_FORMAT = "fastcv radiance field 1"


def write_state(path: str | os.PathLike[str], head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays and a dictionary that JSON can hold."""
    text = json.dumps({"format": _FORMAT, **head})
    with atomic_write(path) as file:
        np.savez(file, head=np.array(text), **arrays)  # type: ignore[arg-type]


def read_state(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What :func:`write_state` wrote. Raises FormatError for another file."""
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        head = json.loads(str(arrays.pop("head")))
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(path, f"expected a radiance field that fastcv wrote, got: {error}") from error
    if not isinstance(head, dict) or head.pop("format", None) != _FORMAT:
        raise FormatError(path, f"expected a {_FORMAT}, got another format")
    return head, arrays
