# SPDX-License-Identifier: Apache-2.0
"""Caches bounded by bytes: what stays, what goes."""

from __future__ import annotations

from fastcv._cache import Cache


def test_what_was_used_longest_ago_goes_first() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    cache = Cache(make, len, max_bytes=5)
    for key in ("aa", "bb", "aa", "cc", "aa", "bb"):  # "cc" drops "bb", and "bb" then drops "cc"
        assert cache[key] == key
    assert made == ["aa", "bb", "cc", "bb"]
    assert len(cache) == 2


def test_one_value_stays_however_large() -> None:
    cache = Cache(lambda key: "x" * key, len, max_bytes=3)
    assert [len(cache[n]) for n in (2, 100, 100)] == [2, 100, 100]
    assert len(cache) == 1


def test_without_a_limit_all_stay() -> None:
    cache = Cache(lambda key: key, lambda _: 1 << 40)
    assert [cache[n] for n in range(50)] == list(range(50))
    assert len(cache) == 50
