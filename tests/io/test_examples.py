# SPDX-License-Identifier: Apache-2.0
"""The examples of every docstring of fastcv.io, and of docs/io.md, run in an empty folder."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import fastcv.io

MODULES = [module.name for module in pkgutil.iter_modules(fastcv.io.__path__, "fastcv.io.")]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_function_has_an_example() -> None:
    finder = doctest.DocTestFinder()
    with_example = {
        test.name.rsplit(".", 1)[1]
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
        if test.examples
    }
    written = {"write_pfm", "write_colmap_array", "write_image", "write_colmap", "read_colmap", "read_ply"}
    functions = {name for name in fastcv.io.__all__ if name.startswith(("read_", "write_", "list_", "atomic_"))}
    # Those are used by the example of their counterpart.
    assert functions - with_example <= written


def test_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs" / "io.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 3
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in blocks:
        exec(block, scope)
