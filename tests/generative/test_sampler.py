# SPDX-License-Identifier: Apache-2.0
"""The loop around the tables: batches, slices, saved states, dtypes, failures, bad input."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import numpy as np
import pytest
import torch

import fastcv
from fastcv import ode
from fastcv.generative import SOLVERS, Path, Sampler, SamplerState

PATH = Path.vp()
TIMES = np.linspace(1, 0.02, 13)


def model(x: Any, t: Any) -> Any:
    """Some smooth network that looks at single elements: a sample's result depends on no other."""
    t = t.reshape(-1, *[1] * (len(x.shape) - 1))
    return 0.6 * x / (1 + x * x) + 0.3 * x * t


def sampler_of(solver: str, **options: Any) -> Sampler:
    return Sampler(PATH, TIMES, solver=solver, prediction="epsilon", **options)


@pytest.fixture
def start() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((5, 3, 4))


@pytest.mark.parametrize("solver", SOLVERS)
def test_slices_and_saved_states_go_on_with_the_same_bits(start, solver, tmp_path):
    """Half the way together, then one part straight on, another from a file, another in another order."""
    sampler = sampler_of(solver)
    whole = sampler.sample(model, start, seed=4)
    state = sampler.advance(model, sampler.start(start, seed=4), 6)
    part = sampler.advance(model, state[1:3])
    np.testing.assert_array_equal(part.x, whole[1:3])
    state[[4, 0]].save(tmp_path / "state.npz")
    again = sampler.advance(model, SamplerState.load(tmp_path / "state.npz"))
    np.testing.assert_array_equal(again.x, whole[[4, 0]])
    mask = np.array([True, False, False, True, False])
    np.testing.assert_array_equal(sampler.advance(model, state[mask]).x, whole[[0, 3]])
    np.testing.assert_array_equal(sampler.advance(model, state[2]).x, whole[2:3])
    np.testing.assert_array_equal(sampler.advance(model, state).x, whole)


@pytest.mark.parametrize("solver", ["dpm_solver_sde", "unipc"])
def test_slices_keep_their_grids(start, solver, tmp_path):
    grids = np.linspace(np.linspace(1, 0.9, 5), 0.02, 8, axis=1)
    sampler = Sampler(PATH, grids, solver=solver, prediction="epsilon")
    whole = sampler.sample(model, start, seed=4)
    state = sampler.advance(model, sampler.start(start, seed=4), 3)
    state[3:].save(tmp_path / "state.npz")
    again = sampler.advance(model, SamplerState.load(tmp_path / "state.npz"))
    np.testing.assert_array_equal(again.x, whole[3:])
    chosen = sampler.start(start[[2]], seed=4, sample_ids=[2], rows=[2])
    np.testing.assert_array_equal(sampler.advance(model, chosen).x, whole[[2]])


@pytest.mark.parametrize("solver", SOLVERS)
def test_torch_gives_what_numpy_gives(start, solver):
    ours = sampler_of(solver).sample(model, start.astype(np.float32), seed=2)
    with torch.no_grad():
        theirs = sampler_of(solver).sample(model, torch.tensor(start, dtype=torch.float32), seed=2)
    assert theirs.dtype == torch.float32
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=2e-5, atol=2e-5)  # the model's own rounding differs


