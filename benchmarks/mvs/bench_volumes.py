# SPDX-License-Identifier: Apache-2.0
"""What is done to volumes of costs, against the same in torch and OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from benchmarks._harness import Contest, agree_to, case

from fastcv import get_num_threads, mvs
from fastcv.synthetic import make_dataset


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


def guided_by_opencv(costs: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """He et al. 2013, sec. 3.4, a surface at a time: what people write for a grey guide."""

    def sums(values: np.ndarray) -> np.ndarray:
        side = (2 * radius + 1,) * 2
        return cv2.boxFilter(values, cv2.CV_32F, side, normalize=False, borderType=cv2.BORDER_CONSTANT)

    guide = image.astype(np.float32) / 255 - 0.5
    inverse = 1 / sums(np.ones_like(guide))
    mean = sums(guide) * inverse
    variance = sums(guide * guide) * inverse - mean * mean
    result = np.empty_like(costs)
    for k, cost in enumerate(costs):
        mean_cost = sums(cost) * inverse
        a = (sums(cost * guide) * inverse - mean * mean_cost) / (variance + epsilon)
        b = mean_cost - a * mean
        result[k] = (sums(a) * guide + sums(b)) * inverse
    return result


@case
def guided_costs(contest: Contest) -> None:
    """Costs of single pixels over a grey image, radius 6; all pixels have a cost, since OpenCV knows no others."""
    width, height, planes = (320, 240, 32) if contest.quick else (640, 480, 128)
    data = make_dataset("courtyard", num_views=3, width=width, height=height, camera_model="PINHOLE", num_points=500)
    images, K = data.reconstruction.images, data.reconstruction.cameras[1].matrix
    views = [mvs.View(image, K, images[i + 1].cam_from_world) for i, image in enumerate(data.images)]
    depths = mvs.inverse_depth_planes(*mvs.depth_range(data.reconstruction, 2), planes)
    costs = mvs.plane_sweep(views[1], [views[0], views[2]], depths, cost="gradient", window=1)
    costs = np.nan_to_num(costs, nan=float(np.nanmean(costs)))
    grey, out = cv2.cvtColor(data.images[1], cv2.COLOR_RGB2GRAY), np.empty_like(costs)
    contest.note(width=width, height=height, planes=planes, radius=6)
    contest.bound(read_write_bytes=2 * costs.nbytes)
    cv2.setNumThreads(get_num_threads())
    contest.ours(lambda: mvs.guided_costs(costs, grey, radius=6, epsilon=1e-4, out=out))
    contest.peer(
        "opencv boxFilter + numpy",
        cv2.__version__,
        lambda: guided_by_opencv(costs, grey, 6, 1e-4),
        check=agree_to(2e-4),
    )
