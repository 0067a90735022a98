# SPDX-License-Identifier: Apache-2.0
"""Optional libraries of the extra ``fastcv[pipeline]``, imported when they are needed."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from .errors import MissingDependencyError

# Libraries that take Ctrl-C while they are imported for an optional library of theirs that is missing.
_DEAF = ("trimesh",)


@contextmanager
def _ctrl_c_afterwards() -> Iterator[None]:
    """Put off Ctrl-C until the context is left; only the main thread is told of it at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)


def require(module: str) -> Any:
    """Import a module of the pipeline's extra.

    Raises
    ------
    MissingDependencyError
        It is not installed; the message says what to install.
    """
    try:
        with _ctrl_c_afterwards() if module in _DEAF and module not in sys.modules else nullcontext():
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise MissingDependencyError(
            f"{error.name} is needed; install it with: pip install 'fastcv[pipeline]'"
        ) from error
