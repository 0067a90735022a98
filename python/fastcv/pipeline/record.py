# SPDX-License-Identifier: Apache-2.0
"""What a run says about itself as JSON: its numbers, its options, the versions behind them."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import __version__, io


@dataclass(frozen=True)
class Record:
    """Base of the dataclasses that are written as one JSON object."""

    def to_json(self) -> str:
        """The fields as one JSON object."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    def write(self, path: Path) -> None:
        """Write ``to_json`` to a file."""
        with io.atomic_write(path) as file:
            file.write(self.to_json().encode())


def plain_values(values: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON can hold them: paths as text, numbers that are not finite as None."""
    return {name: _plain(value) for name, value in asdict(values).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def peak_memory_mb() -> float:
    """Memory that this process has held at most so far.

    Not ``getrusage``: its peak is handed on from the process that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def memory_bytes() -> int:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def versions(*libraries: str) -> dict[str, str]:
    """Versions of fastcv, Python and those of the libraries that are installed."""
    found = {"fastcv": __version__, "python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
