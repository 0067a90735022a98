# SPDX-License-Identifier: Apache-2.0
"""Semi-global smoothing of sweeps: against numpy bit for bit, a bare wall, masks, memory, and bad input."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _reference_smoothing as reference

from .conftest import K

DEPTHS = mvs.inverse_depth_planes(2.5, 8.0, 24)
SETTINGS = [
    mvs.SemiGlobal(),
    mvs.SemiGlobal(p1=0.01, p2=0.01, max_cost=0.3),
    mvs.SemiGlobal(p1=0.5, p2=6.96, max_cost=2.0),
]


def noisy_costs(shape, seed=0):
    """With surfaces and whole pixels that have none."""
    rng = np.random.default_rng(seed)
    costs = rng.random(shape, np.float32) * np.float32(1.3)
    costs[rng.random(shape) < 0.1] = np.nan
    costs[:, rng.random(shape[1:]) < 0.1] = np.nan
    return costs


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 1, 9), (4, 9, 1), (70, 5, 12), (128, 3, 8), (3, 40, 9)])
def test_equals_the_reference(device, shape):
    costs = noisy_costs(shape)
    for smoothing in SETTINGS:
        expected = reference.smooth_costs(costs, smoothing)
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(device.get(mvs.smooth_costs(device.put(costs), smoothing)), expected)


def test_same_bits_for_every_thread_count_and_memory():
    costs = noisy_costs((33, 133, 50))
    expected = mvs.smooth_costs(costs, num_threads=1)
    for threads in (1, 2, 5):
        for max_bytes in (1, 900_000, 1 << 40):  # bands of 32 and of 64 rows, and everything at once
            smoothing = mvs.SemiGlobal(max_bytes=max_bytes)
            np.testing.assert_array_equal(mvs.smooth_costs(costs, smoothing, num_threads=threads), expected)


DIGEST = """
import hashlib, numpy as np
from fastcv import mvs
rng = np.random.default_rng(0)
images = [rng.integers(0, 256, (45, 60), np.uint8) for _ in range(3)]
images[0][10:30, 10:40] = 100
K = [[60.0, 0, 30], [0, 60.0, 22], [0, 0, 1]]
views = [mvs.View(image, K, np.c_[np.eye(3), [0.2 * i, 0.1 * i, 0]]) for i, image in enumerate(images)]
digest = hashlib.sha256()
for cost in ("ncc", "sad", "census", "gradient"):
    for num in (20, 70):
        depths = mvs.inverse_depth_planes(1.0, 8.0, num)
        result = mvs.estimate_depth(views[0], views[1:], depths, cost=cost, smoothing=mvs.SemiGlobal())
        digest.update(b"".join(np.nan_to_num(field).tobytes() for field in result))