ON_A_GPU = pytest.mark.parametrize("device", [pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True)


@ON_A_GPU
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_gpu_gives_what_numpy_gives(start, device, solver):
    ours = sampler_of(solver).sample(model, start.astype(np.float32), seed=2)
    theirs = sampler_of(solver).sample(model, device.put(start.astype(np.float32)), seed=2)
    np.testing.assert_allclose(device.get(theirs), ours, rtol=2e-5, atol=2e-5)


@ON_A_GPU
@pytest.mark.parametrize("solver", ["unipc", "dpm_solver_sde"])
def test_a_loop_in_one_graph(start, device, solver):
    """Prepared by one run, captured in the second, replayed with another start."""
    sampler, x = sampler_of(solver), device.put(start.astype(np.float32))
    state = sampler.advance(model, sampler.start(x))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        sampler.advance(model, sampler.restart(state, x))
    x.mul_(0.5)
    graph.replay()
    np.testing.assert_array_equal(device.get(state.x), device.get(sampler.sample(model, x)))


def test_the_state_is_wider_than_a_model_of_16_bits(start):
    """bfloat16 outputs with a float32 state; the start's dtype does not decide."""
    narrow = torch.tensor(start).to(torch.bfloat16)

    def narrow_model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        assert x.dtype == t.dtype == torch.float32
        return model(x, t).to(torch.bfloat16)

    result = sampler_of("unipc").sample(narrow_model, narrow)
    assert result.dtype == torch.float32
    exact = sampler_of("unipc").sample(model, narrow.double())
    assert (result - exact).abs().max() < 2**-8 * exact.abs().max()  # bfloat16 keeps eight bits


def test_same_bits_for_every_number_of_threads(start):
    x = np.tile(start.astype(np.float32), (1, 100, 100))
    results = [sampler_of("dpm_solver_sde", num_threads=n).sample(model, x) for n in (1, 2, 5)]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_the_start_is_left_alone_and_a_state_is_used_again(start):
    sampler, kept = sampler_of("dpm_solver"), start.copy()
    state = sampler.advance(model, sampler.start(start))
    np.testing.assert_array_equal(start, kept)
    first = state.x.copy()
    buffer, prepared = state.x, dict(state.prepared)
    sampler.advance(model, sampler.restart(state, start))
    assert state.x is buffer
    assert state.prepared == prepared
    np.testing.assert_array_equal(state.x, first)


def test_a_restart_with_another_seed(start):
    sampler = sampler_of("ddpm")
    state = sampler.advance(model, sampler.start(start, seed=1))
    again = sampler.advance(model, sampler.restart(state, start, seed=2)).x
    np.testing.assert_array_equal(again, sampler.sample(model, start, seed=2))


def test_a_model_that_fails_on_a_sample(start, caplog):
    def failing(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        output = model(x, t)
        if t[0] < 0.5:
            output[1] = np.nan
        return output

    sampler = sampler_of("unipc")
    whole = sampler.sample(model, start)
    with caplog.at_level(logging.WARNING, "fastcv.generative.sampler"):
        result = sampler.sample(failing, start)
    assert caplog.messages == ["1 of 5 samples are not finite: [1]"]
    np.testing.assert_array_equal(result[[0, 2, 3, 4]], whole[[0, 2, 3, 4]])
    state = sampler.advance(failing, sampler.start(start))
    np.testing.assert_array_equal(state.failed, [False, True, False, False, False])


@pytest.mark.parametrize("solver", ["ddim", "ddpm", "euler_ancestral", "dpm_solver", "dpm_solver_sde", "unipc"])
def test_thresholded_data(start, solver):
    """A threshold that no estimate reaches changes nothing but rounding; one that is reached bounds the samples."""
    options = {"solver": solver, "prediction": "data"}
    plain = Sampler(PATH, TIMES, **options).sample(lambda x, _t: x / 100, start, seed=1)
    within = Sampler(PATH, TIMES, threshold=(1.0, 1.0), **options).sample(lambda x, _t: x / 100, start, seed=1)
    np.testing.assert_allclose(within, plain, rtol=1e-12, atol=1e-12)
    wild = Sampler(PATH, TIMES, threshold=(0.9, 2.0), **options).sample(lambda x, _t: 3 * x, start, seed=1)
    assert np.abs(wild).max() < 2 < np.abs(Sampler(PATH, TIMES, **options).sample(lambda x, _t: 3 * x, start)).max()


def test_thresholded_ddim_by_hand(start):
    x = 3 * start
    result = Sampler(PATH, TIMES, solver="ddim", prediction="epsilon", threshold=(0.9, 2.0)).sample(model, x)
    for t, s in itertools.pairwise(TIMES):
        (a, a_next), (v, v_next) = PATH.at(np.array([t, s]))
        data, _ = ode.dynamic_threshold((x - v * model(x, np.full(5, t))) / a, ratio=0.9, maximum=2.0)
        x = a_next * data + v_next * (x - a * data) / v
    np.testing.assert_allclose(result, x, rtol=1e-11, atol=1e-11)


def test_odd_batches(start):
    assert sampler_of("unipc").sample(model, np.zeros((0, 3))).shape == (0, 3)
    one = sampler_of("unipc").sample(model, start[:1, :1, :1])
    np.testing.assert_array_equal(one, sampler_of("unipc").sample(model, start)[:1, :1, :1])
    strided = start.transpose(2, 0, 1)[::2]
    np.testing.assert_array_equal(
        sampler_of("unipc").sample(model, strided), sampler_of("unipc").sample(model, strided.copy())
    )
    np.testing.assert_array_equal(
        sampler_of("euler").sample(model, [[0.5, 1.0]]), sampler_of("euler").sample(model, np.array([[0.5, 1.0]]))
    )


def test_outputs_in_another_order():
    x = np.random.default_rng(2).standard_normal((2, 3, 4, 5)).astype(np.float32)
    sampler = sampler_of("dpm_solver")
    expected = sampler.sample(model, x)
    np.testing.assert_array_equal(sampler.sample(lambda x, t: np.asfortranarray(model(x, t)), x), expected)
    plain = sampler.sample(model, torch.tensor(x))
    last = sampler.sample(lambda x, t: model(x, t).to(memory_format=torch.channels_last), torch.tensor(x))
    assert torch.equal(plain, last)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((2, 3), int), TypeError, "x: expected a floating dtype, got int64"),
        (torch.ones((2, 3), dtype=torch.int32), TypeError, "x: expected a floating dtype, got int32"),
        (np.array(1.0), ValueError, r"x: expected shape \(B, ...\)"),
    ],
)
def test_guards_of_the_start(x, error, message):
    with pytest.raises(error, match=message):
        sampler_of("unipc").sample(model, x)


