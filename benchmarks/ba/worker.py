# SPDX-License-Identifier: Apache-2.0
"""One solver in Python on one problem, in a process of its own: python -m benchmarks.ba.worker NAME FOLDER OPTIONS.

NAME is a function of ``solvers``, OPTIONS its arguments in JSON. Prints one line of JSON, the fields of ``race.Run``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.ba import solvers


def memory(key: str) -> int:
    """Bytes of a line of /proc/self/status: VmRSS is what the process has now, VmHWM the most that it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])


def main(name: str, folder: str, options: str) -> None:
    solver = getattr(solvers, name)(Path(folder), **json.loads(options))
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    base = memory("VmRSS")
    print(json.dumps(solver() | {"base_bytes": base, "peak_bytes": memory("VmHWM")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