print(digest.hexdigest())
"""


def test_same_bits_on_every_instruction_set():
    digests = set()
    for isa in ("v2", "v3", "v4"):
        env = {**os.environ, "FASTCV_ISA": isa}
        command = [sys.executable, "-c", DIGEST]
        digests.add(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


@pytest.mark.parametrize("cost", ["ncc", "sad", "census", "gradient"])
@pytest.mark.parametrize("max_bytes", [1, 1 << 30])
def test_one_step_equals_three(scene, cost, max_bytes):
    """Where sources see the pixel; elsewhere there is no depth. SAD and gradient have their own default max_cost."""
    smoothing = mvs.SemiGlobal(max_bytes=max_bytes)
    max_cost = {"ncc": 1.0, "census": 0.5}.get(cost, 0.25)
    for depths in (DEPTHS, mvs.SlantedPlanes([0.2, -0.1, 1], np.linspace(2.5, 8, 24))):
        options = {"cost": cost, "window": 5}
        costs = mvs.plane_sweep(scene.views[0], scene.views[1:], depths, **options)
        expected = mvs.winner_take_all(mvs.smooth_costs(costs, smoothing._replace(max_cost=max_cost)), depths, K=K)
        result = mvs.estimate_depth(scene.views[0], scene.views[1:], depths, smoothing=smoothing, **options)
        found = result.depth > 0
        assert found.mean() > 0.95
        for a, b in zip(result, expected, strict=True):
            np.testing.assert_array_equal(a[found], b[found])


def bare_wall():
    """Three views, side by side, of a wall at depth 4 whose middle has no texture; 8 pixels from one to the next."""
    rng = np.random.default_rng(1)
    wall = rng.integers(0, 256, (60, 120), np.uint8)
    wall[20:40, 40:70] = 128
    intrinsics = [[64.0, 0, 40], [0, 64.0, 30], [0, 0, 1]]
    return [
        mvs.View(wall[:, 16 + shift : 96 + shift].copy(), intrinsics, np.c_[np.eye(3), [-shift / 16, 0, 0]])
        for shift in (0, -8, 8)
    ]


def test_a_bare_wall_is_filled():
    views = bare_wall()
    depths = mvs.inverse_depth_planes(2.0, 10.0, 21)  # 4 is one of them
    plain = mvs.estimate_depth(views[0], views[1:], depths)
    smooth = mvs.estimate_depth(views[0], views[1:], depths, smoothing=mvs.SemiGlobal())
    bare = (slice(24, 36), slice(28, 50))  # windows that see nothing else
    assert (plain.depth[bare] == 0).all()
    assert np.abs(smooth.depth[bare] - 4).max() < 0.1  # a plane further is 4.35
    # Two thirds are all that neighbours can give.
    assert (smooth.confidence[bare] > 0.1).all()
    assert smooth.confidence[bare].max() < 2 / 3
    assert np.median(smooth.confidence[:16]) > 0.8
    assert np.abs(smooth.depth[4:56, 4:76] - 4).max() < 0.1


def test_nothing_where_nobody_sees_it():
    """Of a wall at depth 4 a source whose camera stands 20 pixels to the right does not see the left 20 columns."""
    views = bare_wall()
    right = mvs.View(np.roll(views[0].image, -20, 1), views[0].K, np.c_[np.eye(3), [-1.25, 0, 0]])
    depths = mvs.inverse_depth_planes(3.5, 4.5, 9)
    depth = mvs.estimate_depth(views[0], [right], depths, smoothing=mvs.SemiGlobal()).depth
    assert (depth[:, :17] == 0).all()  # at 4.5 they would move by 17.8
    assert (np.abs(depth[:, 25:] - 4) < 0.2).mean() > 0.95


def test_masked_pixels_have_none():
    views = bare_wall()
    mask = np.random.default_rng(0).random(views[0].image.shape) > 0.2
    depths = mvs.inverse_depth_planes(2.0, 10.0, 21)
    result = mvs.estimate_depth(views[0]._replace(mask=mask), views[1:], depths, window=9, smoothing=mvs.SemiGlobal())
    assert (result.depth[~mask] == 0).all()
    assert (result.confidence[~mask] == 0).all()
    assert np.isnan(result.cost[~mask]).all()
    assert (np.abs(result.depth[mask] - 4) < 0.1).mean() > 0.97


def test_no_texture_at_all():
    views = [view._replace(image=np.full_like(view.image, 90)) for view in bare_wall()]
    result = mvs.estimate_depth(views[0], views[1:], DEPTHS, smoothing=mvs.SemiGlobal())
    assert (result.depth == 0).all()
    assert (result.confidence == 0).all()


def test_torch_strided_and_out():
    torch = pytest.importorskip("torch")
    costs = noisy_costs((9, 20, 30))
    expected = mvs.smooth_costs(costs)
    assert isinstance(mvs.smooth_costs(torch.from_numpy(costs)), torch.Tensor)
    np.testing.assert_array_equal(mvs.smooth_costs(torch.from_numpy(costs)), expected)
    wide = np.repeat(costs, 2, axis=2)
    wide.flags.writeable = False
    out = np.empty_like(costs)
    assert mvs.smooth_costs(wide[..., ::2], out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"costs": np.zeros((4, 5))}, ValueError, "costs: expected shape"),
        ({"costs": np.zeros((4, 5, 6))}, TypeError, "costs: expected dtype float32, got float64"),
        ({"smoothing": mvs.SemiGlobal(p1=0.0)}, ValueError, r"0 < p1 <= p2 <= 6.97, got 0.0 and 1.5"),
        ({"smoothing": mvs.SemiGlobal(p1=0.5, p2=0.2)}, ValueError, "smoothing: expected penalties"),
        ({"smoothing": mvs.SemiGlobal(p2=7.0)}, ValueError, "smoothing: expected penalties"),
        ({"smoothing": mvs.SemiGlobal(p2=float("nan"))}, ValueError, "smoothing: expected penalties"),
        ({"smoothing": mvs.SemiGlobal(max_cost=0.0)}, ValueError, "smoothing.max_cost: expected a finite number above"),
        ({"smoothing": mvs.SemiGlobal(max_cost=float("inf"))}, ValueError, "smoothing.max_cost: expected"),
        ({"costs": np.zeros((16385, 1, 1), np.float32)}, ValueError, "depths: expected at most 16384 surfaces"),
        ({"out": np.zeros((4, 5, 7), np.float32)}, ValueError, "out: expected shape"),
        ({"num_threads": -1}, ValueError, "num_threads: expected 0"),
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        mvs.smooth_costs(**{"costs": np.zeros((4, 5, 6), np.float32), **change})


@pytest.mark.parametrize("max_bytes", [1, 1 << 30])
def test_in_place(max_bytes):
    """Bands below are written while the costs of those above are still needed."""
    costs = noisy_costs((9, 100, 30))
    expected = mvs.smooth_costs(costs)
    mvs.smooth_costs(costs, mvs.SemiGlobal(max_bytes=max_bytes), out=costs)
    np.testing.assert_array_equal(costs, expected)


def test_ranges_are_refused(scene):
    depth = scene.depths[0].astype(np.float32)
    surfaces = mvs.DepthRange(depth * np.float32(0.9), depth * np.float32(1.1), 7)
    with pytest.raises(ValueError, match="depths: expected planes beside smoothing, got DepthRange"):
        mvs.estimate_depth(scene.views[0], scene.views[1:], surfaces, smoothing=mvs.SemiGlobal())
