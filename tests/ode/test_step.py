# SPDX-License-Identifier: Apache-2.0
"""The pass of a sampler against numpy in float64: every count of arrays, every dtype, in place, with bad input."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from fastcv import ode
from fastcv.ode import _reference as reference

# Half a unit in the last place of the result, and rounding of the sums in float32.
TOLERANCE = {"float64": 1e-14, "float32": 4e-7, "float16": 6e-4, "bfloat16": 4.5e-3}


def arrays(count: int, shape: tuple[int, ...], dtype: str = "float32", seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("num_outputs", [1, 2, 3])
@pytest.mark.parametrize("num_inputs", range(1, 9))
def test_every_number_of_arrays(device, num_inputs, num_outputs, dtype):
    rng = np.random.default_rng(num_inputs)
    inputs = arrays(num_inputs, (3, 7, 13), dtype)
    coefficients = rng.standard_normal((3, num_outputs, num_inputs))
    earlier = np.tril(rng.standard_normal((num_outputs, num_outputs)), -1)
    results = ode.step([device.put(a) for a in inputs], coefficients, earlier=earlier)
    expected = reference.step([a.reshape(3, -1) for a in inputs], coefficients, earlier=earlier)
    for result, truth in zip(results, expected, strict=True):
        scale = np.abs(truth).max() * num_inputs
        np.testing.assert_allclose(device.get(result).reshape(3, -1), truth, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100, 128, 129, 1537])
def test_small_floats(dtype, size):
    """A model's output of 16 bits with a float32 state: the sum is that of float32."""
    model = torch.randn((4, size), generator=torch.Generator().manual_seed(1)).to(getattr(torch, dtype))
    x = torch.randn((4, size), generator=torch.Generator().manual_seed(2))
    narrow = torch.empty((4, size), dtype=getattr(torch, dtype))
    wide = torch.empty((4, size))
    ode.step([x, model], [[1.5, -0.25], [1.5, -0.25]], out=[wide, narrow])
    expected = 1.5 * x.double() - 0.25 * model.double()
    assert (wide.double() - expected).abs().max() <= 4 * TOLERANCE["float32"]
    assert torch.equal(narrow, wide.to(narrow.dtype))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_small_floats_convert_as_torch_does(dtype):
    """Every 16-bit number there and back, and floats around every rounding boundary: ties, subnormals, infinities."""
    kind = getattr(torch, dtype)
    every = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(kind)[None]
    as_float = every.float()
    widened, narrowed = torch.empty_like(as_float), torch.empty_like(every)
    ode.step([every], [[1.0]], out=[widened])
    torch.testing.assert_close(widened, as_float, rtol=0, atol=0, equal_nan=True)
    finite = as_float[as_float.isfinite()]
    neighbours = torch.cat([finite, torch.nextafter(finite, torch.tensor(np.inf)), finite * (1 + 2**-9), finite * 1.3])
    half_way = ((finite[1:] + finite[:-1]) / 2)[None, :]
    for floats in (neighbours[None], half_way, as_float):
        narrowed = torch.empty(floats.shape, dtype=kind)
        ode.step([floats], [[1.0]], out=[narrowed])
        torch.testing.assert_close(narrowed, floats.to(kind), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 64, 128, 129, 511, 512, 513, 70000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_noise_and_rows_of_each_sample(device, size, dtype):
    B = 5
    x, m = arrays(2, (B, size), dtype)
    rng = np.random.default_rng(size)
    coefficients, noise = rng.standard_normal((B, 2, 2)), rng.standard_normal((B, 2))
    ids = np.array([3, 2**40, 0, 17, 2**31])
    y, w = device.put(np.empty_like(x)), device.put(np.empty_like(x))
    ode.step(
        [device.put(x), device.put(m)], coefficients, out=[y, w], noise=noise, seed=2**63 + 5, sample_ids=ids, number=9
    )
    z = reference.normals(size, 2**63 + 5, ids, 9)
    expected = reference.step([x, m], coefficients, noise, z=z)
    for result, truth in zip((y, w), expected, strict=True):  # the noise's own error is 2e-6 at most
        np.testing.assert_allclose(device.get(result), truth, rtol=0, atol=1e-5)


def test_in_place_on_any_input(device):
    x, m, d = arrays(3, (2, 1000))
    expected = reference.step([x, m, d], [[1, 2, 3], [4, 5, 6]])
    on_device = [device.put(a) for a in (x, m, d)]
    ode.step(on_device, [[1, 2, 3], [4, 5, 6]], out=[on_device[0], on_device[2]])
    np.testing.assert_allclose(device.get(on_device[0]), expected[0], atol=1e-5)
    np.testing.assert_allclose(device.get(on_device[2]), expected[1], atol=1e-5)
    np.testing.assert_array_equal(device.get(on_device[1]), m)


def test_clip_comes_before_later_outputs_and_keeps_nan():
    x = np.array([[-3.0, -0.5, 0.5, 3.0, np.nan]])
    y, w = ode.step([x], [[1.0], [0.0]], clip=[1.0, np.inf], earlier=[[0, 0], [2.0, 0]])
    np.testing.assert_array_equal(y, [[-1, -0.5, 0.5, 1, np.nan]])
    np.testing.assert_array_equal(w, [[-2, -1, 1, 2, np.nan]])


def test_an_output_that_is_not_stored():
    x = np.array([[-3.0, 0.5, 3.0]])
    out = np.empty_like(x)
    ode.step([x], [[1.0], [0.0]], out=[None, out], clip=[1.0, np.inf], earlier=[[0, 0], [2.0, 0]])
    np.testing.assert_array_equal(out, [[-2, 1, 2]])


@pytest.mark.parametrize(("shape", "per_sample"), [((7, 2), True), ((3, 400), False), ((2, 3, 50000), True)])
def test_same_bits_for_every_number_of_threads_and_batch(shape, per_sample):
    x, m = arrays(2, shape)
    coefficients = np.linspace(-1, 1, 2 * shape[0]).reshape(shape[0], 1, 2) if per_sample else [[0.3, 0.7]]

    def run(samples: slice, num_threads: int) -> tuple[bytes, bytes]:
        ids = np.arange(shape[0])[samples]
        rows = coefficients[samples] if per_sample else coefficients
        out = np.empty_like(x[samples])
        step = ode.Step(
            [x[samples], m[samples]],
            [out],
            rows,
            noise=[0.5],
            sample_ids=ids,
            seed=11,
            tolerance=(1e-3, 1e-2),
            num_threads=num_threads,
        )
        step.run()
        return out.tobytes(), step.norms.tobytes()

    whole = run(slice(None), 1)
    assert run(slice(None), 2) == whole
    assert run(slice(None), 5) == whole
    for b in range(shape[0]):
        alone, norm = run(slice(b, b + 1), 3)
        size = len(whole[0]) // shape[0]
        assert alone == whole[0][b * size : (b + 1) * size]
        assert norm == whole[1][8 * b : 8 * b + 8]


@pytest.mark.parametrize("size", [1, 3, 100, 512, 513, 4000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_error_norms(device, size, dtype):
    x, m = arrays(2, (4, size), dtype)
    out, error = device.put(np.empty_like(x)), device.put(np.empty_like(x))
    step = ode.Step([device.put(x), device.put(m)], [out, error], [[1, 0.1], [0.01, 0.02]], tolerance=(1e-3, 1e-2))
    step.run()
    y, e = reference.step([x, m], [[1, 0.1], [0.01, 0.02]])
    truth = reference.error_norms(x.astype(np.float64), y, e, 1e-3, 1e-2)
    np.testing.assert_allclose(device.get(step.norms), truth, rtol=1e-12 if dtype == "float64" else 1e-5)


def test_error_norms_of_a_step_in_place():
    """The state before the step counts in the norm, not what overwrites it."""
    x = np.array([[100.0, 1.0]])
    truth = reference.error_norms(x.copy(), np.zeros_like(x), 0.5 * x, 1.0, 1.0)
    step = ode.Step([x], [x, None], [[0.0], [0.5]], tolerance=(1.0, 1.0))
    step.run()
    np.testing.assert_allclose(step.norms, truth, rtol=1e-15)
    np.testing.assert_array_equal(x, 0)


def test_large_arrays_written_past_the_caches(device):
    """17 MB and an odd start: vectors before the first aligned one and after the last."""
    n = (17 << 20) // 4
    base = np.linspace(-1, 1, n + 3, dtype=np.float32)
    x, out = base[None, 1 : n + 2], np.empty((1, n + 3), np.float32)[:, 1 : n + 2]
    x = np.ascontiguousarray(x)
    ode.step([device.put(x)], [[2.0]], out=[shifted := device.put(out)])
    np.testing.assert_array_equal(device.get(shifted), 2 * x)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,)])
