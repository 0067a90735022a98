# SPDX-License-Identifier: Apache-2.0
"""What is done to volumes of costs, against the same in torch and OpenCV."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from benchmarks._harness import Contest, case

from fastcv import mvs


@case
def soft_argmin(contest: Contest) -> None:
    """Expected depth and its deviation, as networks end."""
    height, width, num = (240, 320, 32) if contest.quick else (480, 640, 128)
    costs = np.random.default_rng(0).random((num, height, width), np.float32)
    planes, temperature = mvs.inverse_depth_planes(1.0, 8.0, num), 0.05
    tensor, w = torch.from_numpy(costs), torch.from_numpy(1 / planes).float()[:, None, None]

    def by_torch() -> tuple[np.ndarray, np.ndarray]:
        p = (-tensor / temperature).softmax(0)
        mean = (p * w).sum(0)
        deviation = (p * (w - mean).square()).sum(0).sqrt()
        return (1 / mean).numpy(), (deviation / mean.square()).numpy()

    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        error = max(float(np.abs(a / b - 1).max()) for a, b in zip(ours, theirs, strict=True))
        return f"depth and uncertainty within {error:.2g} <= 1e-4 of each other", error <= 1e-4

    contest.note(width=width, height=height, planes=num)
    contest.bound(read_write_bytes=costs.nbytes)
    contest.ours(lambda: mvs.soft_argmin(costs, planes, temperature=temperature))
    contest.peer("torch", torch.__version__, by_torch, check=check)
