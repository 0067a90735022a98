# SPDX-License-Identifier: Apache-2.0
"""The one place where untrusted bytes become numbers: every length is checked before anything is allocated."""

from __future__ import annotations

import os
import re
import struct
import warnings
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import FormatError

_NUMBER = re.compile(rb"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf(inity)?)", re.IGNORECASE)


class ByteReader:
    """A cursor over the bytes of a file that cannot run past their end.

    Parameters
    ----------
    path : path-like
        Read at once; errors name it.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.data = self.path.read_bytes()
        self.offset = 0

    @property
    def remaining(self) -> int:
        return len(self.data) - self.offset

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        """Raise FormatError at ``offset``, by default at the cursor."""
        raise FormatError(self.path, message, offset=self.offset if offset is None else int(offset))

    def need(self, size: int, what: str) -> None:
        """Fail unless ``size`` more bytes exist."""
        if size > self.remaining:
            self.fail(f"expected {size} bytes of {what}, got {self.remaining} before the end of the file")

    def unpack(self, layout: struct.Struct, what: str) -> tuple[Any, ...]:
        """The next values, by a struct layout."""
        self.need(layout.size, what)
        values = layout.unpack_from(self.data, self.offset)
        self.offset += layout.size
        return values

    def count(self, layout: struct.Struct, item_size: int, what: str) -> int:
        """The next value as a number of items of at least ``item_size`` bytes each, which must fit the file."""
        start = self.offset
        (count,) = self.unpack(layout, f"the number of {what}")
        if count * item_size > self.remaining:
            self.fail(
                f"expected room for {count} {what} of {item_size} bytes or more, got {self.remaining} bytes", start
            )
        return count

    def array(self, dtype: DTypeLike, count: int, what: str) -> NDArray[Any]:
        """The next ``count`` items as a read-only view."""
        dtype = np.dtype(dtype)
        self.need(dtype.itemsize * count, what)
        view = np.frombuffer(self.data, dtype, count, self.offset)
        self.offset += dtype.itemsize * count
        return view

    def until(self, terminator: bytes, what: str, limit: int | None = None) -> bytes:
        """The bytes before ``terminator``; the cursor moves behind it."""
        stop = len(self.data) if limit is None else min(len(self.data), self.offset + limit)
        end = self.data.find(terminator, self.offset, stop)
        if end < 0:
            self.fail(f"expected {what} that ends with {terminator!r}, got none in {stop - self.offset} bytes")
        value = self.data[self.offset : end]
        self.offset = end + len(terminator)
        return value

    def finish(self) -> None:
        """Fail if bytes are left."""
        if self.remaining:
            self.fail(f"expected the end of the file, got {self.remaining} more bytes")


def parse_numbers(
    text: bytes, path: str | os.PathLike[str], count: int | None = None, line: int = 1
) -> NDArray[np.float64]:
    """All numbers of a text that holds nothing but numbers and white space.

    Parameters
    ----------
    text : bytes
    path : path-like
        For errors.
    count : int, optional
        How many numbers there must be.
    line : int
        Line of the file at which ``text`` begins, for errors.

    Raises
    ------
    FormatError
        Something is not a number (its line), or there are more or fewer than ``count``.
    """
    if count is not None and count > (len(text) + 1) // 2:  # a number takes a digit and a separator
        raise FormatError(path, f"expected {count} numbers, got {len(text)} characters in which they cannot fit")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy before 2.4 only warned of a bad number
            # An empty text would give [-1.].
            values = np.empty(0) if text.isspace() or not text else np.fromstring(text, np.float64, sep=" ")
    except (ValueError, DeprecationWarning):
        _fail_at_bad_number(text, path, line)
    if count is not None and len(values) != count:
        raise FormatError(path, f"expected {count} numbers, got {len(values)}")
    return values


def _fail_at_bad_number(text: bytes, path: str | os.PathLike[str], line: int) -> NoReturn:
    """Find what np.fromstring stumbled over; it does not say."""
    for number, content in enumerate(text.split(b"\n"), line):
        for item in content.split():
            if not _NUMBER.fullmatch(item):
                raise FormatError(path, f"expected a number, got {item[:40].decode(errors='replace')!r}", line=number)
    raise FormatError(path, "expected numbers separated by white space")
