# SPDX-License-Identifier: Apache-2.0
"""Adam against its definition in float64, and what is beyond torch's."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from fastcv.nerf import adam_step, mark_nonfinite

OPTIONS = {"rate": 0.02, "betas": (0.8, 0.97), "eps": 1e-6, "decay": 0.1}


def start(shape, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32), *np.zeros((2, *shape), np.float32), np.zeros(1, np.float32)]


def definition(x, g, m, v, step, rate, betas, eps, decay):
    """Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2. The state after step number `step`."""
    x = x - rate * decay * x
    m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
    return x - rate * (m / (1 - betas[0] ** step)) / (np.sqrt(v / (1 - betas[1] ** step)) + eps), m, v


@pytest.mark.parametrize("shape", [(0,), (1,), (15,), (16,), (17,), (33, 3), (2, 5, 7)])
def test_steps(shape, device):
    x, m, v, step = (device.put(array) for array in start(shape))
    exact = [np.float64(device.get(array)) for array in (x, m, v)]
    rng = np.random.default_rng(1)
    for k in range(20):
        g = rng.normal(size=shape).astype(np.float32)
        adam_step(x, device.put(g), m, v, step, **OPTIONS)
        exact = definition(exact[0], g.astype(float), *exact[1:], k + 1, **OPTIONS)
    for ours, theirs in zip((x, m, v), exact, strict=True):
        np.testing.assert_allclose(device.get(ours), theirs, rtol=0, atol=2e-6)  # 20 roundings of numbers of size 3
    assert device.get(step)[0] == 20


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8, 16, 20, 32])
def test_rows_without_gradient_stay(width, device):
    """Bit for bit, moments and decay included; the others move as if there were no others."""
    rng = np.random.default_rng(2)
    touched = rng.random(501) < 0.3
    g = rng.normal(size=(501, width)).astype(np.float32)
    g[rng.random(g.shape) < 0.4] = 0  # a row is touched where any of its gradients is not 0
    g[~touched] = 0
    touched = g.any(axis=1)
    before = start((501, width))
    before[1], before[2] = rng.normal(size=g.shape).astype(np.float32), rng.random(g.shape, np.float32)
    dense, sparse = [[device.put(array.copy()) for array in before] for _ in range(2)]
    grads = device.put(g.copy())
    adam_step(dense[0], device.put(g), *dense[1:], **OPTIONS)
    adam_step(sparse[0], grads, *sparse[1:], skip_untouched=True, zero_gradients=True, **OPTIONS)
    for old, all_moved, some_moved in zip(before[:3], dense, sparse, strict=False):
        np.testing.assert_array_equal(device.get(some_moved)[touched], device.get(all_moved)[touched])
        np.testing.assert_array_equal(device.get(some_moved)[~touched], old[~touched])
    assert (device.get(dense[0])[~touched] != before[0][~touched]).all()
    assert not device.get(grads).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_half_precision(dtype, device):
    """Gradients and copies in it; the arithmetic is that of float32."""
    torch = pytest.importorskip("torch")
    kind = getattr(torch, dtype)
    arrays = [torch.tensor(array, device=device.name) for array in start((41, 3))]
    wide = [array.clone() for array in arrays]
    g = torch.randn((41, 3), generator=torch.Generator().manual_seed(0)).to(device.name, kind)
    copy = None if dtype == "float32" else torch.empty((41, 3), dtype=kind, device=device.name)
    adam_step(arrays[0], g, *arrays[1:], copy=copy, **OPTIONS)
    adam_step(wide[0], g.float(), *wide[1:], **OPTIONS)
    assert all(torch.equal(a, b) for a, b in zip(arrays, wide, strict=True))
    assert copy is None or torch.equal(copy, arrays[0].to(kind))
    adam_step(arrays[0], g, *arrays[1:], zero_gradients=True, **OPTIONS)
    assert not g.any()


def test_scale_rate_and_what_is_not_finite(device):
    g = np.random.default_rng(3).normal(size=100).astype(np.float32)
    one = lambda value: device.put(np.float32([value]))  # noqa: E731
    plain, scaled = [[device.put(array.copy()) for array in start((100,))] for _ in range(2)]
    adam_step(plain[0], device.put(g), *plain[1:], **OPTIONS)
    adam_step(scaled[0], device.put(g * 1024), *scaled[1:], scale=one(1024), **{**OPTIONS, "rate": one(0.02)})
    np.testing.assert_array_equal(device.get(plain[1]), device.get(scaled[1]))  # 1024 is a power of two
    np.testing.assert_allclose(device.get(plain[0]), device.get(scaled[0]), rtol=0, atol=1e-7)  # 0.02 in 24 bits

    grads, found = device.put(g.copy()), one(0)
    mark_nonfinite(grads, found)
    assert device.get(found)[0] == 0
    for value in (np.inf, -np.inf, np.nan):
        for place in (0, 37, 99):
            bad, found = g.copy(), one(0)
            bad[place] = value
            mark_nonfinite(device.put(bad), found)
            assert device.get(found)[0] == 1
    mark_nonfinite(grads, found)
    assert device.get(found)[0] == 1  # stays
    before = [device.get(array).copy() for array in plain]
    adam_step(plain[0], grads, *plain[1:], found_inf=found, zero_gradients=True, **OPTIONS)
    for old, array in zip(before, plain, strict=True):
        np.testing.assert_array_equal(device.get(array), old)
    assert not device.get(grads).any()


def test_threads_change_no_bit():
    results = []
    for threads in (1, 2, 8):
        arrays = start((100_001, 2))
        g = np.random.default_rng(4).normal(size=(100_001, 2)).astype(np.float32)
        g[::3] = 0
        for skip in (False, True):
            adam_step(arrays[0], g, *arrays[1:], skip_untouched=skip, num_threads=threads, **OPTIONS)
        found = np.zeros(1, np.float32)
        g[-1] = np.nan
        mark_nonfinite(g, found, num_threads=threads)
        results.append((*arrays, found))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert results[0][-1] == 1


SCRIPT = """
import hashlib, numpy as np
from fastcv.nerf import adam_step
digest, rng = hashlib.sha256(), np.random.default_rng(0)
for width in (1, 2, 3, 8):
    for dtype in (np.float32, np.float16):
        x, step = rng.random((99, width), np.float32), np.zeros(1, np.float32)
        m, v = np.zeros((2, 99, width), np.float32)
        copy = np.empty((99, width), np.float16)
        for k in range(4):
            g = rng.normal(size=(99, width)).astype(dtype) * (rng.random((99, 1)) < 0.5).astype(dtype)
            adam_step(x, g, m, v, step, rate=0.01, decay=0.1, copy=copy, skip_untouched=k > 1)
        for array in (x, m, v, copy):
            digest.update(array.tobytes())
