# SPDX-License-Identifier: Apache-2.0
"""What this installation is and whether it works: versions, processor, CUDA, one op per room against its reference."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from typing import Any

from . import cuda, threads
from ._backend import backend, ceres
from .errors import MissingDependencyError

# Libraries whose versions matter in a bug report: required, optional, and what shares a process with us.
LIBRARIES = (
    "numpy",
    "nanobind-backend",
    "opencv-python-headless",
    "pillow",
    "viser",
    "torch",
    "pycolmap",
    "cupy",
    "jax",
)


@dataclass(frozen=True)
class Check:
    """One op against its reference: the largest difference found and the largest allowed."""

    op: str
    device: str
    error: float
    tolerance: float

    @property
    def ok(self) -> bool:
        return bool(self.error <= self.tolerance)


def run() -> dict[str, Any]:
    """Inspect the installation and run one op per room on every device against its reference.

    Returns
    -------
    dict
        ``fastcv``, ``python``, ``system``, ``libraries``, ``isa``, ``num_threads``, ``ceres``, ``cuda`` and
        ``checks``, all plain values that JSON takes; ``ok`` is True where every check passed.

    Examples
    --------
    >>> import fastcv
    >>> fastcv.doctor.run()["ok"]
    True
    """
    checks = [check() for check in CHECKS]
    return {
        "fastcv": importlib.metadata.version("fastcv"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "isa": backend("cpu").isa(),
        "num_threads": threads.get_num_threads(),
        "ceres": _ceres_version(),
        "cuda": _cuda_facts(),
        "checks": [{**asdict(check), "ok": check.ok} for check in checks],
        "ok": all(check.ok for check in checks),
    }


def report(facts: dict[str, Any] | None = None) -> str:
    """The facts of ``run`` as text for a person."""
    facts = run() if facts is None else facts
    gpu = facts["cuda"]
    lines = [
        f"fastcv {facts['fastcv']}, Python {facts['python']}, {facts['system']}",
        f"instruction set {facts['isa']}, {facts['num_threads']} threads, Ceres {facts['ceres'] or 'not built'}",
        "CUDA " + (f"runtime {gpu['runtime']}, driver {gpu['driver'] or 'none'}" if gpu["built"] else "not built"),
        *(f"  device {i}: {name}" for i, name in enumerate(gpu["devices"])),
        "libraries: " + ", ".join(f"{name} {version}" for name, version in facts["libraries"].items()),
        *(
            f"  {'ok    ' if check['ok'] else 'FAILED'} {check['op']} on {check['device']}:"
            f" differs from its reference by {check['error']:.2g} (allowed {check['tolerance']:.2g})"
            for check in facts["checks"]
        ),
    ]
    return "\n".join(lines)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _ceres_version() -> str | None:
    try:
        return ceres().version()
    except MissingDependencyError:
        return None


def _cuda_facts() -> dict[str, Any]:
    if not cuda.is_built():
        return {"built": False, "devices": []}
    module = backend("cuda")
    return {
        "built": True,
        "runtime": module.runtime_version(),
        "driver": module.driver_version(),
        "devices": [cuda.device_name(i) for i in range(cuda.device_count())],
    }
