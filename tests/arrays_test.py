# SPDX-License-Identifier: Apache-2.0
"""Arrays of JAX; other frameworks are tested where their functions are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_jax() -> None:
    """In a process of its own: JAX has threads, and other tests fork."""
    cases = str(Path(__file__).with_name("jax_cases.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", cases]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
