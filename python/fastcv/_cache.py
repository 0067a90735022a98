# SPDX-License-Identifier: Apache-2.0
"""Values that are made when first asked for and, beyond a number of bytes, dropped again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Keeps what was used last.

    Parameters
    ----------
    make : callable
        From a key to its value.
    num_bytes : callable
        Of a value.
    max_bytes : int or None
        Of all values; the last one stays, however large. None for no limit.

    Examples
    --------
    >>> squares = Cache(lambda key: key**2, lambda value: 1, max_bytes=2)
    >>> [squares[key] for key in (1, 2, 3)], len(squares)
    ([1, 4, 9], 2)
    """

    def __init__(self, make: Callable[[Key], Value], num_bytes: Callable[[Value], int], max_bytes: int | None = None):
        self._make, self._num_bytes, self._max_bytes = make, num_bytes, max_bytes
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: Key) -> Value:
        if key not in self._values:
            value = self._make(key)
            self._values[key] = value
            self._bytes += self._num_bytes(value)
        self._values.move_to_end(key)
        while self._max_bytes is not None and self._bytes > self._max_bytes and len(self._values) > 1:
            _, dropped = self._values.popitem(last=False)
            self._bytes -= self._num_bytes(dropped)
        return self._values[key]
