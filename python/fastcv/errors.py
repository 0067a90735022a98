# SPDX-License-Identifier: Apache-2.0
"""Exceptions that fastcv raises beside the built-in TypeError and ValueError."""

from __future__ import annotations

import os


class FastcvError(Exception):
    """Base of every exception that is particular to fastcv."""


class FormatError(FastcvError, ValueError):
    """A file does not follow its format.

    Parameters
    ----------
    path : path-like
        The file.
    message : str
        What was expected and what was found.
    offset : int, optional
        Byte offset in the file at which reading stopped making sense.
    line : int, optional
        Line number, counted from 1, for text formats.
    """

    def __init__(
        self, path: str | os.PathLike[str], message: str, *, offset: int | None = None, line: int | None = None
    ):
        self.path, self.offset, self.line = os.fspath(path), offset, line
        place = f" at byte {offset}" if offset is not None else f" in line {line}" if line is not None else ""
        super().__init__(f"{self.path}{place}: {message}")


class MissingDependencyError(FastcvError, ImportError):
    """An optional library is needed for what was asked; the message says how to install it."""


class DeviceError(FastcvError, RuntimeError):
    """A device was asked for that this machine or this build cannot offer."""


class ReconstructionError(FastcvError, RuntimeError):
    """The photographs cannot be reconstructed; the message says why (no overlap, no baseline, too few points)."""
