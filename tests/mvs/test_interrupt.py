# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in a sweep: answered between the planes of a tile, by all threads."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

from fastcv import mvs


@pytest.mark.parametrize("num_threads", [1, 2])
def test_ctrl_c_within_a_tile(num_threads):
    """Each thread has one tile, which takes seconds: pressed once all have written a plane, none reaches the last."""
    rng = np.random.default_rng(0)
    K = np.array([[60.0, 0, 16], [0, 60.0, 16], [0, 0, 1]])
    poses = [np.c_[np.eye(3), [-0.01 * i, 0, 0]] for i in range(33)]
    views = [mvs.View(rng.integers(0, 256, (32 * num_threads, 32), np.uint8), K, pose) for pose in poses]
    depths = mvs.inverse_depth_planes(1.0, 10.0, 20_000)
    costs = np.full((len(depths), 32 * num_threads, 32), -1.0, np.float32)
    rows = [32 * i for i in range(num_threads)]

    def press() -> None:
        while (costs[0, rows, 0] == -1).any():
            time.sleep(1e-3)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        mvs.plane_sweep(views[0], views[1:], depths, window=31, num_threads=num_threads, out=costs)
    thread.join()
    assert (costs[-1] == -1).all()
    again = mvs.plane_sweep(views[0], views[1:], depths[:8], window=31, num_threads=num_threads)
    np.testing.assert_array_equal(again[0], costs[0])


@pytest.mark.parametrize("num_threads", [1, 2])
def test_ctrl_c_within_a_strip_of_features(num_threads):
    """As above, for strips of 32 pixels."""
    rng = np.random.default_rng(0)
    K = np.array([[60.0, 0, 16], [0, 60.0, 16], [0, 0, 1]])
    views = [
        mvs.View(rng.random((64, num_threads, 32), np.float32), K, np.c_[np.eye(3), [-0.01 * i, 0, 0]])
        for i in range(33)
    ]
    depths = mvs.inverse_depth_planes(1.0, 10.0, 100_000)
    out = np.full((len(depths), num_threads, 32), -1.0, np.float32)

    def press() -> None:
        while (out[0, :, 0] == -1).any():
            time.sleep(1e-3)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        mvs.feature_volume(views[0], views[1:], depths, num_threads=num_threads, out=out)
    thread.join()
    assert (out[-1] == -1).all()
    again = mvs.feature_volume(views[0], views[1:], depths[:8], num_threads=num_threads)
    np.testing.assert_array_equal(again.values[0], out[0])
