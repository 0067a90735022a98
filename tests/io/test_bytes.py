# SPDX-License-Identifier: Apache-2.0
"""Bounded reading: nothing is allocated for what the file cannot hold, and numbers parse whole or not at all."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcv import FormatError
from fastcv.io._bytes import ByteReader, parse_numbers


@pytest.fixture
def reader(tmp_path: Path) -> ByteReader:
    (tmp_path / "a.bin").write_bytes(struct.pack("<QI", 3, 7) + b"name\0" + bytes(range(6)))
    return ByteReader(tmp_path / "a.bin")


def test_reads_in_order(reader: ByteReader) -> None:
    assert reader.count(struct.Struct("<Q"), 5, "items") == 3
    assert reader.unpack(struct.Struct("<I"), "a number") == (7,)
    assert reader.until(b"\0", "a name") == b"name"
    np.testing.assert_array_equal(reader.array(">u2", 3, "values"), [0x0001, 0x0203, 0x0405])
    assert reader.array("<f8", 0, "nothing").shape == (0,)
    assert reader.remaining == 0
    reader.finish()


def test_refuses_to_run_past_the_end(reader: ByteReader) -> None:
    with pytest.raises(FormatError, match="at byte 0: expected room for 3 items of 6 bytes or more, got 15 bytes"):
        reader.count(struct.Struct("<Q"), 6, "items")
    with pytest.raises(FormatError, match="at byte 8: expected 16 bytes of values, got 15 before the end"):
        reader.array("<f8", 2, "values")
    with pytest.raises(FormatError, match="at byte 8: expected 9223372036854775808 bytes of values"):
        reader.array("u1", 2**63, "values")
    with pytest.raises(FormatError, match="at byte 8: expected a name that ends with b'!', got none in 15 bytes"):
        reader.until(b"!", "a name")
    with pytest.raises(FormatError, match="at byte 8: expected a name that ends with .* got none in 4 bytes"):
        reader.until(b"\0", "a name", limit=4)
    with pytest.raises(FormatError, match="at byte 8: expected the end of the file, got 15 more bytes"):
        reader.finish()


@given(st.lists(st.floats(), max_size=20), st.sampled_from([" ", "\n", "\t", " \r\n "]))
def test_numbers_round_trip(values: list[float], separator: str) -> None:
    text = separator + separator.join(f"{value:.17g}" for value in values) + separator
    np.testing.assert_array_equal(parse_numbers(text.encode(), "a.txt", len(values)), values)


@given(st.binary(max_size=40))
def test_numbers_from_any_bytes(text: bytes) -> None:
    """Either every word is a number to Python too, or FormatError."""
    try:
        values = parse_numbers(text, "a.txt")
    except FormatError:
        return
    np.testing.assert_array_equal(values, [float(word) for word in text.split()])


@pytest.mark.parametrize("text", ["1 x", "1 0x10", "1 1_0", "1 1,", "1 --2", "1 1e", "1 \0", "1 .", "1 ٣"])
def test_bad_numbers_are_named(text: str) -> None:
    with pytest.raises(FormatError, match=r"a\.txt in line 7: expected a number, got '"):
        parse_numbers(b"\n\n" + text.encode(), "a.txt", line=5)


def test_number_of_numbers() -> None:
    with pytest.raises(FormatError, match="expected 2 numbers, got 3"):
        parse_numbers(b"1 2 3", "a.txt", 2)
    with pytest.raises(FormatError, match="expected 1000 numbers, got 5 characters in which they cannot fit"):
        parse_numbers(b"1 2 3", "a.txt", 1000)
    assert parse_numbers(b" \n", "a.txt", 0).shape == (0,)
