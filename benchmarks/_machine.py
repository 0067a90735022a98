# SPDX-License-Identifier: Apache-2.0
"""What a record says of the machine that it was measured on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

import fastcv
from fastcv._backend import backend


def processor() -> str:
    """The processor's name as /proc/cpuinfo tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def copy_bandwidth(size: int = 1 << 27) -> float:
    """Bytes read and written per second by a large copy on one thread, the best of five."""
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - start)
    return 2 * size / best


def fingerprint() -> dict[str, Any]:
    """Processor, instruction set, threads, bandwidth and versions."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "isa": backend("cpu").isa(),
        "num_threads": fastcv.get_num_threads(),
        "copy_bytes_per_s": copy_bandwidth(),
        "gpu": fastcv.cuda.device_name() if fastcv.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "fastcv": fastcv.__version__,
    }
