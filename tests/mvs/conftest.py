# SPDX-License-Identifier: Apache-2.0
"""A textured slanted plane, seen from several places, whose depth is known in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from fastcv.mvs import View

K = np.array([[90.0, 0, 40], [0, 88.0, 30], [0, 0, 1]])
NORMAL, OFFSET = np.array([0.25, -0.15, 1.0]), 4.0  # n . X = h, in the first camera's frame
CENTERS = np.array([[0.0, 0, 0], [0.35, 0, 0], [-0.35, 0.05, 0], [0, 0.3, 0.1], [0.1, -0.3, 0]])


class Scene(NamedTuple):
    """Views of 61 x 80 pixels, and their depth."""

    views: list[View]
    depths: list[np.ndarray]


def texture(points: np.ndarray) -> np.ndarray:
    """Three smooth colours in [0, 1] of world points, the finest period about 8 pixels at depth 4."""
    x, y = points[..., 0], points[..., 1]
    rng = np.random.default_rng(1)
    value = np.zeros((*x.shape, 3))
    for frequency in (5.0, 9.0, 14.0, 18.0):
        for _ in range(2):
            angle, phase = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi, 3)
            wave = frequency * (np.cos(angle) * x + np.sin(angle) * y)
            value += np.sin(wave[..., None] + phase)
    return np.clip(0.5 + value / 12, 0, 1)


def turned(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@pytest.fixture(scope="session")
def scene() -> Scene:
    views, depths = [], []
    for center in CENTERS:
        R = turned(0.1 * center[0])
        x, y = np.meshgrid(np.arange(80) + 0.5, np.arange(61) + 0.5)
        rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(K).T @ R  # world frame, z = 1 in the camera
        depth = (OFFSET - NORMAL @ center) / (rays @ NORMAL)
        image = np.round(texture(center + depth[..., None] * rays) * 255).astype(np.uint8)
        views.append(View(image, K, np.c_[R, -R @ center]))
        depths.append(depth)
    return Scene(views, depths)
