# SPDX-License-Identifier: Apache-2.0
"""The file that makes a folder a run folder and tells what each result in it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import FormatError
from ..io import atomic_write

NAME = "manifest.json"
FORMAT = "fastcv run folder 1"

# By stage: {"seconds": float, "items": {item: {"key": str, "files": {path: digest}, "info": {...}}}}
Stages = dict[str, dict[str, Any]]


def write_manifest(path: Path, stages: Stages) -> None:
    """Replace the manifest of the run folder ``path`` in one step."""
    content = {"format": FORMAT, "fastcv": __version__, "stages": stages}
    with atomic_write(path / NAME) as file:
        file.write(json.dumps(content, indent=1).encode())


def refuse_foreign_folder(path: Path) -> None:
    """Raise FileExistsError unless ``path`` is missing, empty or a run folder."""
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path}: expected a folder, got a file")
    if not path.exists() or (path / NAME).exists():
        return
    others = sorted(entry.name for entry in path.iterdir() if not _is_ours(entry.name))
    if others:
        raise FileExistsError(f"{path}: expected an empty folder or an earlier run's, found {others[0]} in it")


def _is_ours(name: str) -> bool:
    """What a run leaves if it is killed before its first manifest."""
    return name == ".lock" or (name.startswith(".fastcv-") and name.endswith(".tmp"))


def read_manifest(path: Path) -> Stages:
    """Records of a run folder by stage: ``{"seconds": float, "items": {item: {"key", "files", "info"}}}``.

    Raises
    ------
    FormatError
        The manifest is not one of a run folder.
    """
    manifest = path / NAME
    try:
        content = json.loads(manifest.read_bytes())
    except ValueError as error:
        raise FormatError(manifest, f"expected JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FormatError(manifest, f"expected a {FORMAT!r} manifest; the folder holds something else")
    return content["stages"]
