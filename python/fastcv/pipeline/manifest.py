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
# What the file calls itself, by the command that fills the folder.
FORMATS = {
    "reconstruct": "fastcv run folder 1",
    **{command: f"fastcv {command} folder 1" for command in ("ba", "mvs", "carve", "fuse", "nerf")},
}

# By stage: {"seconds": float, "items": {item: {"key": str, "files": {path: digest}, "info": {...}}}}
Stages = dict[str, dict[str, Any]]


def write_manifest(path: Path, stages: Stages, command: str, part: str = "") -> None:
    """Replace the manifest of the run folder ``path``, or that of one part of the work in it, in one step."""
    content = {"format": FORMATS[command], "fastcv": __version__, "stages": stages}
    with atomic_write(path / _name(part)) as file:
        file.write(json.dumps(content, indent=1).encode())


def _name(part: str) -> str:
    return f"manifest-{part}.json" if part else NAME


def refuse_foreign_folder(path: Path, command: str) -> None:
    """Raise FileExistsError unless ``path`` is missing, empty or a run folder of this command."""
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path}: expected a folder, got a file")
    if not path.exists():
        return
    if (path / NAME).exists():
        other = folder_command(path)
        if other != command:
            raise FileExistsError(f"{path}: expected an empty folder or one of fastcv {command}, got one of {other}")
        return
    others = sorted(entry.name for entry in path.iterdir() if not _is_ours(entry.name))
    if others:
        raise FileExistsError(f"{path}: expected an empty folder or an earlier run's, found {others[0]} in it")


def _is_ours(name: str) -> bool:
    """What a run leaves if it is killed before its first manifest."""
    return name.startswith(".lock") or (name.startswith(".fastcv-") and name.endswith(".tmp"))


def folder_command(path: Path) -> str:
    """Which command fills a run folder: a key of ``FORMATS``. Raises FormatError where the manifest is not of one."""
    return {name: command for command, name in FORMATS.items()}[_load(path, "")["format"]]


def read_manifest(path: Path, part: str = "") -> Stages:
    """Records of a run folder, or of one part of the work in it, by stage; empty where there are none.

    ``{"seconds": float, "items": {item: {"key", "files", "info"}}}``

    Raises
    ------
    FormatError
        The manifest is not one of a run folder.
    """
    return _load(path, part)["stages"] if (path / _name(part)).exists() else {}


def read_other_manifests(path: Path, part: str) -> list[Stages]:
    """Records of the run folder and of all parts of the work in it but this one."""
    parts = ["", *sorted(file.stem.partition("-")[2] for file in path.glob("manifest-*.json"))]
    return [read_manifest(path, other) for other in parts if other != part]


def _load(path: Path, part: str) -> dict[str, Any]:
    manifest = path / _name(part)
    try:
        content = json.loads(manifest.read_bytes())
    except ValueError as error:
        raise FormatError(manifest, f"expected JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") not in FORMATS.values():
        names = " or ".join(repr(name) for name in FORMATS.values())
        raise FormatError(manifest, f"expected a {names} manifest; the folder holds something else")
    return content