def test_empty(device, shape):
    x = np.ones(shape, np.float32)
    assert device.get(ode.step([device.put(x)], [[2.0]])[0]).shape == shape


def test_arrays_that_are_copied_first():
    x = np.arange(24.0).reshape(4, 6)
    x.flags.writeable = False
    np.testing.assert_array_equal(ode.step([x[:, ::2]], [[2.0]])[0], 2 * x[:, ::2])
    np.testing.assert_array_equal(ode.step([[[1.0, 2.0]]], [[2.0]])[0], [[2.0, 4.0]])


def test_one_prepared_step_for_many_outputs_of_a_model():
    x = np.ones((2, 3), np.float32)
    step = ode.Step([x], [x], [[0.5, 1.0]], model_dtype="float16")
    step.run(np.full((2, 3), 2, np.float16))
    step.run(np.full((2, 3), 4, np.float16))
    np.testing.assert_array_equal(x, 4)


SCRIPT = """
import hashlib, numpy as np, torch
from fastcv import ode
digest = hashlib.sha256()
for shape in ((50, 2), (3, 1001), (2, 70000)):
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        generator = torch.Generator().manual_seed(4)
        x, m = (torch.randn(shape, generator=generator).to(dtype) for _ in range(2))
        y, e = torch.empty_like(x), torch.empty_like(x)
        table = np.linspace(-1, 2, 4 * shape[0]).reshape(shape[0], 2, 2)
        step = ode.Step([x, m], [y, e], table, noise=[0.7, 0.1], seed=3, tolerance=(1e-2, 1e-2), clip=[2.0, 1.0])
        step.run()
        for array in (y, e, step.norms):
            digest.update(array.contiguous().view(torch.uint8).numpy().tobytes())
digest.update(ode.normals((3, 100001), seed=9).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_same_bits_on_every_instruction_set(isa):
    def digest(setting: dict[str, str]) -> str:
        environment = {**os.environ, **setting}
        return subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert digest({"FASTCV_ISA": isa}) == digest({})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": [np.ones((2, 3), int)]}, TypeError, "inputs.0.: expected dtype float64"),
        ({"inputs": [np.ones((2, 4))]}, ValueError, r"inputs.0.: expected shape \(2, 3\), got \(2, 4\)"),
        ({"inputs": [np.ones((2, 6))[:, ::2]]}, ValueError, "inputs.0.: expected a contiguous array"),
        ({"inputs": [torch.ones((2, 3))]}, TypeError, "expected a torch array"),
        ({"inputs": [np.ones((2, 3))] * 9}, ValueError, "inputs: expected at most 8, got 9"),
        ({"inputs": []}, ValueError, "inputs: expected at least one array or noise"),
        ({"outputs": []}, ValueError, "outputs: expected 1 to 3, got 0"),
        ({"outputs": [None]}, ValueError, "outputs: expected at least one array, got None alone"),
        ({"outputs": [np.array(1.0)]}, ValueError, r"outputs.0.: expected shape \(B, ...\), got \(\)"),
        ({"coefficients": [[1.0, 2.0]]}, ValueError, r"coefficients: expected shape \(1, 1\)"),
        ({"coefficients": np.ones((3, 1, 1))}, ValueError, r"or \(2, 1, 1\), got \(3, 1, 1\)"),
        ({"coefficients": [[np.nan]]}, ValueError, "coefficients: expected numbers, got NaN"),
        ({"noise": [1.0, 2.0]}, ValueError, "noise: expected shape"),
        ({"earlier": [[1.0]]}, ValueError, "earlier: expected zeros on and above the diagonal"),
        ({"clip": [0.0]}, ValueError, "clip: expected 1 positive numbers"),
        ({"clip": [1.0, 2.0]}, ValueError, "clip: expected 1 positive numbers"),
        ({"seed": -1}, ValueError, "seed: expected 0 to"),
        ({"number": 1 << 32}, ValueError, "number: expected 0 to"),
        ({"noise": [1.0], "sample_ids": [1, 2, 3]}, ValueError, r"sample_ids: expected shape \(2,\), got \(3,\)"),
        ({"noise": [1.0], "sample_ids": [0.5, 1]}, TypeError, "sample_ids: expected integers"),
        ({"tolerance": (0.0, 0.0)}, ValueError, "tolerance: expected two numbers"),
        ({"num_threads": -1}, ValueError, "num_threads: expected 0"),
        ({"model_dtype": "int8"}, TypeError, "model_dtype: expected float64"),
    ],
)
def test_guards(change, error, message):
    arguments = {"inputs": [np.ones((2, 3))], "outputs": [np.empty((2, 3))], "coefficients": [[1.0]]} | change
    with pytest.raises(error, match=message):
        ode.Step(arguments.pop("inputs"), arguments.pop("outputs"), arguments.pop("coefficients"), **arguments)


def test_guards_of_memory():
    buffer = np.zeros(9)
    x, shifted = buffer[:6].reshape(2, 3), buffer[3:].reshape(2, 3)
    with pytest.raises(ValueError, match=r"outputs.0.: expected memory of its own .* of inputs.0."):
        ode.Step([x], [shifted], [[1.0]])
    with pytest.raises(ValueError, match=r"outputs.0.: expected memory of its own .* of outputs.1."):
        ode.Step([np.ones((2, 3))], [x, x], [[1.0], [1.0]])
    with pytest.raises(ValueError, match="memory of its own"):
        ode.Step([x.view(np.float32)[:, :3].copy()], [x, x.view(np.float32).reshape(-1)[:6].reshape(2, 3)], [[1], [1]])
    read_only = np.zeros((2, 3))
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        ode.Step([x], [read_only], [[1.0]])


def test_guards_of_gradients():
    with pytest.raises(TypeError, match="expected a tensor without gradient"):
        ode.step([torch.ones((2, 3), requires_grad=True)], [[1.0]])


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        (None, ValueError, r"model_output: expected an array of shape \(2, 3\), got NoneType"),
        (np.ones((3, 2)), ValueError, r"got ndarray of shape \(3, 2\)"),
        (np.ones((2, 3), np.float32), TypeError, "model_output: expected dtype float64, got float32"),
        (np.ones((2, 6))[:, ::2], ValueError, "model_output: expected a contiguous array"),
        (torch.ones((2, 3), dtype=torch.float64), ValueError, "got Tensor of shape"),
        (3.0, ValueError, "got float"),
    ],
)
def test_guards_of_a_run(output, error, message):
    x = np.ones((2, 3))
    step = ode.Step([x], [x], [[1.0, 1.0]], model_dtype="float64")
    with pytest.raises(error, match=message):
        step.run(output)
