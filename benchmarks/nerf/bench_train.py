# SPDX-License-Identifier: Apache-2.0
"""Training: one step against the same step in torch's own operations, and quality after a given time.

The quality cases have no peer on a processor without a GPU; they are held against the PSNR that was set as their aim.
Those of minutes run only where they are named: ``python -m benchmarks nerf --case lego_100_long``.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Contest, Timing, case, data_dir
from benchmarks.nerf.bench_hash_grid import torch_level_loop

from fastcv import get_num_threads
from fastcv.nerf import Scene, TrainOptions, march, read_scene, spherical_harmonics, train
from fastcv.nerf.modules import OccupancyModel, Trainer


class TorchStep:
    """A hash grid, two networks, rendering and Adam as people write them in torch, at the samples of our own step.

    It is given the rays and the samples, which our own step finds for itself.
    """

    def __init__(self, trainer: Trainer) -> None:
        assert isinstance(trainer.model, OccupancyModel)
        model, field = trainer.model, trainer.model.field
        self.grid, self.side, self.bands = field.encoding.grid, model.side, field.bands
        self.truth, self.batch = trainer.batch()
        self.samples = march(
            self.batch.origins, self.batch.directions, model.near, np.inf, model.grid,
            step=model.step, cone_angle=model.cone_angle, seed=self.batch.seed, points=True,
        )  # fmt: skip
        self.start = [field.encoding.table.detach().clone()]
        for network in (field.geometry, field.color):
            self.start += [weights.detach().clone() for weights, _ in network.net.split(network.params)]

    def run(self) -> Timing:
        parameters = [tensor.clone().requires_grad_() for tensor in self.start]
        optimiser = torch.optim.Adam(parameters, lr=1e-3, betas=(0.9, 0.99), eps=1e-15)
        begin = time.perf_counter()
        errors = self.errors(*parameters)
        torch.mean(errors**2).backward()
        optimiser.step()
        return Timing(time.perf_counter() - begin, errors.detach().numpy())

    def errors(self, table: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        samples, rays = self.samples, self.samples.ray_indices.long()
        hidden = torch.relu(torch_level_loop(samples.points, table, self.grid) @ weights[0].T)
        geometry = hidden @ weights[1].T
        harmonics = spherical_harmonics(self.batch.directions, self.bands)[rays]
        hidden = torch.relu(torch.cat([harmonics, geometry], 1) @ weights[2].T)
        colors = torch.sigmoid(hidden @ weights[3].T)
        optical = torch.exp(geometry[:, 0]) / self.side * (samples.ends - samples.starts)
        before = torch.cumsum(optical, 0) - optical
        first = torch.cat([before, before.new_zeros(1)])[samples.offsets[:-1]]
        light = (-torch.expm1(-optical) * torch.exp(first[rays] - before))[:, None]
        color = torch.zeros_like(self.truth).index_add(0, rays, light * colors)
        opacity = torch.zeros(len(self.truth), 1).index_add(0, rays, light)
        return color + (1 - opacity) * self.batch.background - self.truth


def same_errors(ours: Any, theirs: Any) -> tuple[str, bool]:
    """Light that is less than 1e-4 of a ray's is left out here, and sums over all rays lose digits there."""
    worst = float(np.abs(ours - theirs).max())
    return f"colours differ by {worst:.2g} <= 1e-2", worst <= 1e-2


@case
def train_step(contest: Contest) -> None:
    torch.set_num_threads(get_num_threads())
    scene = read_scene(data_dir() / "nerf" / "lego_100.npz")
    trainer = Trainer(scene, TrainOptions().for_scene(scene), seed=0, device="cpu")
    for i in range(32 if contest.quick else 500):
        trainer.step(i / 2000)
    state, peer = trainer.state(), TorchStep(trainer)
    samples = len(peer.samples.starts)

    def ours() -> Timing:
        trainer.load_state(state)
        begin = time.perf_counter()
        errors = trainer.step(0.25).errors
        seconds = time.perf_counter() - begin
        return Timing(seconds, errors.numpy(), facts={"samples_per_second": samples / seconds})

    contest.note(samples=samples, rays=len(peer.truth), threads=get_num_threads())
    contest.ours(ours)
    contest.peer("torch, hash grid", torch.__version__, peer.run, check=same_errors)


def quality(contest: Contest, scene: Scene, seconds: float, least: float) -> None:
    """Train for so long; the mean PSNR of all held-out views has to reach ``least`` dB."""
    torch.set_num_threads(get_num_threads())
    curve: list[tuple[float, float]] = []

    def look(progress: Any) -> None:
        if progress.share * 8 >= len(curve) + 1 and progress.share < 1:
            curve.append((round(progress.seconds, 2), round(progress.field.evaluate(scene, most=5).mean_psnr, 2)))

    def run() -> Timing:
        curve.clear()
        field = train(scene, seconds=seconds, callback=look, every=20)
        result = field.evaluate(scene)
        facts = {"psnr": result.mean_psnr, "ssim": result.mean_ssim, "curve": list(curve)}
        return Timing(seconds, result.mean_psnr, facts=facts)

    contest.rounds = 1
    contest.note(threads=get_num_threads(), images=len(scene.splits["train"]))
    contest.ours(run)
    contest.peer(
        "aim", f"{least} dB", lambda: Timing(seconds, least),
        check=lambda a, b: (f"PSNR {a:.2f} >= {b} dB after {seconds} s", a >= b),
    )  # fmt: skip


def photographs(contest: Contest, name: str, seconds: float, least: float, *, long: bool = False) -> None:
    if contest.quick or (long and not contest.named):
        return
    quality(contest, read_scene(data_dir() / "nerf" / name), seconds, least)


@case
def lego_100(contest: Contest) -> None:
    photographs(contest, "lego_100.npz", 20, 31.0)


@case
def lego_100_40s(contest: Contest) -> None:
    photographs(contest, "lego_100.npz", 40, 32.0)


@case
def lego_100_long(contest: Contest) -> None:
    photographs(contest, "lego_100.npz", 180, 33.5, long=True)


@case
def lego_200(contest: Contest) -> None:
    photographs(contest, "lego_200.npz", 20, 29.0)


@case
def lego_200_40s(contest: Contest) -> None:
    photographs(contest, "lego_200.npz", 40, 30.5)


@case
def lego_200_long(contest: Contest) -> None:
    photographs(contest, "lego_200.npz", 120, 32.0, long=True)


@case
def fox(contest: Contest) -> None:
    """No aim was set beside that it is recorded; less than 20 dB would be a blur."""
    photographs(contest, "fox", 120, 20.0, long=True)