print(digest.hexdigest())
"""


def digest(isa: str) -> str:
    environment = {**os.environ, "FASTCV_ISA": isa} if isa else {**os.environ}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_instruction_sets_change_no_bit():
    assert digest("v2") == digest("v3") == digest("")


def test_bad_arguments():
    x, m, v, step = start((4, 2))
    g = np.zeros((4, 2), np.float32)
    with pytest.raises(TypeError, match=r"^parameters: expected dtype float32, got float64$"):
        adam_step(x.astype(float), g, m, v, step, rate=1)
    with pytest.raises(ValueError, match=r"^first_moments: expected shape \(4, 2\), got \(3, 2\)$"):
        adam_step(x, g, m[1:], v, step, rate=1)
    with pytest.raises(TypeError, match=r"^gradients: expected dtype float32 or float16 or bfloat16, got float64$"):
        adam_step(x, g.astype(float), m, v, step, rate=1)
    with pytest.raises(ValueError, match=r"^gradients: expected a writeable C-contiguous array, got one that is not$"):
        adam_step(x, np.asfortranarray(g), m, v, step, rate=1)
    with pytest.raises(TypeError, match=r"^copy: expected dtype float16 or bfloat16, got float32$"):
        adam_step(x, g, m, v, step, rate=1, copy=g)
    with pytest.raises(ValueError, match=r"^step: expected shape \(1,\), got \(\)$"):
        adam_step(x, g, m, v, np.zeros((), np.float32), rate=1)
    with pytest.raises(ValueError, match=r"^betas\[1\]: expected 0 to 1 without 1, got 1.0$"):
        adam_step(x, g, m, v, step, rate=1, betas=(0.9, 1.0))
    with pytest.raises(ValueError, match=r"^parameters: expected shape \(rows, columns\) where rows are skipped, got"):
        adam_step(*(a.ravel() for a in (x, g, m, v)), step, rate=1, skip_untouched=True)
    x.flags.writeable = False
    with pytest.raises(ValueError, match=r"^parameters: expected a writeable C-contiguous array, got one that is not$"):
        adam_step(x, g, m, v, step, rate=1)
