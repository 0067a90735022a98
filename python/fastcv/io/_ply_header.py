# SPDX-License-Identifier: Apache-2.0
"""PLY headers: elements and their properties, from untrusted bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ._bytes import ByteReader

# Turk's names and the sized ones that later writers use.
TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
BYTE_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
TRIANGLE_LISTS = ("vertex_indices", "vertex_index")
_MAX_HEADER = 1 << 16


@dataclass
class Element:
    """``fields`` in NumPy's form (name, type, shape); a list of vertex indices counts as a triangle."""

    name: str
    count: int
    fields: list[tuple[str, str] | tuple[str, str, int]] = field(default_factory=list)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.fields)


@dataclass(frozen=True)
class Header:
    """``line``: the number of the line behind the header, where an ascii body begins."""

    ascii: bool
    elements: list[Element]
    line: int


def read_header(reader: ByteReader) -> Header:
    """Read up to ``end_header``, with the cursor at the body afterwards."""
    if _next_line(reader) != ["ply"]:
        reader.fail("expected 'ply' in the first line, got something else", 0)
    start = reader.offset
    words = _next_line(reader)
    if len(words) != 3 or words[0] != "format" or words[1] not in BYTE_ORDERS or words[2] != "1.0":
        reader.fail(f"expected 'format {' or '.join(BYTE_ORDERS)} 1.0', got {' '.join(words)[:80]!r}", start)
    kind, lines = words[1], 2
    elements: list[Element] = []
    while True:
        start, lines = reader.offset, lines + 1
        words = _next_line(reader)
        if words == ["end_header"]:
            return Header(kind == "ascii", elements, lines + 1)
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "element" and len(words) == 3 and words[2].isascii() and words[2].isdigit():
            elements.append(_element(reader, start, words, elements))
        elif words[0] == "property" and elements:
            _add_property(reader, start, words, elements[-1], BYTE_ORDERS[kind])
        else:
            reader.fail(f"expected element, property, comment or end_header, got {' '.join(words)[:80]!r}", start)


def _next_line(reader: ByteReader) -> list[str]:
    line = reader.until(b"\n", "a header line", max(0, _MAX_HEADER - reader.offset))
    return line.decode(errors="replace").split()


def _element(reader: ByteReader, start: int, words: list[str], elements: list[Element]) -> Element:
    name, digits = words[1], words[2]
    if len(digits) > 18:
        reader.fail(f"element {name}: expected a count below 10^18, got {digits[:40]}", start)
    if any(element.name == name for element in elements):
        reader.fail(f"element {name}: expected each element once, got it twice", start)
    return Element(name, int(digits))


def _add_property(reader: ByteReader, start: int, words: list[str], element: Element, order: str) -> None:
    if len(words) == 3 and words[1] in TYPES:
        fields: list[tuple[str, str] | tuple[str, str, int]] = [(words[2], order + TYPES[words[1]])]
    elif len(words) == 5 and words[1] == "list" and words[2] in TYPES and words[3] in TYPES:
        if words[4] not in TRIANGLE_LISTS or TYPES[words[2]][0] == "f" or TYPES[words[3]][0] == "f":
            message = f"element {element.name}: expected no list but the whole-numbered {' or '.join(TRIANGLE_LISTS)}"
            reader.fail(f"{message}, got {words[4]!r}", start)
        fields = [("list_length", order + TYPES[words[2]]), (TRIANGLE_LISTS[0], order + TYPES[words[3]], 3)]
    else:
        reader.fail(f"expected a property 'type name' or 'list type type name', got {' '.join(words)[:80]!r}", start)
    taken = {item[0] for item in element.fields}
    for item in fields:
        if item[0] in taken:
            reader.fail(f"element {element.name}: expected each property once, got {item[0]!r} twice", start)
    element.fields += fields
