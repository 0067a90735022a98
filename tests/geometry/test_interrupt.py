# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in robust estimation, whose iterations take milliseconds where there are many correspondences."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

from fastcv.geometry import estimate_fundamental


def test_ctrl_c_ends_a_long_search():
    points = np.random.default_rng(0).uniform(0, 3000, (2, 300_000, 2))
    pressed = []

    def press() -> None:
        pressed.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.5, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        estimate_fundamental(*points, min_iterations=1_000_000, max_iterations=1_000_000)
    late = time.perf_counter() - pressed[0]
    timer.join()
    assert late < 10  # 0.1 s on a machine of its own; all iterations take hours
