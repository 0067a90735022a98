# SPDX-License-Identifier: Apache-2.0
"""The loop of training: steps, callbacks and checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..checkpoint import read_state, write_state
from ..scene import Scene
from ..train import TrainProgress
from ..train_options import TrainOptions
from ._torch_radiance import RadianceField
from ._torch_trainer import StepResult, Trainer


def run(
    scene: Scene,
    options: TrainOptions,
    steps: int | None,
    seconds: float | None,
    seed: int,
    device: str,
    callback: Callable[[TrainProgress], Any] | None,
    every: int,
    checkpoint: str | os.PathLike[str] | None,
    clock: Callable[[], float],
) -> RadianceField:
    """See :func:`fastcv.nerf.train`; one of steps and seconds is None."""
    trainer = Trainer(scene, options, seed=seed, device=device)
    field = RadianceField(trainer.model, options, scene.box, scene.background)
    head = {"training": asdict(options), "seed": seed, "steps": steps, "seconds": seconds}
    spent = 0.0
    if checkpoint is not None and Path(checkpoint).exists():
        spent = _resume(checkpoint, head, trainer)

    def share() -> float:
        return trainer.steps / steps if steps is not None else spent / (seconds or 1.0)

    done = share()
    while done < 1:
        begin = clock()
        result = trainer.step(done)
        spent += clock() - begin
        done = share()
        if trainer.steps % every == 0 or done >= 1:
            if checkpoint is not None:
                write_state(checkpoint, {**head, "spent": spent}, trainer.state())
            if callback is not None:
                callback(_progress(result, trainer, spent, done, field))
    return field


def _resume(checkpoint: str | os.PathLike[str], head: dict[str, Any], trainer: Trainer) -> float:
    """Put a trainer where a checkpoint stands; the seconds that were spent."""
    found, arrays = read_state(checkpoint)
    spent = float(found.pop("spent", 0.0))
    other = sorted(name for name in head.keys() | found.keys() if found.get(name) != head.get(name))
    if other:
        name = other[0]
        expected = f"expected one of a training with the same {name}, {head.get(name)}"
        raise ValueError(f"checkpoint: {expected}, got {found.get(name)}")
    trainer.load_state(arrays)
    return spent


def _progress(result: StepResult, trainer: Trainer, spent: float, done: float, field: RadianceField) -> TrainProgress:
    rays = len(result.errors)
    return TrainProgress(trainer.steps, spent, min(done, 1.0), result.loss, rays, result.num_samples, field)