def test_guards_of_rows(start):
    sampler = Sampler(PATH, np.stack([TIMES, TIMES]), solver="ddim", prediction="epsilon")
    with pytest.raises(ValueError, match="times: expected a row for each of 5 samples, got 2"):
        sampler.start(start)
    with pytest.raises(ValueError, match="rows: expected a row from 0 to 1 for each of 1 samples"):
        sampler.start(start[:1], rows=[2])
    with pytest.raises(ValueError, match=r"sample_ids: expected shape \(2,\), got \(3,\)"):
        sampler.start(start[:2], sample_ids=[1, 2, 3])


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        (lambda x: x[:1], ValueError, r"model_output: expected an array of shape \(5, 3, 4\), got ndarray of shape"),
        (lambda x: torch.tensor(x), ValueError, "model_output: expected an array of shape .* got Tensor"),
        (lambda x: x.astype(int), TypeError, "model_dtype: expected float64"),
        (lambda _x: 3.0, TypeError, "model_output: expected an array"),
        (lambda _x: None, TypeError, "model_output: expected an array"),
    ],
)
def test_guards_of_the_model(start, output, error, message):
    with pytest.raises(error, match=message):
        sampler_of("unipc").sample(lambda x, _t: output(x), start)


def test_guards_of_states(start, tmp_path):
    state = sampler_of("unipc").start(start)
    with pytest.raises(ValueError, match="state: expected one of this sampler"):
        sampler_of("ddim").advance(model, state)
    state.save(tmp_path / "state.npz")
    with pytest.raises(ValueError, match="state: expected one of this sampler"):
        sampler_of("unipc", order=3).advance(model, SamplerState.load(tmp_path / "state.npz"))
    with pytest.raises(ValueError, match="threshold: expected a solver on estimates of data, got heun"):
        sampler_of("heun", threshold=(0.9, 1.0))
    with pytest.raises(ValueError, match="num_threads: expected 0"):
        sampler_of("euler", num_threads=-1).sample(model, start)


def test_rooms():
    assert fastcv.generative.Sampler is Sampler
    assert fastcv.ode.step is ode.step
