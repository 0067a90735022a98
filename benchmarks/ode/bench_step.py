# SPDX-License-Identifier: Apache-2.0
"""Steps of samplers without their model: one prepared step against torch, whole loops against diffusers."""

from __future__ import annotations

import functools
import importlib.util
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Check, Contest, Timing, case

from fastcv import ode
from fastcv.generative import Path, Sampler, scaled_linear_betas

SHAPES = {
    "1024x2": (1024, 2),
    "64x3x32x32": (64, 3, 32, 32),
    "16x4x64x64": (16, 4, 64, 64),
    "64x3x256x256": (64, 3, 256, 256),
}
NUM_STEPS = 20
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}


def repeats(shape: tuple[int, ...]) -> int:
    """Runs within one sample: some milliseconds of work, so that the clock's own cost does not show."""
    return max(1, 2_000_000 // math.prod(shape))


def repeated(run: Callable[[], Any], count: int) -> Callable[[], Timing]:
    """Seconds of one of ``count`` runs."""

    def measured() -> Timing:
        start = time.perf_counter()
        for _ in range(count):
            result = run()
        return Timing((time.perf_counter() - start) / count, result)

    return measured


def relative_to(tolerance: float) -> Check:
    """Largest difference in units of the largest result."""

    def check(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[str, bool]:
        error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
        return f"max difference {error:.1e} <= {tolerance:g} of the largest result", error <= tolerance

    return check


def same_distribution(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[str, bool]:
    """Both added noise of their own to the same mean: x and the model's output are one number everywhere."""
    n = ours.numel()
    mean, deviation = theirs.mean().item(), theirs.std().item()
    off = abs(ours.mean().item() - mean) / (deviation * math.sqrt(2 / n))
    wide = abs(ours.std().item() / deviation - 1) / math.sqrt(1 / n)
    return f"mean within {off:.1f} and deviation within {wide:.1f} of 5 standard errors", off < 5 and wide < 5


def euler_step(contest: Contest, shape: tuple[int, ...]) -> None:
    """Plain Euler, x + h v: the best that torch can do in one pass, and a copy that moves as many bytes."""
    if contest.quick and math.prod(shape) > 1 << 20:
        return
    generator = torch.Generator().manual_seed(0)
    x, v = (torch.randn(shape, generator=generator) for _ in range(2))
    out, theirs = torch.empty_like(x), torch.empty_like(x)
    step = ode.Step([x], [out], [[-0.05, 1.0]], model_dtype="float32")
    source, target = (torch.zeros(3 * x.numel() // 2) for _ in range(2))
    count = repeats(shape)
    contest.note(shape=shape, streams=3)
    contest.bound(read_write_bytes=12.0 * x.numel(), flops=2.0 * x.numel())

    def ours() -> torch.Tensor:
        step.run(v)
        return out

    def right(result: torch.Tensor, _theirs: Any) -> tuple[str, bool]:
        return relative_to(1e-6)(result, torch.add(x, v, alpha=-0.05))

    contest.ours(repeated(ours, count))
    add = repeated(lambda: torch.add(x, v, alpha=-0.05, out=theirs), count)
    contest.peer("torch.add", torch.__version__, add, check=right)
    copy = repeated(lambda: target.copy_(source), count)
    contest.peer("torch copy_, same bytes", torch.__version__, copy, check=right)


Scheduler = Callable[[Any], Any]

# Solver and options here; the scheduler there; whether each adds noise of its own.
LOOPS: dict[str, tuple[str, dict[str, Any], Scheduler, bool]] = {
    "ddim": ("ddim", {}, lambda d: d.DDIMScheduler(**BETAS, clip_sample=False), False),
    "dpm_solver_2m": ("dpm_solver", {}, lambda d: d.DPMSolverMultistepScheduler(**BETAS), False),
    "unipc_2": ("unipc", {}, lambda d: d.UniPCMultistepScheduler(**BETAS), False),
    "euler": (
        "euler",
        {"variable": "noise"},
        lambda d: d.EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1),
        False,
    ),
    "ddpm": ("ddpm", {}, lambda d: d.DDPMScheduler(**BETAS, clip_sample=False), True),
    "dpm_solver_sde_2m": (
        "dpm_solver_sde",
        {},
        lambda d: d.DPMSolverMultistepScheduler(**BETAS, algorithm_type="sde-dpmsolver++"),
        True,
    ),
    "flow_euler": ("euler", {}, lambda d: d.FlowMatchEulerDiscreteScheduler(shift=3.0), False),
}


def loop(contest: Contest, name: str, shape: tuple[int, ...]) -> None:
    """Twenty steps with a model that costs nothing: ours prepared once, theirs with ``set_timesteps`` done before."""
    if contest.quick and math.prod(shape) > 1 << 20:
        return
    if importlib.util.find_spec("diffusers") is None:
        contest.skip("diffusers is not installed")
        return
    diffusers = importlib.import_module("diffusers")
    solver, options, make, noisy = LOOPS[name]
    scheduler = make(diffusers)
    scheduler.set_timesteps(NUM_STEPS)
    flow = name == "flow_euler"
    path = Path.conditional_ot().reversed() if flow else Path.from_betas(scaled_linear_betas())
    times = scheduler.sigmas.double().numpy() if flow else np.r_[scheduler.timesteps.double().numpy(), -1.0]
    sampler = Sampler(path, times, solver=solver, prediction="velocity" if flow else "epsilon", **options)

    generator = torch.Generator().manual_seed(0)
    x, output = (torch.randn(shape, generator=generator) for _ in range(2))
    if noisy:
        x, output = torch.full(shape, 0.8), torch.full(shape, 0.6)
    scale = path.alpha(times[0]).item() if name == "euler" else 1.0  # theirs is x / α
    state = sampler.start(x)

    def ours() -> torch.Tensor:
        sampler.advance(lambda _x, _t: output, sampler.restart(state, x * scale if scale != 1 else x))
        return state.x

    def theirs() -> Timing:
        scheduler.set_timesteps(NUM_STEPS)
        sample, start = x, time.perf_counter()
        for t in scheduler.timesteps:
            if name == "euler":
                scheduler.scale_model_input(sample, t)
            sample = scheduler.step(output, t, sample).prev_sample
        return Timing(time.perf_counter() - start, sample)

    contest.note(shape=shape, steps=NUM_STEPS, prepared=True)
    check = same_distribution if noisy else relative_to(1e-4)
    contest.ours(ours)
    contest.peer("diffusers", diffusers.__version__, theirs, check=check)


for _label, _shape in SHAPES.items():
    globals()[f"euler_step_{_label}"] = case(functools.partial(euler_step, shape=_shape))
    for _name in LOOPS:
        globals()[f"{_name}_{_label}"] = case(functools.partial(loop, name=_name, shape=_shape))
