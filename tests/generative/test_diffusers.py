# SPDX-License-Identifier: Apache-2.0
"""Against the real schedulers of diffusers, where it is installed. Their schedules are float32, hence the tolerance."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from fastcv import ode
from fastcv.generative import Path, Sampler, scaled_linear_betas

pytestmark = pytest.mark.filterwarnings("ignore")

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}
SDE = {"algorithm_type": "sde-dpmsolver++"}

CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("DDIMScheduler", {"clip_sample": False}, "ddim", {}),
    ("DDPMScheduler", {"clip_sample": False}, "ddpm", {}),
    ("DDPMScheduler", {"clip_sample": True}, "ddpm", {"clip": 1.0}),
    ("DDPMScheduler", {"clip_sample": False, "variance_type": "fixed_large"}, "ddpm", {"variance": "large"}),
    ("EulerDiscreteScheduler", LEADING, "euler", {"variable": "noise"}),
    ("EulerAncestralDiscreteScheduler", LEADING, "euler_ancestral", {}),
    ("LMSDiscreteScheduler", LEADING, "adams_bashforth", {"variable": "noise"}),
    ("DPMSolverMultistepScheduler", {"solver_order": 2}, "dpm_solver", {"order": 2}),
    ("DPMSolverMultistepScheduler", {"solver_order": 3}, "dpm_solver", {"order": 3, "published": True}),
    ("DPMSolverMultistepScheduler", SDE, "dpm_solver_sde", {}),
    ("UniPCMultistepScheduler", {"solver_order": 2}, "unipc", {"order": 2}),
    ("UniPCMultistepScheduler", {"solver_order": 3}, "unipc", {"order": 3}),
]
OF_X_OVER_ALPHA = ("Euler", "LMS")  # schedulers whose samples are x / α


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return 0.7 * torch.sin(x) + 0.2 * x + 0.1 * torch.cos(t.to(x.dtype) / 100)[:, None]


@pytest.mark.parametrize(("name", "settings", "solver", "options"), CASES)
def test_same_samples(name, settings, solver, options, monkeypatch):
    diffusers = pytest.importorskip("diffusers")
    scheduler = getattr(diffusers, name)(**BETAS, **settings)
    scheduler.set_timesteps(20)
    steps: list[int] = []

    def our_noise(shape: tuple[int, ...], **_kwargs: Any) -> torch.Tensor:
        steps.append(len(steps))
        return torch.from_numpy(ode.normals(tuple(shape), seed=5, number=steps[-1], out=np.empty(tuple(shape))))

    monkeypatch.setattr(importlib.import_module(type(scheduler).__module__), "randn_tensor", our_noise, raising=False)
    x = torch.randn((4, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    times = np.r_[scheduler.timesteps.double().numpy(), -1.0]
    path = Path.from_betas(scaled_linear_betas())
    scale = path.alpha(times[0]).item() if name.startswith(OF_X_OVER_ALPHA) else 1.0
    ours = Sampler(path, times, solver=solver, prediction="epsilon", **options).sample(model, x * scale, seed=5)
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, t)
        x = scheduler.step(model(scaled, t.expand(4)), t, x).prev_sample
    assert (ours - x).abs().max() < 1e-5 * max(1.0, x.abs().max().item())


def test_flow_matching():
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(12)
    x = torch.randn((4, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    path = Path.conditional_ot().reversed()  # noise at 1, data at 0, and velocity = noise - data
    sampler = Sampler(path, scheduler.sigmas.double().numpy(), solver="euler", prediction="velocity")
    ours = sampler.sample(lambda x, t: model(x, 1000 * t), x)
    for t in scheduler.timesteps:
        x = scheduler.step(model(x, t.expand(4)), t, x).prev_sample
    assert (ours - x).abs().max() < 1e-5
