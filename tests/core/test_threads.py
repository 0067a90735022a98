# SPDX-License-Identifier: Apache-2.0
"""Threads, forks, instruction sets and imports: how the library behaves as a guest in a process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastcv


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


PROJECT = """
import numpy as np, fastcv
camera = fastcv.Camera("PINHOLE", 640, 480, [500, 510, 320, 240])
points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (300_000, 3))
pixels = fastcv.camera.project(points, camera)
"""


def test_number_of_threads_is_kept_and_checked() -> None:
    before = fastcv.get_num_threads()
    try:
        fastcv.set_num_threads(3)
        assert fastcv.get_num_threads() == 3
    finally:
        fastcv.set_num_threads(before)
    with pytest.raises(ValueError, match="num_threads: expected 1 to 4096, got 0"):
        fastcv.set_num_threads(0)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FASTCV_ISA", "avx9", "FASTCV_ISA: expected v2, v3 or v4, got avx9"),
        ("FASTCV_NUM_THREADS", "two", "FASTCV_NUM_THREADS: expected 1 to 4096, got two"),
    ],
)
def test_wrong_environment_is_an_error_that_explains(name: str, value: str, expected: str) -> None:
    result = run_python("import fastcv; fastcv.get_num_threads()", **{name: value})
    assert result.returncode == 1
    assert expected in result.stderr


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_instruction_set_can_be_lowered(isa: str) -> None:
    code = "from fastcv._backend import backend; print(backend('cpu').isa())"
    assert run_python(code, FASTCV_ISA=isa).stdout.strip() <= isa


def test_import_is_light() -> None:
    code = """
import signal, sys, threading
before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT)]
import fastcv
heavy = {"torch", "cv2", "PIL", "matplotlib", "scipy", "rich", "tyro", "viser"} & set(sys.modules)
after = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT)]
print(heavy, threading.active_count(), before == after, len(__import__("os").listdir("/proc/self/task")))
"""
    result = run_python(code, OPENBLAS_NUM_THREADS="1")
    assert result.stdout == "set() 1 True 1\n"
    assert result.stderr == ""


def test_native_modules_link_no_runtime_that_fights_over_threads() -> None:
    code = "import fastcv._core; print(fastcv._core.__file__)"
    path = run_python(code).stdout.strip()
    needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    assert "libstdc++" in needed
    for library in ("gomp", "iomp", "glog", "blas", "tbb", "torch"):
        assert library not in needed


def test_native_modules_share_a_process() -> None:
    code = """
import importlib, pathlib, fastcv
for path in sorted(pathlib.Path(importlib.import_module("fastcv._core").__file__).parent.glob("*.abi3.so")):
    print(importlib.import_module("fastcv." + path.name.partition(".")[0]).__name__)
"""
    result = run_python(code)
    assert result.stderr == ""
    assert "fastcv._core" in result.stdout.split()


def test_fork_after_use_works() -> None:
    code = (
        PROJECT
        + """
import os
child = os.fork()
if child == 0:
    same = np.array_equal(fastcv.camera.project(points, camera), pixels)
    os._exit(0 if same else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    assert run_python(code, FASTCV_NUM_THREADS="4").stdout.strip() == "0"


def test_callers_on_many_threads() -> None:
    camera = fastcv.Camera("PINHOLE", 640, 480, np.array([500.0, 510.0, 320.0, 240.0]))
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (200_000, 3))
    expected = fastcv.camera.project(points, camera, num_threads=1)
    wrong = []

    def work() -> None:
        for _ in range(5):
            if not np.array_equal(fastcv.camera.project(points, camera, num_threads=3), expected):
                wrong.append(threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
