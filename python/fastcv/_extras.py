# SPDX-License-Identifier: Apache-2.0
"""Optional libraries of the extra ``fastcv[pipeline]``, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingDependencyError


def require(module: str) -> Any:
    """Import a module of the pipeline's extra.

    Raises
    ------
    MissingDependencyError
        It is not installed; the message says what to install.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise MissingDependencyError(
            f"{error.name} is needed; install it with: pip install 'fastcv[pipeline]'"
        ) from error
