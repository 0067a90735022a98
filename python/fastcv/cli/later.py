# SPDX-License-Identifier: Apache-2.0
"""Options that are made after the command line was read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

Options = TypeVar("Options")


def later(options: type[Options]) -> Callable[..., Callable[[], Options]]:
    """A constructor for tyro with the arguments and the docstring of ``options``; it returns what makes them.

    An OptionsError inside of tyro would become a message about tyro's own names.
    """

    @functools.wraps(options, updated=())
    def constructor(**values: Any) -> Callable[[], Options]:
        return functools.partial(options, **values)

    return constructor
